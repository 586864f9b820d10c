import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { type Log, openDataDir, readIfThere, replaceSecret } from "./data-dir.ts";
import { startKept } from "./kept-process.ts";
import { commandOf, freePort, signal, waitUntil } from "./processes.ts";

export interface LocalRedis {
  /** redis://:password@127.0.0.1:port */
  readonly url: string;
  /** Another gateway on the same DATA_DIR started it, and will stop it. */
  readonly adopted: boolean;
  stop(): Promise<void>;
}

interface State {
  readonly port: number;
  readonly password: string;
  /** The redis-server, and the gateway that started it. */
  readonly pid: number;
  readonly gatewayPid: number;
}

const STATE_FILE = "redis.json";
/** It takes milliseconds; a machine that is busy with other things takes its time. */
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 3_000;

/** A redis-server from PATH without persistence: what it holds is allowed to vanish. null: there is none. */
export async function startLocalRedis(options: { dataDir: string; log: Log; binary?: string }): Promise<LocalRedis | null> {
  const { log, binary = "redis-server" } = options;
  const version = spawnSync(binary, ["--version"], { encoding: "utf8" });
  if (version.status !== 0) return null;
  const home = await openDataDir(options.dataDir);
  const stateFile = join(home, STATE_FILE);
  const left = await readState(stateFile);
  if (left) {
    // Living gateways on one DATA_DIR share it: overrides and health are only useful when every instance sees them.
    if ((await isGateway(left.gatewayPid)) && (await answers(left))) {
      log(`Redis of gateway ${left.gatewayPid} shared on 127.0.0.1:${left.port}`);
      return { url: urlOf(left), adopted: true, stop: async () => {} };
    }
    await endLeftover(left);
  }
  const dir = join(home, "redis");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (let tries = 0; tries < 3; tries += 1) {
    const started = await launch(binary, dir);
    if (started === null) continue;
    await replaceSecret(stateFile, JSON.stringify(started.state));
    log(`Redis started on 127.0.0.1:${started.state.port} (pid ${started.state.pid})`);
    return { url: urlOf(started.state), adopted: false, stop: started.stop };
  }
  log(`${binary} does not start: going on without Redis; see ${join(dir, "redis.log")}`);
  return null;
}

/** Where the Redis of a local start was last reached; null: none was ever started there. Starts nothing. */
export async function localRedisUrl(dataDir: string): Promise<string | null> {
  const left = await readState(join(dataDir, STATE_FILE));
  return left && urlOf(left);
}

async function launch(binary: string, dir: string): Promise<{ state: State; stop: () => Promise<void> } | null> {
  const port = await freePort();
  const password = randomBytes(24).toString("hex");
  const configFile = join(dir, "redis.conf");
  await replaceSecret(configFile, configFor(port, password, dir));
  // On the command line `ps` would show the password: it goes through the file.
  const server = await startKept([binary, configFile], dir);
  const state: State = { port, password, pid: server.pid, gatewayPid: process.pid };
  // One that ended by itself (the port was taken meanwhile) is not waited for.
  await waitUntil(async () => (await answers(state)) || (await commandOf(server.pid)) === null, START_TIMEOUT_MS);
  if (await answers(state)) return { state, stop: () => server.end() };
  await server.end();
  return null;
}

function configFor(port: number, password: string, dir: string): string {
  const settings = [
    `port ${port}`,
    "bind 127.0.0.1",
    `requirepass ${password}`,
    `dir "${dir}"`,
    `logfile "${join(dir, "redis.log")}"`,
    "loglevel warning",
    'save ""',
    "appendonly no",
    // Full, it forgets what was used longest ago. That costs speed, never money.
    "maxmemory 128mb",
    "maxmemory-policy allkeys-lru",
  ];
  return `${settings.join("\n")}\n`;
}

function urlOf({ port, password }: State): string {
  return `redis://:${password}@127.0.0.1:${port}`;
}

/** Ours, if it answers to our password. */
function answers({ port, password }: State): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 500 }, () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    let reply = "";
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.on("data", (chunk) => {
      reply += chunk;
      if (reply.split("\r\n").length > 2) end(reply.startsWith("+OK\r\n+PONG"));
    });
    socket
      .on("error", () => end(false))
      .on("timeout", () => end(false))
      .on("close", () => end(false));
  });
}

async function isGateway(pid: number): Promise<boolean> {
  return pid !== process.pid && ((await commandOf(pid))?.includes("node") ?? false);
}

/** Ends a server whose gateway and whose keeper were both killed. */
async function endLeftover(left: State): Promise<void> {
  // The id alone may be another program's by now: only what answers to our password is ours.
  if (!(await commandOf(left.pid))?.includes("redis") || !(await answers(left))) return;
  signal(left.pid, "SIGKILL");
  await waitUntil(async () => (await commandOf(left.pid)) === null, STOP_TIMEOUT_MS);
}

async function readState(path: string): Promise<State | null> {
  try {
    const state: unknown = JSON.parse((await readIfThere(path)) ?? "null");
    return typeof state === "object" && state !== null && "port" in state && "password" in state && "pid" in state
      ? (state as State)
      : null;
  } catch {
    return null;
  }
}
