import { afterAll, beforeAll, expect, it } from "vitest";
import { type Asked, ask, chargeUntilTold, inParallel } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { startWorld, until, type World } from "./harness.ts";
import { judge } from "./judge.ts";
import { chargeBody } from "./storm.ts";

let world: World;
let api: Gateway;
beforeAll(async () => {
  world = await startWorld();
  api = await world.start({ ROLE: "api" });
});
afterAll(() => world.close());

const COUNT = 8;

it("accepts charges with one process and collects them with another", { timeout: 180_000 }, async () => {
  for (const provider of ["stripe", "paypal"] as const) world.sandbox.setFault(provider, { kind: "refuse" });
  const numbers = Array.from({ length: COUNT }, (_, n) => 30 * n);
  const asked: Asked[] = await inParallel(numbers, 4, (n) => chargeUntilTold(() => [api.url], { key: `role-${n}`, body: chargeBody(n) }));
  expect(asked.map(({ charge }) => charge.status)).toEqual(asked.map(() => "deferred"));
  world.sandbox.clearFaults();
  await world.sandbox.listening();

  // Nobody collects yet: the api process has no worker.
  const deferred = async () => (await ask<{ count: number }>(api.url, "GET /v1/routing/deferred")).body.count;
  expect(await deferred()).toBe(COUNT);

  const worker = await world.start({ ROLE: "worker" });
  expect((await ask(worker.url, "POST /v1/charges", { key: "not-here", body: chargeBody(1) })).status).toBe(404);
  expect((await ask(worker.url, "GET /readyz")).status).toBe(200);
  await until(deferred, (count) => count === 0, 120_000);
  const { faults, seen } = await judge(world, asked);
  expect(faults).toEqual([]);
  expect(seen).toMatchObject({ charges: COUNT, succeeded: COUNT });
});

it("collects what the api process leaves behind when it is killed", { timeout: 180_000 }, async () => {
  world.sandbox.setFault("stripe", { kind: "slow", operation: "commit", delayMs: 400 });
  world.sandbox.setFault("paypal", { kind: "slow", operation: "commit", delayMs: 400 });
  const seenBefore = world.sandbox.requests().length;
  const hung = inParallel([1, 2, 3], 3, (n) =>
    ask(api.url, "POST /v1/charges", { key: `orphan-${n}`, body: chargeBody(100 * n) }).catch(() => null),
  );
  const commits = () =>
    world.sandbox
      .requests()
      .slice(seenBefore)
      .filter(({ operation }) => operation === "commit").length;
  await until(commits, (count) => count === 3);
  await api.kill9();
  expect(await hung).toEqual([null, null, null]);
  world.sandbox.clearFaults();
  api = await world.start({ ROLE: "api" });
  const list = async () =>
    (await ask<{ data: { status: string; metadata: unknown }[] }>(api.url, "GET /v1/charges?status=succeeded&limit=100")).body.data;
  await until(list, ({ length }) => length === COUNT + 3, 120_000);
});
