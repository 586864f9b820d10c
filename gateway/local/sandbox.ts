import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Log, openDataDir } from "./data-dir.ts";
import { signal } from "./processes.ts";

export interface LocalSandbox {
  /** Where a person makes a simulated processor slow, faulty or dead. */
  readonly controlUrl: string;
  readonly stripeUrl: string;
  readonly paypalUrl: string;
  /** PEM of the authority behind the signatures of PayPal's webhooks. */
  readonly paypalWebhookCa: string;
  stop(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("../../providers/sandbox/main.ts", import.meta.url));
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;

/**
 * The simulated processors as a process of their own: they are other companies' servers, so they share nothing with the
 * gateway but HTTP. Their state is kept in DATA_DIR, because a processor does not forget charges when we restart.
 */
export async function startLocalSandbox(options: { dataDir: string; port: number; log: Log }): Promise<LocalSandbox> {
  const { port, log } = options;
  const home = await openDataDir(options.dataDir);
  const child = spawn(process.execPath, [PROGRAM], {
    // The pipe is the sandbox's lifeline: it ends when the gateway does, even by kill -9.
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      SANDBOX_PORT: String(port),
      SANDBOX_STATE_FILE: join(home, "sandbox.json"),
      SANDBOX_EXIT_WITH_PARENT: "1",
    },
    // Ctrl-C in a terminal reaches the gateway alone, which still needs its processors to finish what is under way.
    detached: true,
  });
  child.stdin.on("error", () => {});
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  let facts: Facts;
  try {
    facts = await firstLine(child);
  } catch (error) {
    if (child.pid) signal(child.pid, "SIGKILL");
    throw error;
  }
  child.stdout.resume();
  let stopping = false;
  void ended.then(() => stopping || log("the sandbox ended by itself: its processors are down"));
  log(`sandbox on ${facts.controlUrl} (pid ${child.pid})`);
  return {
    ...facts,
    async stop() {
      if (stopping) return ended;
      stopping = true;
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(force);
    },
  };
}

interface Facts {
  controlUrl: string;
  stripeUrl: string;
  paypalUrl: string;
  paypalWebhookCa: string;
}

function firstLine(child: ChildProcess & { stdout: NodeJS.ReadableStream }): Promise<Facts> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    const timer = setTimeout(() => fail(`the sandbox did not start within ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      lines.close();
      reject(new Error(why));
    };
    child.once("error", (error) => fail(`the sandbox did not start: ${error.message}`));
    child.once("exit", (code, name) => fail(`the sandbox did not start: it ended with ${name ?? code} (is SANDBOX_PORT taken?)`));
    lines.once("line", (line) => {
      const facts = parse(line);
      if (facts === null) return fail(`the sandbox's first line is not its addresses: ${line.slice(0, 200)}`);
      clearTimeout(timer);
      lines.close();
      resolve(facts);
    });
  });
}

function parse(line: string): Facts | null {
  try {
    const { controlUrl, stripeUrl, paypalUrl, paypalWebhookCa } = JSON.parse(line) as Record<string, unknown>;
    const facts = { controlUrl, stripeUrl, paypalUrl, paypalWebhookCa };
    return Object.values(facts).every((fact) => typeof fact === "string") ? (facts as Facts) : null;
  } catch {
    return null;
  }
}
