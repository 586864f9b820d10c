import { randomBytes } from "node:crypto";
import { chown, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { hasCode, type Log, openDataDir, readIfThere, replaceSecret } from "./data-dir.ts";
import { findPostgres, type PostgresBinaries } from "./postgres-binaries.ts";
import { type ClusterPlace, knownPassword, placeCluster } from "./postgres-place.ts";
import { type Cluster, initCluster, limitLog, startOrAdopt, stopServer } from "./postgres-process.ts";
import { commandOf } from "./processes.ts";

export interface LocalPostgres {
  /** postgres://… with the password in it, for 127.0.0.1. */
  readonly url: string;
  readonly pid: number;
  /** It was running already: left by a crash, or started by another gateway on the same DATA_DIR. */
  readonly adopted: boolean;
  /** Fast shutdown, and waits for its end. Leaves the server to another gateway on the same DATA_DIR, if there is one. */
  stop(): Promise<void>;
}

export interface LocalPostgresOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** Server settings for this run, on top of the cluster's postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

const USER = "switchyard";
const DATABASE = "switchyard";
const MAJOR_VERSION = "18";
const PORT_FILE = "postgres.port";
const LOG_CHECK_MS = 3_600_000;

/**
 * The database of a start without DATABASE_URL: a real PostgreSQL 18 on 127.0.0.1, its cluster below DATA_DIR. It
 * survives a crash of the gateway unharmed; the next start adopts it. Works as root and as an ordinary user.
 */
export async function startLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const { log, settings = {} } = options;
  const home = await openDataDir(options.dataDir);
  const binaries = await findPostgres(log);
  const place = await placeCluster(home, binaries);
  await ensureCluster(place, binaries, log);
  const cluster: Cluster = { dir: place.dir, binaries, logFile: join(home, "postgres.log"), settings, log };
  const portFile = join(home, PORT_FILE);
  const server = await startOrAdopt(cluster, Number(await readIfThere(portFile)) || null);
  const url = urlOf(server.port, place.password, DATABASE);
  const release = await registerUser(home);
  try {
    await ensureDatabase(server.port, place.password);
    await replaceSecret(portFile, String(server.port));
  } catch (error) {
    if ((await release()) === 0) await stopServer(cluster, server.pid);
    throw error;
  }
  log(`PostgreSQL ${server.adopted ? "adopted" : "started"} on 127.0.0.1:${server.port} (pid ${server.pid}, ${place.dir})`);
  const logTimer = setInterval(() => void limitLog(cluster.logFile, true).catch(() => {}), LOG_CHECK_MS).unref();
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    clearInterval(logTimer);
    if ((await release()) > 0) return log("PostgreSQL is left running: another gateway uses it");
    await stopServer(cluster, server.pid);
  };
  return { url, pid: server.pid, adopted: server.adopted, stop: () => (stopping ??= stop()) };
}

/** Where the database of a local start was last reached; null: nothing was ever started there. Starts nothing. */
export async function localPostgresUrl(dataDir: string): Promise<string | null> {
  const [password, port] = await Promise.all([knownPassword(dataDir), readIfThere(join(dataDir, PORT_FILE))]);
  return password === null || port === null ? null : urlOf(Number(port), password, DATABASE);
}

function urlOf(port: number, password: string, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

/** Runs initdb beside the place and moves the result there, so that a start that dies half-way leaves no half cluster. */
async function ensureCluster(place: ClusterPlace, binaries: PostgresBinaries, log: Log): Promise<void> {
  const version = (await readIfThere(join(place.dir, "PG_VERSION")))?.trim();
  if (version === MAJOR_VERSION) return;
  if (version !== undefined)
    throw new Error(`the cluster in ${place.dir} is of PostgreSQL ${version}, this one is ${MAJOR_VERSION}: upgrade it with pg_upgrade`);
  if (place.used)
    throw new Error(
      `the database of this DATA_DIR is gone: ${place.dir} is missing or empty. Restore it, or remove ${place.stateFile} to begin anew`,
    );
  log(`creating a PostgreSQL cluster in ${place.dir}`);
  const draft = `${place.dir}.${randomBytes(6).toString("hex")}`;
  const passwordFile = join(draft, "password");
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(passwordFile, place.password, { mode: 0o600 });
    if (binaries.user) for (const path of [draft, passwordFile]) await chown(path, binaries.user.uid, binaries.user.gid);
    initCluster(binaries, join(draft, "data"), USER, passwordFile);
    await rename(join(draft, "data"), place.dir);
  } catch (error) {
    // Another start on the same DATA_DIR was faster: its cluster has the same password.
    if (!hasCode(error, "ENOTEMPTY", "EEXIST")) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Also the proof that the server takes our password. */
async function ensureDatabase(port: number, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(port, password, "postgres"), connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } catch (error) {
    // 42P04 duplicate_database, 23505 the same from a race: another start was faster.
    if (!hasCode(error, "42P04", "23505")) throw error;
  } finally {
    await client.end();
  }
}

/** Notes that this process uses the server. The returned function takes the note back and counts the others. */
async function registerUser(home: string): Promise<() => Promise<number>> {
  const dir = join(home, "postgres.users");
  const name = String(process.pid);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(join(dir, name), "", { mode: 0o600 });
  return async () => {
    await rm(join(dir, name), { force: true });
    let others = 0;
    for (const entry of await readdir(dir).catch(() => [])) {
      // A note of a process that crashed, or whose id is another program's by now, does not count.
      const command = await commandOf(Number(entry));
      if (command?.includes("node")) others += 1;
      else await rm(join(dir, entry), { force: true });
    }
    return others;
  };
}
