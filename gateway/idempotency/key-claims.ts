import { createHash, randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../../providers/contract/clock.ts";
import type { RedisClient } from "../redis.ts";

/**
 * "Still running" claims on idempotency keys. They only make a 409 fast: PostgreSQL's unique key is the truth (law 6), so a
 * dead, empty or stale Redis costs a statement, never money.
 */
export interface KeyClaims {
  /** null: somebody else runs a request with this key right now. Else the way to give the claim back. */
  take(accountId: string, key: string): Promise<(() => void) | null>;
}

/** Deletes the claim only while it is still ours. */
const RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

/** Milliseconds that a Redis may take before it is passed over: a charge never waits for it. */
const REDIS_PATIENCE_MS = 100;

export function keyClaims(options: {
  /** null: this process only. */
  redis: RedisClient | null;
  installationId: string;
  /** A claim outlives its crashed owner at most this long: CHARGE_BUDGET_MS. */
  ttlMs: number;
  clock?: Clock;
}): KeyClaims {
  const running = new Set<string>();
  const { redis, ttlMs, clock = systemClock } = options;

  return {
    async take(accountId, key) {
      const digest = createHash("sha256").update(`${accountId}\n${key}`).digest("base64url");
      if (running.has(digest)) return null;
      running.add(digest);
      const name = `switchyard:{${options.installationId}}:key:${digest}`;
      const owner = randomUUID();
      const mine = redis?.status === "ready" ? await patiently(clock, redis.set(name, owner, "PX", ttlMs, "NX")) : "unknown";
      if (mine === null) {
        running.delete(digest);
        return null;
      }
      return () => {
        running.delete(digest);
        if (mine === "OK") void redis?.eval(RELEASE, 1, name, owner).catch(() => {});
      };
    },
  };
}

/** Redis' answer; `unknown` when it fails or takes too long. */
function patiently(clock: Clock, answer: Promise<"OK" | null>): Promise<"OK" | null | "unknown"> {
  return new Promise((resolve) => {
    const stop = clock.after(REDIS_PATIENCE_MS, () => resolve("unknown"));
    answer.then(resolve, () => resolve("unknown")).finally(stop);
  });
}
