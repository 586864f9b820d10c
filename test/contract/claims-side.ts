import { type KeyClaims, keyClaims } from "../../gateway/idempotency/key-claims.ts";
import { connectRedis, type RedisClient } from "../../gateway/redis.ts";
import { type Clock, systemClock } from "../../providers/contract/clock.ts";
import { SimulatedRedis } from "../simulation/redis.ts";
import { startTestRedis } from "../support/redis.ts";
import { VirtualTime } from "./virtual-time.ts";

/** Longer than a claim lives here. */
export const TTL_MS = 1_000;
const CONNECTED_WITHIN_MS = 10_000;

/** One Redis, the product's claims on it, and how to get it into trouble. */
export interface ClaimsSide {
  readonly clock: Clock;
  /** The claims of another instance. */
  instance(): Promise<KeyClaims>;
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
  const ready = async (): Promise<void> => {
    for (let waited = 0; clients.some(({ status }) => status !== "ready"); waited += 20) {
      if (waited > CONNECTED_WITHIN_MS) throw new Error("no connection to the test's Redis");
      await systemClock.sleep(20);
    }
  };
  return {
    clock: systemClock,
    async instance() {
      const redis = connectRedis(server.url, silent);
      clients.push(redis);
      await ready();
      return keyClaims({ redis, installationId: "contract", ttlMs: TTL_MS });
    },
    pause: (ms) => systemClock.sleep(ms),
    fail: () => server.kill9(),
    slow: async () => server.pause(),
    async calm() {
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
    async instance() {
      const claims = keyClaims({ redis: redis.client(machine), installationId: "contract", ttlMs: TTL_MS, clock: machine.clock });
      return { take: (account, key) => time.settled(claims.take(account, key)) };
    },
    pause: (ms) => time.pause(ms),
    fail: () => mood("failing"),
    slow: () => mood("slow"),
    calm: () => mood("well"),
    close: () => Promise.resolve(),
  };
}
