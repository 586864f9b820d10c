import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createSecret, readIfThere, replaceSecret } from "./data-dir.ts";
import { canEnter, type PostgresBinaries, rootDir } from "./postgres-binaries.ts";

/** Where a DATA_DIR's cluster is and how to log in. Kept in DATA_DIR/postgres.json, mode 0600. */
export interface ClusterPlace {
  readonly dir: string;
  readonly password: string;
  /** A cluster was made here before: if it is missing now, it is lost, and a new one must not take its place silently. */
  readonly used: boolean;
  readonly stateFile: string;
}

interface State {
  /** The DATA_DIR this file was written for: another one means that the directory was moved, or copied. */
  readonly home: string;
  readonly cluster: string;
  readonly password: string;
}

const STATE_FILE = "postgres.json";

/** The cluster's place is decided, and on disk, before the cluster exists. */
export async function placeCluster(home: string, binaries: PostgresBinaries): Promise<ClusterPlace> {
  const stateFile = join(home, STATE_FILE);
  const known = await readState(stateFile);
  if (known === null) {
    const state: State = { home, cluster: await choosePlace(home, binaries), password: randomBytes(24).toString("hex") };
    await createSecret(stateFile, `${JSON.stringify(state, null, 2)}\n`);
  }
  // Read back in any case: of two starts at once, one wrote it.
  let state = await readState(stateFile);
  if (state === null) throw new Error(`${stateFile} vanished`);
  if (state.home !== home) state = await followMove(state, home, stateFile);
  return { dir: state.cluster, password: state.password, used: known !== null && (await wasUsed(home)), stateFile };
}

/** Below DATA_DIR; root's DATA_DIR may be out of reach for PostgreSQL's user, as below /root: then below /var/lib. */
async function choosePlace(home: string, { user }: PostgresBinaries): Promise<string> {
  if (user === null || canEnter(home, user)) return join(home, "postgres");
  const name = createHash("sha256").update(home).digest("hex").slice(0, 16);
  // The random part: a DATA_DIR that was deleted and made again gets a new database, and the old one is not overwritten.
  return join(await rootDir(), `${name}-${randomBytes(4).toString("hex")}`);
}

async function followMove(state: State, home: string, stateFile: string): Promise<State> {
  const inside = state.cluster === join(state.home, "postgres");
  const original = await readState(join(state.home, STATE_FILE));
  // A cluster inside DATA_DIR was copied with it; one outside would now belong to two.
  if (!inside && original?.cluster === state.cluster)
    throw new Error(
      `DATA_DIR ${home} is a copy of ${state.home}, whose database is ${state.cluster}: remove ${stateFile} to begin with a new one`,
    );
  const moved: State = { ...state, home, cluster: inside ? join(home, "postgres") : state.cluster };
  await replaceSecret(stateFile, `${JSON.stringify(moved, null, 2)}\n`);
  return moved;
}

/** The password of the cluster that a DATA_DIR knows of; null: none was ever made. Changes nothing. */
export async function knownPassword(home: string): Promise<string | null> {
  return (await readState(join(home, STATE_FILE)))?.password ?? null;
}

async function wasUsed(home: string): Promise<boolean> {
  return (await readdir(home)).includes("postgres.port");
}

async function readState(path: string): Promise<State | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  const state: unknown = JSON.parse(text);
  if (typeof state === "object" && state !== null && "home" in state && "cluster" in state && "password" in state) return state as State;
  throw new Error(`${path} is not what this version writes`);
}
