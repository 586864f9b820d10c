import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { chargeInput, type Engine, eventually, movedAt, reread, startEngine } from "../../support/engine.ts";

/** The first start configures both providers; after the second one, Stripe is not in the file any more. */
let engine: Engine;
let withoutStripe: Engine;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 500, chargeBudgetMs: 3_000 });
  withoutStripe = await engine.another({ providers: ["paypal"] });
});
afterEach(() => engine.sandbox.clearFaults());
afterAll(async () => {
  await withoutStripe.close();
  await engine.close();
});

const STRIPE = { stripe: { payment_method: "pm_card_visa" } };

async function inDoubt(tokens: Record<string, unknown>): Promise<Charge> {
  engine.sandbox.setFault("stripe", { kind: "reset_after", operation: "commit" });
  engine.sandbox.setFault("stripe", { kind: "503_html", operation: "lookup" });
  const { charge } = await engine.charges.create(chargeInput({ tokens }));
  expect(charge.status).toBe("in_doubt");
  engine.sandbox.clearFaults();
  return charge;
}

/** Makes the charge and its closed attempts due, and lets the instance's worker have them. */
async function turn(instance: Engine, charge: Charge): Promise<Charge> {
  const due = "now() - interval '1 s'";
  const values = [charge.id];
  const at = `update charges set next_action_at = ${due} where id = $1 and next_action_at is not null`;
  const looks = `update attempts set next_look_at = ${due} where charge_id = $1 and next_look_at is not null`;
  await engine.db.query({ name: "test_due", text: at, values });
  await engine.db.query({ name: "test_look_due", text: looks, values });
  await instance.worker.pass();
  await instance.worker.idle();
  return reread(instance, charge);
}

async function untilSettled(instance: Engine, charge: Charge): Promise<Charge> {
  return eventually(
    () => turn(instance, charge),
    ({ status }) => status === "succeeded",
  );
}

it("a doubt at a provider that is configured no more waits, is no reason to ask another one, and ends where it is known", async () => {
  const charge = await inDoubt({ ...STRIPE, paypal: { vault_id: "vault-1" } });
  const after = await turn(withoutStripe, charge);
  expect(after).toMatchObject({ status: "in_doubt", attempts: [{ provider: "stripe", live: true, detail: { cause: "unexpected" } }] });
  expect(after.tries).toBeGreaterThan(charge.tries);
  expect((await untilSettled(engine, charge)).attempts).toHaveLength(1);
  expect(movedAt(engine.sandbox, charge.id)).toEqual({ stripe: 4200n });
});

it("other providers go on, and the API's intent never chooses the one that is missing", async () => {
  const { charge } = await withoutStripe.charges.create(chargeInput());
  expect(charge).toMatchObject({ status: "succeeded", provider: "paypal" });
});

it("a deferred charge with a token for the missing provider alone stays deferred until that one is back", async () => {
  const fresh = await engine.another();
  engine.sandbox.setFault("stripe", { kind: "refuse" });
  const { charge } = await fresh.charges.create(chargeInput({ tokens: STRIPE }));
  expect(charge.status).toBe("deferred");
  engine.sandbox.clearFaults();
  for (let i = 0; i < 3; i++) expect(await turn(withoutStripe, charge)).toMatchObject({ status: "deferred", failure: null });
  expect(await untilSettled(fresh, charge)).toMatchObject({ provider: "stripe" });
  expect(movedAt(engine.sandbox, charge.id)).toEqual({ stripe: 4200n });
  await fresh.close();
});

it("a decline that allows another provider defers the charge while the other one is missing", async () => {
  const tokens = { ...STRIPE, paypal: { vault_id: "processor_0500" } };
  const { charge } = await withoutStripe.charges.create(chargeInput({ tokens }));
  expect(charge).toMatchObject({ status: "deferred", attempts: [{ provider: "paypal", outcome: "declined" }] });
  expect(await untilSettled(engine, charge)).toMatchObject({ provider: "stripe" });
});

it("a late look at the missing provider is put off, not forgotten: the success that it would find is still adopted", async () => {
  const charge = await inDoubt(STRIPE);
  await turn(withoutStripe, charge);
  const settled = await withoutStripe.charges.resolve({
    accountId: "acct_default",
    actor: "key:ops",
    chargeId: charge.id,
    outcome: "not_charged",
    providerReference: null,
    reason: "its provider is gone",
  });
  expect(settled.charge.status).toBe("failed");
  const looked = await turn(withoutStripe, charge);
  expect(looked.status).toBe("failed");
  expect(looked.attempts[0]).toMatchObject({ looks: 1, nextLookAt: expect.any(Date) });
  expect(await untilSettled(engine, charge)).toMatchObject({ provider: "stripe", amountCaptured: 4200n });
});
