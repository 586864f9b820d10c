import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createScratchPostgres } from "../../gateway/local/scratch-postgres.ts";
import { type Inspector, inspect } from "./counters.ts";
import { canMeasureCpu, cpuSeconds } from "./cpu-time.ts";
import type { LoadJob, LoadResult } from "./load-job.ts";
import { guard, startPart, stopProcess } from "./process.ts";

const START_TIMEOUT_MS = 60_000;
const ADMIN_KEY = randomBytes(33).toString("base64");

/** The parts of the benchmark, each a process of its own. */
export interface World {
  readonly gateway: Side;
  readonly proxy: Side;
  /** The sandbox's switchboard. */
  readonly sandboxUrl: string;
  /** For reading the gateway's own view of what happened. */
  readonly adminKey: string;
  readonly database: Inspector;
  /** The gateway found a redis-server and uses it; null where nobody can tell. */
  readonly redis: boolean | null;
  /** Process ids of sandbox and load generator. */
  readonly helpers: readonly number[];
  run(job: LoadJob): Promise<LoadResult>;
  close(): Promise<void>;
}

/** One of the two that are compared. */
export interface Side {
  readonly name: "gateway" | "proxy";
  readonly url: string;
  readonly apiKey: string;
  /** Everything that works for it: the gateway's PostgreSQL and Redis too. */
  readonly pids: readonly number[];
}

export async function startWorld(options: { profileDir: string | null }): Promise<World> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closers.reverse().splice(0)) await end();
  };
  try {
    const directory = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
    closers.push(() => rm(directory, { recursive: true, force: true }));
    const scratch = await createScratchPostgres();
    closers.push(() => scratch.remove());
    const postgres = await scratch.start();
    closers.push(() => postgres.stop());
    const sandbox = await startSandboxProcess();
    closers.push(sandbox.stop);

    const proxy = startPart(new URL("./proxy.ts", import.meta.url), [sandbox.stripeUrl]);
    closers.push(proxy.stop);
    const port = await proxy.heard<number>();
    const load = startPart(new URL("./load.ts", import.meta.url));
    closers.push(load.stop);

    const settings = { DATABASE_URL: postgres.url, DATA_DIR: join(directory, "data"), ...sandbox.settings };
    const gateway = await startGatewayProcess({ settings, logFile: join(directory, "gateway.log"), profileDir: options.profileDir });
    closers.push(gateway.stop);
    const database = await inspect(postgres.url);
    closers.push(() => database.close());
    const pids = [gateway.pid, postgres.pid];
    return {
      gateway: { name: "gateway", url: gateway.url, apiKey: await newBillingKey(gateway.url), pids },
      proxy: { name: "proxy", url: `http://127.0.0.1:${port}`, apiKey: "none", pids: [proxy.pid] },
      sandboxUrl: sandbox.controlUrl,
      adminKey: ADMIN_KEY,
      database,
      redis: canMeasureCpu ? Object.keys(cpuSeconds(pids)).some((name) => name.startsWith("redis")) : null,
      helpers: [sandbox.pid, load.pid],
      run(job) {
        const result = load.heard<LoadResult>();
        load.child.send(job);
        return result;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `node providers/sandbox/main.ts`; it ends with our end of its standard input. */
async function startSandboxProcess() {
  const main = new URL("../../providers/sandbox/main.ts", import.meta.url).pathname;
  const env = { PATH: process.env.PATH, NODE_ENV: "production", SANDBOX_PORT: "0", SANDBOX_EXIT_WITH_PARENT: "1" };
  const child = spawn(process.execPath, [main], { env, stdio: ["pipe", "pipe", "inherit"] });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(String(chunk)));
    child.once("exit", (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const { controlUrl, stripeUrl, paypalUrl } = JSON.parse(line) as Record<"controlUrl" | "stripeUrl" | "paypalUrl", string>;
  const settings = {
    STRIPE_SECRET_KEY: "sk_test_sandbox",
    STRIPE_API_BASE: stripeUrl,
    PAYPAL_CLIENT_ID: "sandbox",
    PAYPAL_CLIENT_SECRET: "sandbox",
    PAYPAL_API_BASE: paypalUrl,
  };
  return { pid: child.pid!, controlUrl, stripeUrl, settings, stop: () => stopProcess(child) };
}

/** `node gateway/main.ts` as in production, with default settings; its log goes to a file. */
async function startGatewayProcess(options: { settings: Readonly<Record<string, string>>; logFile: string; profileDir: string | null }) {
  const main = new URL("../../gateway/main.ts", import.meta.url).pathname;
  const flags = options.profileDir === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profileDir}`];
  const env = { PATH: process.env.PATH, NODE_ENV: "production", PORT: "0", ADMIN_KEY, ...options.settings };
  const log = openSync(options.logFile, "a");
  const child = spawn(process.execPath, [...flags, main], { env, stdio: ["ignore", log, log] });
  closeSync(log);
  guard(child);
  for (const end = performance.now() + START_TIMEOUT_MS; performance.now() < end; await sleep(50)) {
    const said = readFileSync(options.logFile, "utf8");
    const url = /Switchyard is ready on (http:\/\/\S+) /.exec(said)?.[1];
    if (url) return { pid: child.pid!, url, stop: () => stopProcess(child) };
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}: ${said}`);
  }
  await stopProcess(child);
  throw new Error(`the gateway was not ready within ${START_TIMEOUT_MS / 1_000} s`);
}

/** A key that is looked up in the database, as every real caller's. */
async function newBillingKey(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/keys`, {
    method: "POST",
    headers: { Authorization: `Bearer ${ADMIN_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({ name: "benchmark", role: "billing" }),
  });
  if (response.status !== 201) throw new Error(`no API key: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { key: string }).key;
}
