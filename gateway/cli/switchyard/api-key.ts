import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readIfThere } from "../../local/data-dir.ts";
import { LOCAL_KEYS_FILE } from "../../local/keys.ts";
import type { KeyRole } from "../../store/api-keys.ts";
import { CommandFailed, EXIT } from "./exit-code.ts";
import type { Surroundings } from "./surroundings.ts";
import { listOf } from "./words.ts";

export interface KeyChoice {
  readonly keyFile: string | undefined;
  /** The gateway that the key is for. */
  readonly url: string;
  /** Any of them may do what is asked; `admin` may do all. */
  readonly roles: readonly KeyRole[];
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const VISIBLE = /^[\x21-\x7e]+$/;

/**
 * The key of a file that was named, else SWITCHYARD_API_KEY, else the ready-made key of a local start whose role fits. Those leave
 * this machine never: they are offered to a gateway on a loopback address only.
 */
export async function apiKeyFor({ keyFile, url, roles }: KeyChoice, { env, root }: Pick<Surroundings, "env" | "root">): Promise<string> {
  if (keyFile !== undefined) return keyIn(await fileText(keyFile), keyFile, roles);
  const named = env.SWITCHYARD_API_KEY?.trim();
  if (named) return checked(named, "SWITCHYARD_API_KEY");
  const path = join(localDataDir({ env, root }), LOCAL_KEYS_FILE);
  const text = LOOPBACK.test(new URL(url).hostname) ? await readIfThere(path) : null;
  if (text !== null) return keyIn(text, path, roles);
  throw new CommandFailed(EXIT.denied, `no API key: this needs one with the role ${orOf(roles)}`, [
    "Set SWITCHYARD_API_KEY, or name a file with --key-file. A local start keeps its own keys in DATA_DIR/keys.json.",
  ]);
}

export function localDataDir({ env, root }: Pick<Surroundings, "env" | "root">): string {
  return resolve(root, env.DATA_DIR?.trim() || ".data");
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const why = (error as { code?: string }).code ?? "unknown error";
    throw new CommandFailed(EXIT.usage, `--key-file ${path} cannot be read: ${why}`);
  }
}

/** The file holds one key, or keys by role as a local start writes them. */
function keyIn(text: string, path: string, roles: readonly KeyRole[]): string {
  if (!text.trimStart().startsWith("{")) return checked(text.trim(), path);
  let keys: Readonly<Record<string, unknown>>;
  try {
    keys = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    throw new CommandFailed(EXIT.denied, `${path} is neither a key nor JSON with keys by role`);
  }
  const key = [...roles, "admin"].map((role) => keys[role]).find((one) => typeof one === "string");
  if (typeof key === "string") return checked(key, path);
  const advice = roles.includes("admin")
    ? "Start the gateway with ADMIN_KEY set (32 characters or more), and give the same to this command as SWITCHYARD_API_KEY."
    : "Set SWITCHYARD_API_KEY to a key with that role.";
  throw new CommandFailed(EXIT.denied, `this needs a key with the role ${orOf(roles)}, and ${path} has none`, [advice]);
}

function checked(key: string, where: string): string {
  if (VISIBLE.test(key)) return key;
  throw new CommandFailed(EXIT.denied, `${where} holds no API key: it is empty, or has a space, a line break or a character outside ASCII`);
}

function orOf(roles: readonly KeyRole[]): string {
  return listOf(roles).replace(/ and (?=\w+$)/, " or ");
}
