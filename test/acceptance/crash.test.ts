import { afterAll, beforeAll, expect, it } from "vitest";
import { providerNames } from "../../providers/sandbox/fault.ts";
import type { Asked } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { IMPATIENT, startWorld, until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { chargeAll, ignoreHealth, startStorm } from "./storm.ts";

/** A processor that takes its time is not one that is away. */
const SLOW_ANSWERS = { PROVIDER_TIMEOUT_MS: "4000", CHARGE_BUDGET_MS: "6000" };

let world: World;
/** All that callers were told, by either test: the judge looks at the whole database. */
const asked: Asked[] = [];
beforeAll(async () => {
  world = await startWorld({ env: IMPATIENT, postgres: "own" });
});
afterAll(() => world.close());

it("finishes every charge once although the gateway is killed five times in the middle", { timeout: JUDGED_MS }, async () => {
  let gateway = await world.start();
  let kills = 0;
  const calm = startStorm(world.sandbox, 0.15);
  const heedHealth = await ignoreHealth(gateway.url);
  const crash = async (): Promise<void> => {
    kills += 1;
    await gateway.kill9();
    gateway = await world.start();
  };
  let crashing: Promise<void> = Promise.resolve();
  asked.push(
    ...(await chargeAll(world, {
      prefix: "crash",
      count: 150,
      between(done) {
        if (done % 25 === 10 && kills < 5) crashing = crashing.then(crash);
      },
    })),
  );
  await crashing;
  calm();
  await heedHealth(gateway.url);

  const { faults, seen } = await judge(world, asked);
  expect(faults).toEqual([]);
  expect(kills).toBe(5);
  expect(seen).toMatchObject({ charges: 150 });
  expect(asked.some(({ heard }) => heard.includes("no answer"))).toBe(true);
});

it("takes over what another instance left when it was killed", { timeout: JUDGED_MS }, async () => {
  const survivor = await world.start(SLOW_ANSWERS);
  const victims: Gateway[] = [await world.start(SLOW_ANSWERS), await world.start(SLOW_ANSWERS)];
  for (const provider of providerNames) world.sandbox.setFault(provider, { kind: "slow", delayMs: 400 });
  const commits = () => world.sandbox.requests().filter(({ operation }) => operation === "commit").length;
  const before = commits();
  const charging = chargeAll(world, { prefix: "left", from: 1_000, count: 30, concurrency: 30 });
  await until(commits, (count) => count >= before + 5);
  await Promise.all(victims.map((victim) => victim.kill9()));
  const told = await charging;
  asked.push(...told);
  world.sandbox.clearFaults();
  expect(told.some(({ heard }) => heard.includes("no answer"))).toBe(true);
  expect(survivor.isRunning()).toBe(true);
  const { faults } = await judge(world, asked);
  expect(faults).toEqual([]);
});
