import { afterAll, beforeAll, expect, it } from "vitest";
import { redisAvailable } from "../support/redis.ts";
import { ask } from "./client.ts";
import { IMPATIENT, startWorld, until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { chargeAll, ignoreHealth, startStorm } from "./storm.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ env: IMPATIENT, postgres: "own", redis: redisAvailable() });
});
afterAll(() => world.close());

it("moves no money twice and loses no charge while both processors fail in every way", { timeout: JUDGED_MS }, async () => {
  const { url } = await world.start();
  const calm = startStorm(world.sandbox);
  const asked = await chargeAll(world, { prefix: "gated", count: 100 });
  // The gates would keep the storm out: from here on every charge goes through it.
  const heedHealth = await ignoreHealth(url);
  asked.push(...(await chargeAll(world, { prefix: "forced", from: 100, count: 300 })));
  calm();
  await heedHealth();

  const { faults, seen } = await judge(world, asked);
  expect(faults).toEqual([]);
  // It did blow.
  expect(seen).toMatchObject({ charges: 400, deferred: aFew, doubted: aFew, failedOver: aFew, fenced: aFew });
  // A machine that stands still while the clock is compared makes it unfit for the moment.
  await until(
    async () => (await ask(url, "GET /readyz")).status,
    (status) => status === 200,
  );
});

const aFew = expect.toSatisfy((count: number) => count >= 3, "at least 3");
