import { afterAll, beforeAll, expect, it } from "vitest";
import { ask } from "./client.ts";
import { startWorld, type World } from "./harness.ts";
import { judge } from "./judge.ts";
import { allCharges } from "./client.ts";
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
  console.log("storm over", Math.round(performance.now()), asked.map(a=>a.charge.status).reduce((m,x)=>({...m,[x]:(m[x]??0)+1}),{} as any), asked.flatMap(a=>a.heard).reduce((m,x)=>({...m,[x]:(m[x]??0)+1}),{} as any));
  calm();
  for (const provider of ["stripe", "paypal"]) await ask(url, `DELETE /v1/providers/${provider}/override`);

  const { faults, counts } = await judge(world, asked);
  console.log("judged", Math.round(performance.now()), counts, world.sandbox.ledger().reduce((m,x)=>({...m,[x.provider+x.type]:(m[x.provider+x.type]??0)+1}),{} as any));
 const cs=await allCharges(url); console.log(cs.flatMap(c=>c.attempts.map(a=>a.provider+" "+a.outcome)).reduce((m,x)=>({...m,[x]:(m[x]??0)+1}),{} as any), Math.max(...cs.map(c=>c.attempts.length)));
 console.log(world.sandbox.requests().map(r=>r.provider+" "+r.operation).reduce((m,x)=>({...m,[x]:(m[x]??0)+1}),{} as any));
  expect(faults).toEqual([]);
  expect(counts).toMatchObject({ succeeded: expect.any(Number), failed: expect.any(Number) });
});
