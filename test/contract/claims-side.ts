import { Redis } from "ioredis";
import { type KeyClaims, keyClaims } from "../../gateway/idempotency/key-claims.ts";
import { connectRedis, type RedisClient } from "../../gateway/redis.ts";
import { type Clock, systemClock } from "../../providers/contract/clock.ts";
import { SimulatedRedis } from "../simulation/redis.ts";
import { startTestRedis } from "../support/redis.ts";
import { VirtualTime } from "./virtual-time.ts";

const CONNECTED_WITHIN_MS = 60_000;
/** A busy machine must not look like a slow Redis: here the product's patience takes this many times as long while Redis is well. */
const STRETCH = 100;
/** The same of a Redis that does not answer one command: what the client itself waits for. */
const ANSWERED_WITHIN_MS = 30_000;

/** One Redis, the product's claims on it, and how to get it into trouble. */
export interface ClaimsSide {
  readonly clock: Clock;
  /** Milliseconds by `clock` within which a claim that Redis does not answer is given all the same. */
  readonly passedOverWithinMs: number;
  /** The claims of another instance, which live for `ttlMs`. */
  instance(ttlMs: number): Promise<KeyClaims>;
  pause(ms: number): Promise<void>;
  /** Commands fail; connections too, on the real side. */
  fail(): Promise<void>;
  /** Answers, if any come, come too late now and then. */
  slow(): Promise<void>;
  calm(): Promise<void>;
  close(): Promise<void>;
}

export async function realClaims(): Promise<ClaimsSide> {
  const server = await startTestRedis();
  const silent = { info() {}, warn() {}, error() {} };
  const clients: RedisClient[] = [];
  let stretch = STRETCH;
  const stretched: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms * stretch, fn) };
  const ready = async (): Promise<void> => {
    for (let waited = 0; clients.some(({ status }) => status !== "ready"); waited += 20) {
      if (waited > CONNECTED_WITHIN_MS) throw new Error("no connection to the test's Redis");
      await systemClock.sleep(20);
    }
  };
  return {
    clock: systemClock,
    // That it is given while nothing answers is all that can be said here; how soon is seen on the simulated side.
    passedOverWithinMs: Number.POSITIVE_INFINITY,
    async instance(ttlMs) {
      const redis = connectRedis(server.url, silent);
      if (redis instanceof Redis) redis.options.commandTimeout = ANSWERED_WITHIN_MS;
      clients.push(redis);
      await ready();
      return keyClaims({ redis, installationId: "contract", ttlMs, clock: stretched });
    },
    pause: (ms) => systemClock.sleep(ms),
    fail: () => server.kill9(),
    async slow() {
      stretch = 1;
      server.pause();
    },
    async calm() {
      stretch = STRETCH;
      server.resume();
      if (clients.some(({ status }) => status !== "ready")) await server.restart();
      await ready();
      await server.flushAll();
    },
    async close() {
      for (const client of clients) client.disconnect();
      server.resume();
      await server.stop();
    },
  };
}

export async function simulatedClaims(): Promise<ClaimsSide> {
  const time = new VirtualTime();
  const { world, weather, machine } = time;
  const redis = new SimulatedRedis(world, weather);
  const mood = async (kind: typeof weather.redis): Promise<void> => {
    weather.redis = kind;
  };
  return {
    clock: machine.clock,
    passedOverWithinMs: 500,
    async instance(ttlMs) {
      const claims = keyClaims({ redis: redis.client(machine), installationId: "contract", ttlMs, clock: machine.clock });
      return { take: (account, key) => time.settled(claims.take(account, key)) };
    },
    pause: (ms) => time.pause(ms),
    fail: () => mood("failing"),
    slow: () => mood("slow"),
    calm: () => mood("well"),
    close: () => Promise.resolve(),
  };
}
