import { Redis } from "ioredis";
import { redisDocuments } from "../../gateway/health/redis-documents.ts";
import type { SharedDocuments } from "../../gateway/health/shared-documents.ts";
import { connectRedis, type RedisClient } from "../../gateway/redis.ts";
import { type Clock, systemClock } from "../../providers/contract/clock.ts";
import { LONGEST_LAG_MS, SimulatedDocuments } from "../simulation/documents.ts";
import { startTestRedis } from "../support/redis.ts";
import { VirtualTime } from "./virtual-time.ts";

const WAITS_MS = 60_000;
/** A busy machine must not look like a slow Redis: here the product's patience takes this many times as long. */
const STRETCH = 25;

/** One store of documents, and how to get it into trouble. */
export interface DocumentsSide {
  readonly clock: Clock;
  /** A store that nobody has used; instances of an earlier one are closed. */
  begin(): Promise<void>;
  /** The documents of another instance, which hears what is urgent. */
  instance(): Promise<SharedDocuments>;
  pause(ms: number): Promise<void>;
  /** Exchanges fail; connections too, on the real side. */
  fail(): Promise<void>;
  /** Answers, if any come, come too late now and then. */
  slow(): Promise<void>;
  /** What is there now is in the backup. */
  backUp(): Promise<void>;
  /** The store is again what it was at `backUp`, on another machine. */
  goBack(): Promise<void>;
  forget(): Promise<void>;
  calm(): Promise<void>;
  close(): Promise<void>;
}

const stretched: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms * STRETCH, fn) };
const silent = { info() {}, warn() {}, error() {} };

export async function realDocuments(): Promise<DocumentsSide> {
  const server = await startTestRedis();
  const connect = (): RedisClient => {
    const client = connectRedis(server.url, silent);
    if (client instanceof Redis) client.options.commandTimeout = WAITS_MS;
    return client;
  };
  const admin = connect();
  const clients: RedisClient[] = [admin];
  let open: SharedDocuments[] = [];
  let stores = 0;
  let backup: { key: string; data: Buffer }[] = [];
  const until = async (what: string, reached: () => boolean | Promise<boolean>): Promise<void> => {
    for (let waited = 0; !(await reached()); waited += 20) {
      if (waited > WAITS_MS) throw new Error(`${what}: not within ${WAITS_MS} ms`);
      await systemClock.sleep(20);
    }
  };
  const connected = () => until("all are connected", () => clients.every(({ status }) => status === "ready"));
  const prefix = () => `switchyard:{contract-${stores}}:shared`;
  const restart = async () => {
    await server.restart();
    await connected();
  };
  return {
    clock: systemClock,
    async begin() {
      for (const one of open) one.close();
      for (const client of clients.splice(1)) client.disconnect();
      open = [];
      stores += 1;
      await connected();
    },
    async instance() {
      const redis = connect();
      clients.push(redis);
      await connected();
      const documents = redisDocuments({ redis, installationId: `contract-${stores}`, clock: stretched });
      open.push(documents);
      const channel = `${prefix()}:urgent`;
      await until("it hears", async () => Number((await admin.pubsub("NUMSUB", channel))[1]) === open.length);
      return documents;
    },
    pause: (ms) => systemClock.sleep(ms),
    fail: () => server.kill9(),
    slow: async () => server.pause(),
    async backUp() {
      backup = [];
      for (const key of await admin.keys(`${prefix()}:*`)) backup.push({ key, data: (await admin.dumpBuffer(key)) as Buffer });
    },
    async goBack() {
      await restart();
      for (const { key, data } of backup) await admin.restore(key, 0, data);
    },
    forget: () => server.flushAll(),
    async calm() {
      server.resume();
      if (clients.some(({ status }) => status !== "ready")) await restart();
    },
    async close() {
      for (const one of open) one.close();
      for (const client of clients) client.disconnect();
      server.resume();
      await server.stop();
    },
  };
}

export async function simulatedDocuments(): Promise<DocumentsSide> {
  const time = new VirtualTime();
  const { world, weather, machine } = time;
  let store = new SimulatedDocuments(world, weather);
  const mood = async (kind: typeof weather.redis): Promise<void> => {
    weather.redis = kind;
  };
  /** What a mood begins with happens when somebody asks. */
  const strike = async (kind: typeof weather.redis): Promise<void> => {
    weather.redis = kind;
    await store.client(machine).exchange({ since: null, writes: [], urgent: false });
    weather.redis = "well";
  };
  return {
    clock: machine.clock,
    async begin() {
      store = new SimulatedDocuments(world, weather);
    },
    async instance() {
      const documents = store.client(time.start("another"));
      return { ...documents, exchange: (request) => time.settled(documents.exchange(request)) };
    },
    pause: (ms) => time.pause(ms),
    fail: () => mood("failing"),
    slow: () => mood("slow"),
    backUp: () => time.pause(LONGEST_LAG_MS),
    goBack: () => strike("stale"),
    forget: () => strike("forgetful"),
    calm: () => mood("well"),
    close: () => Promise.resolve(),
  };
}
