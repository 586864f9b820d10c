import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A checkout with our launcher and our dependencies, whose gateway is `program`. */
async function checkoutWith(program: string): Promise<string> {
  const dir = await temporaryDirectory();
  await mkdir(join(dir, "gateway", "cli"), { recursive: true });
  for (const file of [
    "package.json",
    "package-lock.json",
    "gateway/cli/launch.mjs",
    "gateway/cli/install.mjs",
    "gateway/cli/build-console.mjs",
  ])
    await copyFile(join(ROOT, file), join(dir, file));
  await symlink(join(ROOT, "node_modules"), join(dir, "node_modules"));
  await writeFile(join(dir, "gateway", "main.ts"), program);
  return dir;
}

function launch(dir: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [join(dir, "gateway/cli/launch.mjs"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, npm_lifecycle_event: "", ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() };
}

const WAITING = `let signals = 0;
for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => {
  signals += 1;
  if (signals === 1) setTimeout(() => { console.log(name, signals); process.exit(7); }, 300);
});
console.log(process.version, process.pid, ...process.argv.slice(2));
setInterval(() => {}, 1_000);`;

test("start runs the gateway on the pinned Node and passes arguments and the exit code on", async () => {
  const { child, lines } = launch(await checkoutWith(`console.log(process.version, ...process.argv.slice(2)); process.exit(3);`), [
    "start",
    "a b",
    "--c",
  ]);
  const exit = once(child, "exit");
  expect((await lines.next()).value).toMatch(/^v24\.\d+\.\d+ a b --c$/);
  expect(await exit).toEqual([3, null]);
});

test("signals that come by two ways reach the gateway once, and it is waited for", async () => {
  const { child, lines } = launch(await checkoutWith(WAITING), ["start"]);
  await lines.next();
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill("SIGTERM");
  expect((await lines.next()).value).toBe("SIGTERM 1");
  expect(await exit).toEqual([7, null]);
});

test("a gateway that a signal ended gives the shell's exit code for it", async () => {
  const { child } = launch(await checkoutWith(`process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1_000);`), ["start"]);
  expect(await once(child, "exit")).toEqual([137, null]);
});

test("when npm is killed without a word, the gateway stops as well", async () => {
  const dir = await checkoutWith(WAITING);
  const script = `require("child_process").spawn(process.execPath, [${JSON.stringify(join(dir, "gateway/cli/launch.mjs"))}, "start"], { stdio: "inherit" });`;
  const npm = spawn(process.execPath, ["-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, npm_lifecycle_event: "start" },
  });
  const lines = createInterface({ input: npm.stdout })[Symbol.asyncIterator]();
  await lines.next();
  npm.kill("SIGKILL");
  expect((await lines.next()).value).toBe("SIGTERM 1");
});

test("switchyard runs on the pinned Node where its user is, so that the files it names are found", async () => {
  const dir = await checkoutWith("");
  await copyFile(join(ROOT, "gateway/cli/switchyard.mjs"), join(dir, "gateway/cli/switchyard.mjs"));
  await mkdir(join(dir, "gateway/cli/switchyard"));
  await writeFile(
    join(dir, "gateway/cli/switchyard/main.ts"),
    "console.log(process.version, process.cwd(), ...process.argv.slice(2)); process.exitCode = 3;",
  );
  const child = spawn(process.execPath, [join(dir, "gateway/cli/switchyard.mjs"), "charges", "--json"], { cwd: join(dir, "gateway") });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exit = once(child, "exit");
  expect((await lines.next()).value).toMatch(new RegExp(`^v24\\.\\S+ ${join(dir, "gateway")} charges --json$`));
  expect(await exit).toEqual([3, null]);
});

test("an unknown command, or one without a file, names the known ones", async () => {
  const { child } = launch(await checkoutWith(""), ["bench"]);
  const [error] = (await once(createInterface({ input: child.stderr! }), "line")) as [string];
  expect(error).toBe("usage: node gateway/cli/launch.mjs start [arguments]");
  expect(child.exitCode ?? (await once(child, "exit"))[0]).toBe(64);
});
