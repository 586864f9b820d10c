import { Cluster, Redis } from "ioredis";
import type { CoreLog } from "./charges/core.ts";

/** Either form of client: both take the few commands that we use. */
export type RedisClient = Redis | Cluster;

/** Milliseconds: a Redis that does not answer by then counts as gone for that command. */
const COMMAND_TIMEOUT_MS = 250;
const MAX_RECONNECT_DELAY_MS = 2_000;

/**
 * Connects in the background and for ever. Redis makes things fast and nothing else: no command is queued while it is away (a
 * charge goes on without it), and nothing here ever throws.
 */
export function connectRedis(url: string, log: CoreLog): RedisClient {
  const parsed = new URL(url.replace(/^(rediss?)\+\w+:/, "$1:").replace(/,[^/]*/, ""));
  const hosts = hostsOf(url);
  const options = {
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), MAX_RECONNECT_DELAY_MS),
    ...(parsed.username ? { username: decodeURIComponent(parsed.username) } : {}),
    ...(parsed.password ? { password: decodeURIComponent(parsed.password) } : {}),
    ...(parsed.protocol === "rediss:" ? { tls: {} } : {}),
  };
  const path = parsed.pathname.slice(1);
  const client = /\+cluster:/.test(url)
    ? new Cluster(hosts, { redisOptions: options, enableOfflineQueue: false, clusterRetryStrategy: () => MAX_RECONNECT_DELAY_MS })
    : /\+sentinel:/.test(url)
      ? new Redis({ ...options, sentinels: hosts, name: path })
      : new Redis({ ...options, ...hosts[0], ...(path ? { db: Number(path) } : {}) });
  let up: boolean | null = null;
  client.on("ready", () => {
    if (up !== true) log.info({}, "redis is connected");
    up = true;
  });
  client.on("error", (error: Error) => {
    if (up !== false) log.warn({ error: error.message }, "redis is away: going on with PostgreSQL alone");
    up = false;
  });
  return client;
}

function hostsOf(url: string): { host: string; port: number }[] {
  const authority = /^[^:]+:\/\/(?:[^@/]*@)?([^/?]+)/.exec(url)?.[1] ?? "";
  return authority.split(",").map((one) => {
    const { hostname, port } = new URL(`redis://${one}`);
    return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? 6379 : Number(port) };
  });
}
