import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Log, readIfThere } from "./data-dir.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { commandOf, freePort, isAlive, signal, waitUntil } from "./processes.ts";

/** One PostgreSQL server over one cluster directory: started, adopted, stopped. */
export interface PostgresServer {
  readonly pid: number;
  readonly port: number;
  /** It was running before we came. */
  readonly adopted: boolean;
}

export interface Cluster {
  readonly dir: string;
  readonly binaries: PostgresBinaries;
  readonly logFile: string;
  /** Settings for the command line, on top of the cluster's postgresql.conf. */
  readonly settings: Readonly<Record<string, string>>;
  readonly log: Log;
}

/** Milliseconds. Crash recovery replays the log since the last checkpoint: seconds, on a slow disk a minute. */
const START_TIMEOUT_MS = 180_000;
/** Milliseconds for a fast shutdown (its checkpoint writes what is dirty), then for an immediate one. */
const STOP_TIMEOUT_MS = 30_000;
const KILL_TIMEOUT_MS = 5_000;
/** Bytes of log kept before it is moved to .1 (checked at each start and hourly). */
export const MAX_LOG_BYTES = 16 * 1024 * 1024;

/** What a start may fail with because another start, or the end of the last server, is under way: try again. */
const PASSING = [/lock file ".*" already exists/, /pre-existing shared memory block/];
/** The same, on another port; those who were told the old one have to be told again. */
const PORT_TAKEN = [/Address already in use/, /could not create any TCP\/IP sockets/];

/** Returns the server that runs on this cluster, else starts one. Safe to run in several processes at the same time. */
export async function startOrAdopt(cluster: Cluster, wantedPort: number | null): Promise<PostgresServer> {
  const end = performance.now() + START_TIMEOUT_MS;
  let port = await freePort(wantedPort ?? 0);
  while (performance.now() < end) {
    const running = await runningServer(cluster);
    if (running?.status === "ready") return { pid: running.pid, port: running.port, adopted: true };
    if (running === null) {
      const outcome = await launch(cluster, port, end - performance.now());
      if (outcome.kind === "ready") return { pid: outcome.pid, port, adopted: false };
      if (PORT_TAKEN.some((taken) => taken.test(outcome.why))) port = await freePort();
      else if (!PASSING.some((passing) => passing.test(outcome.why))) throw new Error(`PostgreSQL did not start: ${outcome.why}`);
    }
    await sleep(50);
  }
  throw new Error(`PostgreSQL was not ready within ${START_TIMEOUT_MS / 1000} s; see ${cluster.logFile}`);
}

/** Fast shutdown: sessions are ended, transactions rolled back, a checkpoint is written. Then an immediate one. */
export async function stopServer(cluster: Cluster, pid: number): Promise<void> {
  // Not "is the process gone": an adopted server may stay a zombie when nobody above us waits for it.
  const gone = async () => (await commandOf(pid)) === null;
  for (const [name, timeoutMs] of [
    ["SIGINT", STOP_TIMEOUT_MS],
    ["SIGQUIT", KILL_TIMEOUT_MS],
    ["SIGKILL", KILL_TIMEOUT_MS],
  ] as const) {
    if (!signal(pid, name) || (await waitUntil(gone, timeoutMs))) return;
    cluster.log(`PostgreSQL (pid ${pid}) did not stop after ${name}`);
  }
  throw new Error(`PostgreSQL (pid ${pid}) does not stop`);
}

type Launched = { kind: "ready"; pid: number } | { kind: "ended"; why: string };

async function launch(cluster: Cluster, port: number, timeoutMs: number): Promise<Launched> {
  const { binaries, dir, logFile } = cluster;
  await limitLog(logFile);
  const logged = (await stat(logFile).catch(() => null))?.size ?? 0;
  const settings = { port: String(port), listen_addresses: "127.0.0.1", unix_socket_directories: "", ...cluster.settings };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const fd = openSync(logFile, "a", 0o600);
  // Its own session: Ctrl-C in a terminal reaches the gateway, which finishes its charges before it stops the database.
  const child = spawn(binaries.postgres, ["-D", dir, ...flags], {
    ...binaries.user,
    cwd: "/",
    env: cleanEnv(),
    detached: true,
    stdio: ["ignore", fd, fd],
  });
  closeSync(fd);
  child.unref();
  let ended: string | null = null;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, name) => (ended ??= `exit ${name ?? code}`));
  const isReady = async () => {
    if (ended !== null) return true;
    const file = await readPidFile(dir);
    return file?.pid === child.pid && file?.status === "ready";
  };
  const done = await waitUntil(isReady, timeoutMs, 5);
  if (done && ended === null) return { kind: "ready", pid: child.pid! };
  if (!done) signal(child.pid!, "SIGQUIT");
  return { kind: "ended", why: `${ended ?? "not ready in time"}: ${await readFrom(logFile, logged)}` };
}

/** The cluster's server, in whatever state it is; null when none runs. */
async function runningServer(cluster: Cluster): Promise<{ pid: number; port: number; status: string } | null> {
  const file = await readPidFile(cluster.dir);
  if (file === null || !isAlive(file.pid)) return null;
  const command = await commandOf(file.pid);
  const pidFile = join(cluster.dir, "postmaster.pid");
  if (file.dir !== (await realpath(cluster.dir)) && command?.includes(file.dir))
    throw new Error(`${cluster.dir} is a copy of ${file.dir}, taken while its server was running: it cannot be used`);
  if (command !== null && basename(command.split(" ", 1)[0] ?? "") === "postgres" && command.includes(cluster.dir)) return file;
  // The id belongs to another program by now (after a reboot, or in a container, where ids are small and come again).
  // PostgreSQL itself would only see that it is taken, and refuse. It still checks for a surviving shared memory block.
  if ((await readIfThere(pidFile))?.startsWith(`${file.pid}\n`)) await rm(pidFile, { force: true });
  return null;
}

/** postmaster.pid: pid, data directory, start time, port, socket directory, address, shared memory key, status. */
async function readPidFile(dir: string): Promise<{ pid: number; dir: string; port: number; status: string } | null> {
  const lines = (await readIfThere(join(dir, "postmaster.pid")))?.split("\n") ?? [];
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  return { pid, dir: lines[1] ?? "", port: Number(lines[3]), status: (lines[7] ?? "").trim() };
}

/** Makes a new cluster in `dir`, which must not exist. The directory appears complete, and on disk, or not at all. */
export function initCluster(binaries: PostgresBinaries, dir: string, user: string, passwordFile: string): void {
  const flags = [
    ...["--username", user, "--pwfile", passwordFile, "--auth", "scram-sha-256"],
    // The builtin provider sorts the same on every machine; the C library's collations change with its version.
    ...["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"],
    // Linux flushes the whole file system in one call (0.6 s) instead of a thousand files one by one (0.8 s and more).
    ...["--no-instructions", ...(process.platform === "linux" ? ["--sync-method", "syncfs"] : [])],
    ...Object.entries(CLUSTER_SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
  ];
  const done = spawnSync(binaries.initdb, ["--pgdata", dir, ...flags], { ...binaries.user, cwd: "/", env: cleanEnv(), encoding: "utf8" });
  if (done.status !== 0) throw new Error(`initdb failed: ${done.error?.message ?? done.stderr.trim()}`);
}

/** Written into the cluster's postgresql.conf, where its owner may change them. fsync and synchronous_commit stay on. */
const CLUSTER_SETTINGS = {
  max_connections: "60",
  shared_buffers: "128MB",
  max_wal_size: "512MB",
  checkpoint_timeout: "15min",
  // Planning our short statements is cheap, compiling them is not.
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  // Statements may carry what a customer wrote; errors name the constraint, which is enough.
  log_min_error_statement: "panic",
  log_checkpoints: "off",
};

/** PostgreSQL gets none of our environment: it holds the processors' keys. */
function cleanEnv(): NodeJS.ProcessEnv {
  return { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

/** Keeps one old log. The server appends through a handle of its own, so a running one's file is emptied in place. */
export async function limitLog(logFile: string, inUse = false): Promise<void> {
  const size = (await stat(logFile).catch(() => null))?.size ?? 0;
  if (size < MAX_LOG_BYTES) return;
  if (!inUse) return rename(logFile, `${logFile}.1`);
  const file = await open(logFile, "r+");
  await file.truncate(0).finally(() => file.close());
}

async function readFrom(path: string, offset: number): Promise<string> {
  const text = await readFile(path).catch(() => Buffer.alloc(0));
  return text.subarray(offset).toString("utf8").trim().split("\n").slice(-8).join("\n");
}
