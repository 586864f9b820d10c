import { afterAll, beforeAll, expect, it } from "vitest";
import { ask } from "./client.ts";
import { startWorld, type World } from "./harness.ts";
import { judge } from "./judge.ts";
import { chargeAll, startStorm } from "./storm.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ postgres: "own", redis: true });
});
afterAll(() => world.close());

it("moves no money twice and loses no charge while both processors fail in every way", { timeout: 400_000 }, async () => {
  const { url } = await world.start();
  const calm = startStorm(world.sandbox);
  const asked = await chargeAll(world, { prefix: "gated", count: 200 });
  // The gates would keep the storm out: from here on every charge goes through it.
  for (const provider of ["stripe", "paypal"]) {
    await ask(url, `PUT /v1/providers/${provider}/override`, { body: { mode: "up", reason: "into the storm" } });
  }
  asked.push(...(await chargeAll(world, { prefix: "forced", from: 200, count: 200 })));
  calm();
  for (const provider of ["stripe", "paypal"]) await ask(url, `DELETE /v1/providers/${provider}/override`);

  const { faults, counts } = await judge(world, asked);
  expect(faults).toEqual([]);
  expect(counts).toMatchObject({ succeeded: expect.any(Number), failed: expect.any(Number) });
});
