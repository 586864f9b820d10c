#!/usr/bin/env node
// Every npm script starts here, and `npx switchyard`, on whatever Node the machine has (18 and later): it makes sure that the dependencies
// are installed, then hands over to the pinned Node in node_modules. Plain JavaScript, and nothing but Node's own modules.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureConsole } from "./build-console.mjs";
import { ensureInstalled } from "./install.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What runs for each npm script. */
const COMMANDS = {
  start: "gateway/main.ts",
  test: "gateway/cli/test.ts",
  check: "gateway/cli/check.ts",
  schema: "gateway/cli/schema.ts",
  bench: "test/bench/bench.ts",
  "bench:decision": "test/bench/decision.ts",
  "bench:routing": "test/bench/routing/bench.ts",
  "bench:console": "test/bench/console/bench.ts",
  client: "gateway/cli/client.ts",
  example: "gateway/cli/example.ts",
  switchyard: "gateway/cli/switchyard/main.ts",
  simulate: "test/simulation/simulate.ts",
};

const PARENT_POLL_MS = 500;
const SAME_SIGNAL_MS = 1_000;

const [name = "", ...args] = process.argv.slice(2);
const file = COMMANDS[name];
if (file === undefined || !existsSync(join(root, file))) {
  const known = Object.keys(COMMANDS).filter((command) => existsSync(join(root, COMMANDS[command])));
  console.error(`usage: node gateway/cli/launch.mjs ${known.join("|")} [arguments]`);
  process.exit(64);
}

const say = (line) => console.error(`switchyard: ${line}`);
let node;
try {
  node = await ensureInstalled(root, say);
  if (name === "start") ensureConsole(root, node, say);
} catch (error) {
  console.error(`switchyard: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

// The command line names files as its user sees them; everything else belongs to the checkout.
const cwd = name === "switchyard" ? process.cwd() : root;
const child = spawn(node, [join(root, file), ...args], { stdio: "inherit", cwd });
child.once("error", (error) => {
  console.error(`switchyard: cannot run ${node}: ${error.message}`);
  process.exit(1);
});
child.once("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
// One signal may come by several ways at once: to the whole process group, and again from npm. The gateway takes a second
// one as an order to hurry, so what comes within a second is one.
let forwardedAt = Number.NEGATIVE_INFINITY;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
  process.on(signal, () => {
    // Ctrl-C in a terminal reaches the child by itself.
    const fromTerminal = (signal === "SIGINT" || signal === "SIGQUIT") && process.stdin.isTTY;
    if (fromTerminal || performance.now() - forwardedAt < SAME_SIGNAL_MS) return;
    forwardedAt = performance.now();
    child.kill(signal);
  });
}

// npm may be killed without a word to us (kill -9, or SIGTERM under a shell that does not hand it on): then stop as well.
const parent = process.ppid;
if (process.env.npm_lifecycle_event) {
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, PARENT_POLL_MS);
}
