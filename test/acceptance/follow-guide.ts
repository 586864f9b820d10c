import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const DOCS = new URL("../../docs/", import.meta.url);
/** Above what the longest guide waits for: a processor's return. */
export const GUIDE_TIMEOUT_MS = 300_000;

/** Where a guide is followed: `directory` has `.data/keys.json`, as that of a local start. */
export interface Reader {
  readonly url: string;
  readonly sandboxUrl: string;
  readonly directory: string;
}

/** The commands of a page, in their order. */
async function commandsOf(page: string): Promise<string> {
  const text = await readFile(new URL(page, DOCS), "utf8");
  return Array.from(text.matchAll(/```sh\n(.*?)```/gs), ([, commands]) => commands).join("\n");
}

/** Runs a guide's commands as they stand, but for the addresses; fails with the first that is refused. What they print. */
export async function followGuide(page: string, reader: Reader): Promise<string> {
  const [setUp = ""] = (await commandsOf("first-charge.md")).split(/^(?=curl)/m);
  const commands = page === "first-charge.md" ? await commandsOf(page) : setUp + (await commandsOf(page));
  const script = `set -eu
    curl() { command curl --silent --show-error --fail-with-body "$@" && echo; }
    ${commands.replaceAll("http://127.0.0.1:8080", reader.url).replaceAll("http://127.0.0.1:8081", reader.sandboxUrl)}`;
  const { stdout } = await promisify(execFile)("bash", ["-c", script], { cwd: reader.directory, timeout: GUIDE_TIMEOUT_MS });
  return stdout;
}
