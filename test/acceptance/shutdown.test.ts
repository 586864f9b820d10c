import { afterAll, beforeAll, expect, it } from "vitest";
import { type Asked, ask, type ChargeJson, chargeUntilTold } from "./client.ts";
import { startWorld, until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { goodBody } from "./storm.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ env: { PROVIDER_TIMEOUT_MS: "8000", CHARGE_BUDGET_MS: "20000" } });
});
afterAll(() => world.close());

const AT_ONCE = 10;
const PROVIDERS = ["stripe", "paypal"] as const;
const asked: Asked[] = [];

function slowCommits(): void {
  for (const provider of PROVIDERS) world.sandbox.setFault(provider, { kind: "slow", operation: "commit", delayMs: 2_000 });
}

function commits(): number {
  return world.sandbox.requests().filter(({ operation }) => operation === "commit").length;
}

it("finishes the charges in flight before it stops", { timeout: JUDGED_MS }, async () => {
  const gateway = await world.start();
  slowCommits();
  const inFlight = Array.from({ length: AT_ONCE }, async (_, n): Promise<Asked> => {
    const body = goodBody(n);
    const answer = await ask<ChargeJson>(gateway.url, "POST /v1/charges", { key: `in-flight-${n}`, body });
    expect(answer).toMatchObject({ status: 201, body: { status: "succeeded" } });
    return { key: `in-flight-${n}`, body, charge: answer.body, heard: [] };
  });
  await until(commits, (count) => count === AT_ONCE);
  // On a slow machine the first of them are through when the last arrive.
  expect(world.sandbox.ledger().length).toBeLessThan(AT_ONCE);

  const stopped = gateway.stop();
  // Nothing new begins: the door is shut, or says so.
  const refusals = await until(
    () =>
      ask(gateway.url, "POST /v1/charges", { key: "too-late", body: goodBody(50) }).then(
        ({ status }) => status,
        () => "no answer",
      ),
    (said) => said === "no answer" || said === 503,
  );
  expect(["no answer", 503]).toContain(refusals);
  asked.push(...(await Promise.all(inFlight)));
  expect(await stopped).toBe(0);

  world.sandbox.clearFaults();
  const next = await world.start();
  // "too late" may have been accepted before the signal arrived; then it is a charge like any other.
  const late = await ask<{ data: ChargeJson[] }>(next.url, "GET /v1/charges?idempotency_key=too-late");
  asked.push(...late.body.data.map((charge) => ({ key: "too-late", body: goodBody(50), charge, heard: [] })));
  const { faults, seen } = await judge(world, asked);
  expect(faults).toEqual([]);
  expect(seen.doubted).toBe(0);
  expect(await next.stop()).toBe(0);
});

it("finishes also the deferred charges that its worker is at", { timeout: JUDGED_MS }, async () => {
  const gateway = await world.start();
  for (const provider of PROVIDERS) world.sandbox.setFault(provider, { kind: "refuse" });
  for (let n = 0; n < 4; n += 1) {
    const told = await chargeUntilTold(() => [gateway.url], {
      key: `deferred-${n}`,
      body: goodBody(100 + n),
    });
    expect(told.charge.status).toBe("deferred");
    asked.push(told);
  }
  const before = commits();
  world.sandbox.clearFaults();
  slowCommits();
  await until(commits, (count) => count > before);
  expect(await gateway.stop()).toBe(0);
  world.sandbox.clearFaults();

  await world.start();
  const { faults, seen } = await judge(world, asked);
  expect(faults).toEqual([]);
  expect(seen).toMatchObject({ doubted: 0, succeeded: asked.length });
});
