import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { glob, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readIfThere } from "../local/data-dir.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOURCE = join(ROOT, "gateway", "client");
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");
/** What the package was made of. */
const STAMP = ".made-of";

/** Where package.json's `exports` look for it. It is a package of its own, to be installed without the gateway and what that needs. */
export const CLIENT_PACKAGE = join(ROOT, "dist", "switchyard");

/** Emits `switchyard/client` as JavaScript and declarations, unless what is there was made of the same source. True: it was made. */
export async function buildClient(into = CLIENT_PACKAGE): Promise<boolean> {
  const stamp = await sourceStamp();
  if ((await readIfThere(join(into, STAMP))) === stamp) return false;
  await mkdir(join(into, ".."), { recursive: true });
  const made = await mkdtemp(`${into}-`);
  try {
    const done = spawnSync(process.execPath, [TSC, "-p", SOURCE, "--outDir", join(made, "client")], { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`the client does not compile:\n${done.stdout}${done.stderr}`);
    await nameJavaScript(join(made, "client"));
    await writeFile(join(made, "package.json"), `${JSON.stringify(await manifest(), null, 2)}\n`);
    await writeFile(join(made, STAMP), stamp);
    // Whoever imports it meanwhile finds the old one or the new one, or for a moment none; never half of one.
    await rm(into, { recursive: true, force: true });
    await rename(made, into).catch(async (error: unknown) => {
      // Another build of the same source was quicker.
      if ((await readIfThere(join(into, STAMP))) !== stamp) throw error;
    });
    return true;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** tsc leaves `.ts` in the declarations' imports, which not every compiler takes. */
async function nameJavaScript(dir: string): Promise<void> {
  for await (const file of glob("*.d.ts", { cwd: dir })) {
    const text = await readFile(join(dir, file), "utf8");
    await writeFile(join(dir, file), text.replaceAll(/(?<= from "\.\/[\w-]+)\.ts(?=")/g, ".js"));
  }
}

async function manifest(): Promise<object> {
  const { name, version, license, type, engines } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  const description = "The client of a Switchyard gateway, for a billing core.";
  const exports = { "./client": { types: "./client/client.d.ts", default: "./client/client.js" } };
  return { name, version, description, license, type, engines, sideEffects: false, exports };
}

async function sourceStamp(): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(await manifest()));
  const files = [fileURLToPath(import.meta.url), join(TSC, "..", "..", "package.json"), join(ROOT, "tsconfig.json")];
  for await (const file of glob("*", { cwd: SOURCE })) files.push(join(SOURCE, file));
  for (const file of files.sort()) hash.update(`\n${file.slice(ROOT.length)}\n`).update(await readFile(file));
  return hash.digest("hex");
}
