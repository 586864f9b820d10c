import { spawnSync } from "node:child_process";
import { connect } from "node:net";
import { type KeptProcess, startKept } from "../../gateway/local/kept-process.ts";
import { freePort, signal, waitUntil } from "../../gateway/local/processes.ts";

/** The launcher names the binary it found or installed. */
const BINARY = process.env.SWITCHYARD_TEST_REDIS || "redis-server";

/** Of a machine that is busy with something else. */
const START_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 10_000;

export interface TestRedis {
  readonly url: string;
  flushAll(): Promise<void>;
  /** Answers nothing until `resume`: connections stay open, as with a stalled machine. */
  pause(): void;
  resume(): void;
  /** kill -9: connections are reset, then refused. `restart` brings an empty one back, on the same port. */
  kill9(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Is there a Redis for the tests? For `describe.skipIf(!redisAvailable())`. Says what is skipped; with CI set, where
 * nothing may be skipped, it throws instead.
 */
export function redisAvailable(): boolean {
  if (spawnSync(BINARY, ["--version"]).status === 0) return true;
  const message = `no redis-server (${BINARY}): the tests that need a Redis are skipped`;
  if (process.env.CI) throw new Error(message);
  process.stderr.write(`\n*** ${message} ***\n`);
  return false;
}

/** A redis-server of the caller's own, without persistence, on a free port. */
export async function startTestRedis(): Promise<TestRedis> {
  const { port, first } = await launchAnywhere();
  let server = first;
  return {
    url: `redis://127.0.0.1:${port}`,
    async flushAll() {
      await ask(port, "FLUSHALL");
    },
    pause: () => void signal(server.pid, "SIGSTOP"),
    resume: () => void signal(server.pid, "SIGCONT"),
    kill9: () => server.end(),
    async restart() {
      await server.end();
      server = await launch(port);
    },
    stop: () => server.end(),
  };
}

// Below the range from which outgoing connections get theirs: none of them takes it before the server does, or while it is away.
const LOWEST_PORT = 12_000;
const HIGHEST_PORT = 32_000;
const PORTS_TO_TRY = 5;

async function launchAnywhere(): Promise<{ port: number; first: KeptProcess }> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort(LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT)));
    try {
      return { port, first: await launch(port) };
    } catch (error) {
      if (tries >= PORTS_TO_TRY) throw error;
    }
  }
}

async function launch(port: number): Promise<KeptProcess> {
  const flags = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = await startKept([BINARY, ...flags], "/");
  if (await waitUntil(async () => (await ask(port, "PING").catch(() => "")) === "+PONG", START_TIMEOUT_MS)) return server;
  await server.end();
  throw new Error(`${BINARY} does not start on port ${port}`);
}

/** One command over a connection of its own; the first line of the answer. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: ANSWER_TIMEOUT_MS }, () => socket.write(`${command}\r\n`));
    socket.once("data", (chunk) => {
      socket.destroy();
      resolve(String(chunk).split("\r\n")[0] ?? "");
    });
    socket.once("error", reject).once("timeout", () => socket.destroy(new Error(`redis did not answer ${command}`)));
  });
}
