import { join } from "node:path";
import { type DestinationStream, destination } from "pino";
import { openDataDir } from "./data-dir.ts";

/** The log of a local start: DATA_DIR/gateway.log, mode 0600, appended to. */
export async function openLogFile(dataDir: string): Promise<{ path: string; stream: DestinationStream }> {
  const path = join(await openDataDir(dataDir), "gateway.log");
  return { path, stream: destination({ dest: path, append: true, sync: false, mode: 0o600 }) };
}
