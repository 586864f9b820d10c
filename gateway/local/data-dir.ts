import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";

/** Where the parts of a local start write one line about what they do. */
export type Log = (message: string) => void;

/** The mode bit of a directory meant to be shared, such as /tmp. */
const STICKY = 0o1000;

export const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * Makes DATA_DIR ready and returns its real, absolute path. Nobody else may write to it: whoever can replace a file in
 * it owns the gateway's keys and database. Others cannot list it either; root's may be passed through, because
 * PostgreSQL then runs as another user. Each secret in it has mode 0600 of its own.
 */
export async function openDataDir(path: string): Promise<string> {
  const wanted = resolve(path);
  const created = await mkdir(wanted, { recursive: true, mode: 0o700 });
  const dir = await realpath(wanted);
  const found = await stat(dir);
  const writableByOthers = (found.mode & 0o022) !== 0;
  const shared = found.uid !== process.getuid?.() || (found.mode & STICKY) !== 0;
  if (created !== undefined) await chmod(dir, isRoot() ? 0o711 : 0o700);
  else if (writableByOthers && shared) throw new Error(`DATA_DIR ${dir} can be written by other users: choose a directory of your own`);
  else if (writableByOthers) await chmod(dir, found.mode & 0o755);
  return dir;
}

/** Writes a secret once: false when the file is there already. Complete or absent, whenever the machine stops. */
export async function createSecret(path: string, text: string): Promise<boolean> {
  const draft = await writeDraft(path, text);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Writes a secret, replacing the file if there is one. */
export async function replaceSecret(path: string, text: string): Promise<void> {
  await rename(await writeDraft(path, text), path);
}

async function writeDraft(path: string, text: string): Promise<string> {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

/** The text of a file, or null when there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
