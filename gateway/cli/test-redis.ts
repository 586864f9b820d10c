import { spawnSync } from "node:child_process";
import { access, chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Finds a redis-server for the tests, or gets one. A server that only REDIS_URL names is not enough: tests stop, kill and
 * empty theirs, which nobody may do to a Redis that belongs to something else.
 */
export async function findTestRedis(cacheDir: string, say: (line: string) => void): Promise<string | null> {
  const named = process.env.SWITCHYARD_TEST_REDIS;
  if (named) return works(named) ? named : null;
  if (works("redis-server")) return "redis-server";
  if (spawnSync("apt-get", ["--version"]).status !== 0) return null;
  if (process.getuid?.() === 0) return installAsRoot(say) ? "redis-server" : null;
  return unpackForUser(join(cacheDir, "redis"), say);
}

function works(binary: string): boolean {
  return spawnSync(binary, ["--version"]).status === 0;
}

function run(command: string, args: readonly string[], cwd = "/"): boolean {
  // RUNLEVEL=1: the package does not start a service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1", LC_ALL: "C" };
  return spawnSync(command, args, { cwd, env, stdio: ["ignore", "ignore", "inherit"] }).status === 0;
}

function installAsRoot(say: (line: string) => void): boolean {
  say("installing redis-server for the tests (apt-get)");
  const install = () => run("apt-get", ["install", "-y", "-q", "--no-install-recommends", "redis-server"]);
  return (install() || (run("apt-get", ["update", "-q"]) && install())) && works("redis-server");
}

/** Without root: Debian's packages, unpacked below node_modules. Nothing outside it changes. */
async function unpackForUser(dir: string, say: (line: string) => void): Promise<string | null> {
  const binary = join(dir, "redis-server");
  if (works(binary)) return binary;
  say(`unpacking redis-server for the tests into ${dir} (apt-get download)`);
  const [root, debs] = [join(dir, "root"), join(dir, "debs")];
  for (const path of ["state/lists/partial", "cache/archives/partial", "debs", "root"]) await mkdir(join(dir, path), { recursive: true });
  const apt = [
    ...["-q", "-o", `Dir::State=${dir}/state`, "-o", "Dir::State::status=/var/lib/dpkg/status"],
    ...["-o", `Dir::Cache=${dir}/cache`, "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="],
  ];
  if (!run("apt-get", [...apt, "update"])) return null;
  if (!run("apt-get", [...apt, "download", ...missingPackages(apt)], debs)) return null;
  for (const deb of await readdir(debs)) if (!run("dpkg-deb", ["-x", join(debs, deb), root])) return null;
  const libraries = (await readdir(join(root, "usr", "lib"))).map((name) => join(root, "usr", "lib", name));
  const server = join(root, "usr", "bin", "redis-server");
  await access(server);
  await writeFile(binary, `#!/bin/sh\nLD_LIBRARY_PATH='${libraries.join(":")}' exec '${server}' "$@"\n`);
  await chmod(binary, 0o755);
  return works(binary) ? binary : null;
}

/** redis-server with those of its libraries that this machine does not have. */
function missingPackages(apt: readonly string[]): string[] {
  const only = ["--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances"];
  const { stdout } = spawnSync("apt-cache", [...apt, "depends", ...only, "redis-server"], { encoding: "utf8" });
  const libraries = stdout.split("\n").filter((line) => /^lib(?!c6$)[a-z0-9]/.test(line) && !line.endsWith("-perl"));
  const isThere = (name: string) => {
    const found = spawnSync("dpkg-query", ["-W", "-f", "$" + "{Status}\n", name], { encoding: "utf8" });
    return found.stdout.includes("install ok installed");
  };
  return ["redis-server", "redis-tools", ...new Set(libraries.filter((name) => !isThere(name)))];
}
