import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisAvailable } from "../support/redis.ts";
import { type Asked, allCharges, ask, chargeUntilTold } from "./client.ts";
import { startWorld, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { goodBody } from "./storm.ts";

const AT_ONCE = 50;

describe.skipIf(!redisAvailable())("fifty requests with one key, over two instances", () => {
  let world: World;
  const asked: Asked[] = [];
  beforeAll(async () => {
    world = await startWorld({ redis: true });
    await Promise.all([world.start(), world.start()]);
    // They must meet in the middle of the charge.
    for (const provider of ["stripe", "paypal"] as const) world.sandbox.setFault(provider, { kind: "slow", delayMs: 200 });
  });
  afterAll(() => world.close());

  it.each([
    ["with Redis", () => {}],
    ["with a Redis that answers nothing", () => world.redis.pause()],
    ["with a Redis that is gone", () => world.redis.kill9()],
  ])("move money once and get one charge, %s", { timeout: 600_000 }, async (how, first) => {
    await first();
    const key = `one key ${how}`.replaceAll(" ", "-");
    const request = { key, body: goodBody(asked.length) };
    let turn = 0;
    const inTurn = (): string[] => [world.urls()[turn++ % 2] as string];
    const told = await Promise.all(Array.from({ length: AT_ONCE }, () => chargeUntilTold(inTurn, request)));
    asked.push(...told);

    const [{ charge }] = told as [Asked];
    expect(new Set(told.map((one) => one.charge.id))).toEqual(new Set([charge.id]));
    expect(told.map((one) => one.charge.status)).toEqual(told.map(() => "succeeded"));
    expect(world.sandbox.ledger().filter(({ chargeId }) => chargeId === charge.id)).toHaveLength(1);
    for (const url of world.urls()) expect(await allCharges(url, `&idempotency_key=${key}`)).toHaveLength(1);

    const other = await ask(world.urls()[1] as string, "POST /v1/charges", { ...request, body: goodBody(1_000) });
    expect(other).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
  });

  it("agree with the ledgers and the statistics at the end", { timeout: JUDGED_MS }, async () => {
    expect((await judge(world, asked)).faults).toEqual([]);
  });
});
