import { stat } from "node:fs/promises";
import { join } from "node:path";
import { LOCAL_KEYS_FILE } from "../../../local/keys.ts";
import type { Surroundings } from "../surroundings.ts";
import { type Check, fault, ok, skipped, warning } from "./check.ts";

const GIB = 2 ** 30;
/** A database that cannot write stops everything; below the first nothing more should be begun, below the second it is time to act. */
const FULL_BYTES = 0.2 * GIB;
const SHORT_BYTES = 2 * GIB;

/** What a local start keeps in DATA_DIR: its database, and its keys. */
export async function examineDataDir(dataDir: string, { freeBytes }: Pick<Surroundings, "freeBytes">): Promise<Check[]> {
  const there = await stat(dataDir).catch(() => null);
  if (there === null) return [skipped("data_dir", `${dataDir} is not there yet: the first \`npm start\` makes it`)];
  return [space(dataDir, await freeBytes(dataDir)), ...(await keys(join(dataDir, LOCAL_KEYS_FILE)))];
}

function space(dataDir: string, bytes: number): Check {
  const id = "data_dir.space";
  const found = `${(bytes / GIB).toFixed(1)} GiB are free where ${dataDir} is`;
  if (bytes < FULL_BYTES) return fault(id, found, "Make room on that disk now: a database that cannot write takes no charge.");
  if (bytes < SHORT_BYTES) return warning(id, found, "Make room on that disk, or move DATA_DIR to a larger one.");
  return ok(id, found);
}

async function keys(path: string): Promise<Check[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) return [];
  const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
  if ((found.mode & 0o077) === 0) return [ok("data_dir.keys", `${path} is for its owner only (${mode})`)];
  const revoke = "if others have read it, revoke these keys (`switchyard keys`) and remove the file.";
  return [fault("data_dir.keys", `other users of this machine can read the API keys in ${path} (${mode})`, `chmod 600 ${path}; ${revoke}`)];
}
