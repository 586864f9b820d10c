import { systemClock } from "../../../../providers/contract/clock.ts";
import { connectRedis, type RedisClient } from "../../../redis.ts";
import { type Check, fault, ok } from "./check.ts";
import { connectionMend, reasonOf, whereOf } from "./connection.ts";

const TIMEOUT_MS = 8_000;

/** The store that instances share; `url` null: there is none. */
export async function examineRedis(url: string | null, setting: string): Promise<Check[]> {
  if (url === null) return [ok("redis", "none: PostgreSQL alone does, each instance knows only the health that it sees itself")];
  let failure: unknown = new Error(`no answer within ${TIMEOUT_MS / 1_000} s (timeout)`);
  const client = connectRedis(url, { info() {}, warn: () => {}, error() {} });
  client.on("error", (error: unknown) => (failure = error));
  try {
    if (await isReady(client)) return [await role(client, url, setting)];
    const found = `${whereOf(url)} cannot be used: ${reasonOf(failure)}. Charges go on without it, and instances do not share what they see`;
    return [fault("redis", found, connectionMend(failure, setting, "Redis"))];
  } finally {
    client.disconnect();
  }
}

async function isReady(client: RedisClient): Promise<boolean> {
  const stop = new AbortController();
  const ready = new Promise<boolean>((resolve) => {
    client.once("ready", () => resolve(true));
    client.once("error", () => resolve(false));
  });
  const late = systemClock.sleep(TIMEOUT_MS, stop.signal).then(() => false);
  return Promise.race([ready, late]).finally(() => stop.abort());
}

/** Writes go to a master only; a script writes. */
async function role(client: RedisClient, url: string, setting: string): Promise<Check> {
  try {
    const replication = String(await client.info("replication"));
    if (/^role:slave/m.test(replication))
      return fault("redis", `${whereOf(url)} is a replica: it cannot be written`, `Set ${setting} to the master.`);
    return ok("redis", `it answers at ${whereOf(url)}`);
  } catch (error) {
    return fault("redis", `${whereOf(url)} refuses our commands: ${reasonOf(error)}`, connectionMend(error, setting, "Redis"));
  }
}
