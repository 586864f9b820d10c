import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisDocuments } from "../../../gateway/health/redis-documents.ts";
import { connectRedis, type RedisClient } from "../../../gateway/redis.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { redisAvailable, startTestRedis, type TestRedis } from "../../support/redis.ts";

const PREFIX = "switchyard:{keys}:shared";
const KEYS = [`${PREFIX}:documents`, `${PREFIX}:state`, `${PREFIX}:versions`];
const DAY_MS = 86_400_000;
const silent = { info() {}, warn() {}, error() {} };

describe.skipIf(!redisAvailable())("documents in Redis", () => {
  let server: TestRedis;
  let redis: RedisClient;
  const open = () => redisDocuments({ redis, installationId: "keys", clock: new ManualClock() });
  const gate = { name: "gate", expected: 0, value: "{}" };

  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectRedis(server.url, silent);
    if ("options" in redis && "commandTimeout" in redis.options) redis.options.commandTimeout = 10_000;
    while (redis.status !== "ready") await systemClock.sleep(20);
  });
  afterAll(async () => {
    redis?.disconnect();
    server?.resume();
    await server?.stop();
  });

  it("are three keys of one slot, and all of them expire together", async () => {
    const documents = open();
    await documents.exchange({ since: null, writes: [gate], urgent: true });
    expect((await redis.keys("*")).sort()).toEqual(KEYS);
    const expiries = await Promise.all(KEYS.map((key) => redis.pttl(key)));
    for (const ms of expiries) expect(ms).toBeGreaterThan(6 * DAY_MS);
    documents.close();
  });

  it.each(KEYS)("begin anew when %s alone was evicted", async (key) => {
    const documents = open();
    await redis.flushall();
    const before = await documents.exchange({ since: null, writes: [gate, { ...gate, name: "other" }], urgent: false });
    await redis.del(key);
    const after = await documents.exchange({ since: before.position, writes: [], urgent: false });
    expect(after).toMatchObject({ reset: true, documents: [] });
    const anew = await documents.exchange({ since: after.position, writes: [gate], urgent: false });
    expect(anew).toMatchObject({ reset: false, written: [{ name: "gate" }], documents: [] });
    expect(await redis.hkeys(KEYS[0] as string)).toEqual(["gate"]);
    documents.close();
  });

  const [, STATE, VERSIONS] = KEYS as [string, string, string];
  it.each<[string, () => Promise<unknown>]>([
    ["a document's version that no clock makes", () => redis.zadd(VERSIONS, "1e18", "gate")],
    ["a document's version above the last one", () => redis.zadd(VERSIONS, Date.now() * 1_000 + 3_600_000_000, "gate")],
    ["a document's version below zero", () => redis.zadd(VERSIONS, -5, "gate")],
    ["a last version that no clock makes", () => redis.hset(STATE, "version", "1e18")],
    ["a last version that is no number", () => redis.hset(STATE, "version", "nonsense")],
    ["a last version that is not a number to Lua either", () => redis.hset(STATE, "version", "nan")],
  ])("begin anew, and are shared again, after a stranger wrote %s", async (_, strangely) => {
    const [one, two] = [open(), open()];
    await redis.flushall();
    const before = await one.exchange({ since: null, writes: [gate, { ...gate, name: "other" }], urgent: false });
    await strangely();
    const after = await one.exchange({ since: before.position, writes: [], urgent: false });
    expect(after).toMatchObject({ reset: true, documents: [] });
    const { written } = await one.exchange({ since: after.position, writes: [gate], urgent: false });
    const { documents } = await two.exchange({ since: null, writes: [], urgent: false });
    expect(documents).toEqual([{ ...written[0], value: gate.value }]);
    const again = { ...gate, expected: written[0]!.version, value: "[]" };
    expect((await two.exchange({ since: null, writes: [again], urgent: false })).written).toHaveLength(1);
    for (const documents of [one, two]) documents.close();
  });

  it("go on when Redis has forgotten the script", async () => {
    const documents = open();
    await documents.exchange({ since: null, writes: [], urgent: false });
    await redis.script("FLUSH");
    expect((await documents.exchange({ since: null, writes: [], urgent: false })).reset).toBe(false);
    documents.close();
  });

  it("reject after their patience, by their clock, while Redis stands still", async () => {
    const clock = new ManualClock();
    const documents = redisDocuments({ redis, installationId: "keys", clock });
    await documents.exchange({ since: null, writes: [], urgent: false });
    server.pause();
    const answer = documents.exchange({ since: null, writes: [], urgent: false });
    clock.pass(199);
    expect(await Promise.race([answer, systemClock.sleep(20).then(() => "still waiting")])).toBe("still waiting");
    clock.pass(1);
    await expect(answer).rejects.toThrow("no answer within 200 ms");
    server.resume();
    documents.close();
  });
});
