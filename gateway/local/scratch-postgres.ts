import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readIfThere } from "./data-dir.ts";
import { type LocalPostgres, startLocalPostgres } from "./postgres.ts";
import { isAlive, signal, waitUntil } from "./processes.ts";

/** A throwaway PostgreSQL for tests, benchmarks and the schema check. */
export interface ScratchPostgres {
  /** Starts the server again after its end, on the same port and files. */
  start(): Promise<LocalPostgres>;
  /** Removes the files, and ends a server that still runs on them. */
  remove(): Promise<void>;
}

const PREFIX = "switchyard-scratch-";
const END_TIMEOUT_MS = 5_000;

export async function createScratchPostgres(settings: Readonly<Record<string, string>> = {}): Promise<ScratchPostgres> {
  await sweep();
  const dataDir = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  // As root, the server's own user has to pass through it.
  await chmod(dataDir, 0o711);
  return {
    start: () => startLocalPostgres({ dataDir, log: () => {}, settings }),
    remove: () => remove(dataDir),
  };
}

/** Ends and removes what killed processes left: each directory carries the id of the process that made it. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX) || isAlive(Number(name.slice(PREFIX.length).split("-")[0]))) continue;
    await remove(join(tmpdir(), name)).catch(() => {
      // Another user's leftovers.
    });
  }
}

/** The cluster may be elsewhere, when the temporary directory is out of reach for root's PostgreSQL user. */
async function remove(dataDir: string): Promise<void> {
  const state: unknown = JSON.parse((await readIfThere(join(dataDir, "postgres.json"))) ?? "null");
  const cluster = typeof state === "object" && state !== null && "cluster" in state ? String(state.cluster) : dataDir;
  const pid = Number(((await readIfThere(join(cluster, "postmaster.pid"))) ?? "").split("\n")[0]);
  if (pid > 0 && signal(pid, "SIGQUIT")) await waitUntil(() => !isAlive(pid), END_TIMEOUT_MS);
  for (const dir of [cluster, dataDir]) await rm(dir, { recursive: true, force: true });
}
