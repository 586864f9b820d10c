import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisAvailable } from "../support/redis.ts";
import type { Asked } from "./client.ts";
import { IMPATIENT, sleep, startWorld, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { chargeAll, ignoreHealth, startStorm } from "./storm.ts";

/** Charges that are told while Redis is in one state. */
const EACH = 30;

describe.skipIf(!redisAvailable())("Redis makes things fast, and nothing else", () => {
  let world: World;
  const asked: Asked[] = [];
  beforeAll(async () => {
    world = await startWorld({ env: IMPATIENT, postgres: "own", redis: true });
  });
  afterAll(() => world.close());

  it("may be emptied, stalled, killed and restarted at any moment", { timeout: JUDGED_MS }, async () => {
    const { redis } = world;
    const [one] = await Promise.all([world.start(), world.start()]);
    const calm = startStorm(world.sandbox, 0.15);
    const heedHealth = await ignoreHealth(one.url);
    const steps: (() => void | Promise<void>)[] = [
      () => redis.flushAll(),
      () => redis.pause(),
      () => redis.resume(),
      () => redis.flushAll(),
      () => redis.kill9(),
      () => redis.restart(),
    ];
    let doing: Promise<void> = Promise.resolve();
    const count = EACH * (steps.length + 1);
    const between = (done: number): void => {
      const step = done % EACH === 0 ? steps.shift() : undefined;
      if (step) doing = doing.then(() => step());
    };
    asked.push(...(await chargeAll(world, { prefix: "redis", count, between })));
    await doing;
    calm();
    await heedHealth();
    const { faults, seen } = await judge(world, asked);
    expect(faults).toEqual([]);
    expect(steps).toEqual([]);
    expect(seen.charges).toBe(EACH * 7);
  });

  it("may be emptied again and again while the same keys are sent to two instances", { timeout: JUDGED_MS }, async () => {
    let emptying = true;
    const emptied = (async () => {
      while (emptying) await Promise.all([world.redis.flushAll(), sleep(5)]);
    })();
    // Every key at both instances at once, three times over.
    const rounds = await Promise.all(
      [1, 2, 3].map(() => chargeAll(world, { prefix: "same", from: 1_000, count: 40, concurrency: 10 })),
    ).finally(() => {
      emptying = false;
    });
    await emptied;
    expect(new Set(rounds.flat().map(({ charge }) => charge.id)).size).toBe(40);
    asked.push(...rounds.flat());
    expect((await judge(world, asked)).faults).toEqual([]);
  });
});
