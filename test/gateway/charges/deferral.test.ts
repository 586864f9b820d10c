import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { chargeInput, type Engine, eventually, movedAt, reread, startEngine } from "../../support/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 500, chargeBudgetMs: 3_000 });
});
afterAll(() => engine.close());
afterEach(() => engine.sandbox.clearFaults());

function allDown(): void {
  engine.sandbox.setFault("stripe", { kind: "refuse" });
  engine.sandbox.setFault("paypal", { kind: "refuse" });
}

async function turns(instance: Engine, charge: Charge, done: (charge: Charge) => boolean): Promise<Charge> {
  return eventually(async () => {
    await instance.worker.pass();
    await instance.worker.idle();
    return reread(instance, charge);
  }, done);
}

it("keeps a charge when nobody can be asked, and collects it once when one is back", async () => {
  const fresh = await engine.another();
  allDown();
  const { charge } = await fresh.charges.create(chargeInput());
  expect(charge).toMatchObject({ status: "deferred", deferred: { reason: "no_provider_available" }, provider: null, failure: null });
  expect(charge.attempts.every((attempt) => !attempt.live)).toBe(true);
  engine.sandbox.clearFaults("paypal");
  const settled = await turns(fresh, charge, (c) => c.status === "succeeded");
  expect(settled.provider).toBe("paypal");
  expect(settled.deferred).toBeNull();
  expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
  await fresh.close();
});

it("keeps nothing with defer: false when no provider can be used, and fails after an attempt", async () => {
  const fresh = await engine.another();
  allDown();
  const input = chargeInput({ defer: false });
  const { charge } = await fresh.charges.create(input);
  expect(charge).toMatchObject({ status: "failed", failure: { code: "no_provider_available" } });
  // By now an operator has taken both out.
  const actor = { actor: "key:test", accountId: "acct_default", now: new Date() };
  for (const provider of ["stripe", "paypal"]) {
    await fresh.overrides.set({ provider, mode: "down", reason: "test", expiresAt: null }, actor);
  }
  const refusedInput = chargeInput({ defer: false });
  await expect(fresh.charges.create(refusedInput)).rejects.toMatchObject({ code: "no_provider_available" });
  const rows = await fresh.db.query({
    name: "t",
    text: "select from idempotency_keys where key = $1",
    values: [refusedInput.idempotencyKey],
  });
  expect(rows).toHaveLength(0);
  expect(await fresh.charges.create(input)).toMatchObject({ replayed: true });
  for (const provider of ["stripe", "paypal"]) await fresh.overrides.remove(provider, actor);
  await fresh.close();
});

it("fails a deferred charge when its time is over", async () => {
  const fresh = await engine.another();
  allDown();
  const { charge } = await fresh.charges.create(chargeInput({ defer: { untilMs: Date.now() + 60_000 } }));
  expect(charge.status).toBe("deferred");
  expect(charge.nextActionAt?.getTime()).toBeLessThanOrEqual(charge.deferUntil.getTime());
  const text = "update charges set defer_until = now(), next_action_at = now() where id = $1";
  await fresh.db.query({ name: "test_time_over", text, values: [charge.id] });
  const settled = await turns(fresh, charge, (c) => c.status !== "deferred");
  expect(settled).toMatchObject({ status: "failed", failure: { code: "expired" } });
  expect(movedAt(engine.sandbox, charge.id)).toEqual({});
  await fresh.close();
});

it("withdraws a deferred charge for good, with its own key, and says so again", async () => {
  const fresh = await engine.another();
  allDown();
  const { charge } = await fresh.charges.create(chargeInput());
  const command = {
    accountId: "acct_default",
    actor: "key:test",
    chargeId: charge.id,
    idempotencyKey: `cancel-${charge.id}`,
    fingerprint: Buffer.alloc(32, 3),
  };
  const canceled = await fresh.charges.cancel(command);
  expect(canceled).toMatchObject({ charge: { status: "canceled" }, replayed: false });
  expect(await fresh.charges.cancel(command)).toMatchObject({ charge: { status: "canceled" }, replayed: true });
  await expect(fresh.charges.cancel({ ...command, idempotencyKey: "other" })).rejects.toMatchObject({ code: "charge_final" });
  engine.sandbox.clearFaults();
  await fresh.worker.pass();
  await fresh.worker.idle();
  expect((await reread(fresh, charge)).status).toBe("canceled");
  expect(movedAt(engine.sandbox, charge.id)).toEqual({});
  await fresh.close();
});

it("waits for a provider that settles later, and for a customer who must act", async () => {
  const fresh = await engine.another();
  const { charge } = await fresh.charges.create(chargeInput({ tokens: { stripe: { payment_method: "pm_card_pending" } } }));
  expect(charge).toMatchObject({ status: "pending", provider: "stripe" });
  const action = (await fresh.charges.create(chargeInput({ tokens: { stripe: { payment_method: "pm_card_requires_action" } } }))).charge;
  expect(action).toMatchObject({ status: "requires_action", nextAction: { type: "redirect", url: expect.stringContaining("http") } });
  await fetch(action.nextAction?.url as string);
  expect(await turns(fresh, charge, (c) => c.status === "succeeded")).toMatchObject({ amountCaptured: 4200n });
  expect(await turns(fresh, action, (c) => c.status === "succeeded")).toMatchObject({ amountCaptured: 4200n, nextAction: null });
  const payer = (await fresh.charges.create(chargeInput({ tokens: { paypal: { vault_id: "payer_action" } } }))).charge;
  expect(payer).toMatchObject({ status: "requires_action", provider: "paypal" });
  await fetch(payer.nextAction?.url as string);
  expect(await turns(fresh, payer, (c) => c.status === "succeeded")).toMatchObject({ amountCaptured: 4200n });
  expect(movedAt(engine.sandbox, payer.id)).toEqual({ paypal: 4200n });
  await fresh.close();
});
