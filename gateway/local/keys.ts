import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createSecret, openDataDir, readIfThere } from "./data-dir.ts";

/** The ready-made keys of a local start, one per role that a newcomer tries first. */
export interface LocalKeys {
  readonly billing: string;
  readonly finance: string;
  readonly ops: string;
}

export const LOCAL_KEYS_FILE = "keys.json";
const PREFIX = "sy_test_";
const KEY_BYTES = 32;

/**
 * Made once and kept in DATA_DIR/keys.json, mode 0600; the database holds only their hashes. They say `test` because a
 * gateway that moves real money gets its keys from an admin, never from a file.
 */
export async function localKeys(dataDir: string): Promise<{ keys: LocalKeys; file: string }> {
  const file = join(await openDataDir(dataDir), LOCAL_KEYS_FILE);
  if ((await readIfThere(file)) === null) {
    const made: LocalKeys = { billing: newKey(), finance: newKey(), ops: newKey() };
    await createSecret(file, `${JSON.stringify(made, null, 2)}\n`);
  }
  // Read back in any case: of two starts at once, one wrote it.
  return { keys: parse(await readIfThere(file), file), file };
}

function newKey(): string {
  return PREFIX + randomBytes(KEY_BYTES).toString("base64url");
}

function parse(text: string | null, file: string): LocalKeys {
  const found: unknown = JSON.parse(text ?? "null");
  const isKey = (value: unknown): value is string => typeof value === "string" && value.startsWith(PREFIX) && value.length >= KEY_BYTES;
  if (typeof found === "object" && found !== null && "billing" in found && "finance" in found && "ops" in found) {
    const { billing, finance, ops } = found;
    if (isKey(billing) && isKey(finance) && isKey(ops)) return { billing, finance, ops };
  }
  throw new Error(`${file} does not hold the three local keys: remove it to get new ones`);
}
