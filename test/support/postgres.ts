import type { LocalPostgres } from "../../gateway/local/postgres.ts";
import { isAlive, signal, waitUntil } from "../../gateway/local/processes.ts";
import { createScratchPostgres } from "../../gateway/local/scratch-postgres.ts";

/** Small, and as durable as the real one: fsync stays on, because tests kill the server and look at what is left. */
const TEST_SETTINGS = { shared_buffers: "32MB", max_connections: "120", max_wal_size: "256MB" };

const END_TIMEOUT_MS = 60_000;

export interface OwnPostgres {
  readonly url: string;
  readonly pid: number;
  /** Fast shutdown, then a start on the same port. */
  restart(): Promise<void>;
  /** kill -9 of the postmaster; its sessions end with it, nothing is flushed. `start` brings it back, on the same port. */
  kill9(): Promise<void>;
  start(): Promise<void>;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/** A PostgreSQL of the caller's own, to be killed and restarted. */
export async function startOwnPostgres(settings: Readonly<Record<string, string>> = {}): Promise<OwnPostgres> {
  const scratch = await createScratchPostgres({ ...TEST_SETTINGS, ...settings });
  let server: LocalPostgres = await scratch.start();
  return {
    get url() {
      return server.url;
    },
    get pid() {
      return server.pid;
    },
    async restart() {
      await server.stop();
      server = await scratch.start();
    },
    async kill9() {
      signal(server.pid, "SIGKILL");
      if (!(await waitUntil(() => !isAlive(server.pid), END_TIMEOUT_MS))) throw new Error(`${server.pid} survived`);
    },
    async start() {
      server = await scratch.start();
    },
    async stop() {
      await server.stop();
      await scratch.remove();
    },
  };
}
