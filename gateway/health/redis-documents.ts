import { randomUUID } from "node:crypto";
import { Cluster } from "ioredis";
import { type Clock, systemClock } from "../../providers/contract/clock.ts";
import type { CoreLog } from "../charges/core.ts";
import type { RedisClient } from "../redis.ts";
import { assertWithinLimits, PATIENCE_MS } from "./document-limits.ts";
import { EXCHANGE } from "./exchange-script.ts";
import { withinPatience } from "./patience.ts";
import type { Exchange, Exchanged, SharedDocuments } from "./shared-documents.ts";

/** Milliseconds until a subscription that was refused is tried again. */
const SUBSCRIBE_AGAIN_MS = 2_000;

/** epoch, version, now, reset, more, written, documents: as the script returns them. */
type Answer = [string, number, number, 0 | 1, 0 | 1, [string, number][], [string, number, string][]];
type WithScript = { exchangeDocuments(...keysAndArguments: (string | number)[]): Promise<Answer> };

/**
 * Documents in Redis, under `switchyard:{<installationId>}:shared:`: one script, one slot. Needs Redis 5 or newer. Opens a second
 * connection, for what is urgent; `close` ends that one and leaves the given one open.
 */
export function redisDocuments(options: { redis: RedisClient; installationId: string; log?: CoreLog; clock?: Clock }): SharedDocuments {
  const { redis, clock = systemClock } = options;
  const prefix = `switchyard:{${options.installationId}}:shared`;
  const keys = [`${prefix}:documents`, `${prefix}:versions`, `${prefix}:state`];
  const channel = `${prefix}:urgent`;
  const instance = randomUUID();
  const listeners: (() => void)[] = [];
  let closed = false;

  redis.defineCommand("exchangeDocuments", { numberOfKeys: keys.length, lua: EXCHANGE });
  const endSubscription = subscribe({
    redis,
    channel,
    clock,
    ...(options.log ? { log: options.log } : {}),
    heard: (from) => {
      if (from !== instance && !closed) for (const listener of listeners) listener();
    },
  });

  return {
    async exchange(request) {
      assertWithinLimits(request);
      if (closed) throw new Error("these documents are closed");
      if (redis.status !== "ready") throw new Error(`redis is away (${redis.status})`);
      const args = [...keys, ...argumentsOf(request), instance, request.urgent ? channel : ""];
      for (const { name, expected, value } of request.writes) args.push(name, String(expected), value);
      return read(await withinPatience(clock, PATIENCE_MS, (redis as unknown as WithScript).exchangeDocuments(...args)));
    },
    onUrgent: (listener) => void listeners.push(listener),
    close() {
      closed = true;
      endSubscription();
    },
  };
}

function argumentsOf({ since }: Exchange): string[] {
  return since === null ? ["", "0"] : [since.epoch, String(since.version)];
}

function read([epoch, version, now, reset, more, written, documents]: Answer): Exchanged {
  return {
    position: { epoch, version },
    now,
    written: written.map(([name, version]) => ({ name, version })),
    documents: documents.map(([name, version, value]) => ({ name, version, value })),
    reset: reset === 1,
    more: more === 1,
  };
}

/** ioredis subscribes again by itself, but a failure of that is an unhandled rejection: we do it. A subscription may take its time. */
function duplicate(redis: RedisClient): RedisClient {
  return redis instanceof Cluster ? redis.duplicate() : redis.duplicate({ autoResubscribe: false, commandTimeout: undefined });
}

/** Listens for ever, on a connection of its own, as one that subscribes can do nothing else. Never throws. */
function subscribe(options: {
  redis: RedisClient;
  channel: string;
  clock: Clock;
  log?: CoreLog;
  heard: (message: string) => void;
}): () => void {
  const { channel, clock } = options;
  const subscriber = duplicate(options.redis);
  let stopTimer = (): void => {};
  let ended = false;
  let told = false;
  const begin = (): void => {
    if (ended || subscriber.status !== "ready") return;
    subscriber.subscribe(channel).catch((error: Error) => {
      if (!told) options.log?.warn({ error: error.message }, "cannot hear what other instances find urgent: trying again");
      told = true;
      stopTimer();
      if (!ended) stopTimer = clock.after(SUBSCRIBE_AGAIN_MS, begin);
    });
  };
  subscriber.on("ready", begin);
  subscriber.on("message", (_channel: string, message: string) => options.heard(message));
  // The client's own connection tells of a Redis that is away.
  subscriber.on("error", () => {});
  return () => {
    ended = true;
    stopTimer();
    subscriber.disconnect();
  };
}
