import { afterAll, beforeAll, expect, it } from "vitest";
import { type ChargeJson, chargeUntilTold, readCharge } from "./client.ts";
import { sleep, startWorld, until, type World } from "./harness.ts";

let world: World;
let url: string;
beforeAll(async () => {
  world = await startWorld({ redis: true, env: { CHARGE_BUDGET_MS: "16000", PROVIDER_TIMEOUT_MS: "4000" } });
  ({ url } = await world.start());
  await world.start();
});
afterAll(() => world.close());

function booked(charge: Pick<ChargeJson, "id">): string[] {
  const mine = world.sandbox.ledger().filter(({ chargeId }) => chargeId === charge.id);
  return mine.map(({ provider, type, amount }) => `${provider} ${type} ${amount}`);
}

async function charge(key: string): Promise<ChargeJson> {
  const payment_method = { stripe: { customer: `cus_${key}`, payment_method: "pm_card_visa" }, paypal: { vault_id: `vault-${key}` } };
  const body = { amount: 4_200, currency: "usd", failover: "authorize_first", payment_method };
  return (await chargeUntilTold(() => [url], { key, body })).charge;
}

it("an authorization that hangs after it was executed costs the caller no more than the budget, and the customer one capture", {
  timeout: 900_000,
}, async () => {
  world.sandbox.setFault("stripe", { kind: "hang_after", operation: "commit" });
  world.sandbox.setFault("stripe", { kind: "hang_before", operation: "lookup" });
  world.sandbox.setFault("stripe", { kind: "hang_before", operation: "cancel" });
  const asked = await Promise.all(["a", "b", "c", "d"].map((key) => charge(`hang_${key}`)));
  // Not 202: what the budget did not suffice for would be answered so.
  for (const told of asked) expect(told).toMatchObject({ status: "succeeded", amount_captured: 4_200 });
  const doubtful = asked.filter((told) => told.attempts.length > 1);
  expect(doubtful.length).toBeGreaterThan(0);
  for (const told of doubtful) {
    expect(told).toMatchObject({ provider: "paypal", attempts: [{ provider: "stripe", outcome: "unknown" }, { outcome: "approved" }] });
    expect(booked(told)).toEqual(["stripe authorize 4200", "paypal authorize 4200", "paypal capture 4200"]);
  }

  // The hold stays where it is as long as its provider is away, and goes as soon as it is back.
  await sleep(3_000);
  for (const told of doubtful) expect(booked(told)).toHaveLength(3);
  world.sandbox.clearFaults();
  for (const told of doubtful) {
    await until(
      async () => booked(told),
      (entries) => entries.length === 4,
    );
    expect(booked(told).at(-1)).toBe("stripe void 4200");
    await until(
      () => readCharge(url, told.id),
      ({ attempts }) => attempts[0]?.outcome !== "unknown",
    );
  }
  const captures = asked.map((told) => booked(told).filter((entry) => entry.includes("capture")).length);
  expect(captures).toEqual([1, 1, 1, 1]);
});
