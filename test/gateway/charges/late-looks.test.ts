import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { lookAtClosed } from "../../../gateway/charges/late.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, type Engine, eventually, movedAt, reread } from "../../support/engine.ts";
import { LateStage, overlaid } from "./late-stage.ts";

/** Settled by hand while its provider could not be asked: what becomes of the payment shows only in the looks that follow. */
let stage: LateStage;
let engine: Engine;
beforeAll(async () => {
  stage = await LateStage.open();
});
beforeEach(async () => {
  engine = await stage.reset();
});
afterAll(() => stage.close());

async function settledBlindly(tokens: Parameters<typeof chargeInput>[0]): Promise<Charge> {
  const { charge } = await engine.charges.create(chargeInput(tokens));
  expect(charge.status).toBe("in_doubt");
  const by = { actor: "key:ops", accountId: "acct_default", chargeId: charge.id, providerReference: null, reason: "test" };
  const { charge: settled } = await engine.charges.resolve({ ...by, outcome: "not_charged" });
  expect(settled.status).toBe("failed");
  engine.sandbox.clearFaults();
  await engine.sandbox.listening();
  // The last look of the table: more than four days later.
  await engine.db.query({
    name: "test_last_look",
    text: "update attempts set looks = 5, next_look_at = now() - interval '1 s' where charge_id = $1",
    values: [charge.id],
  });
  return settled;
}

it("goes on after the last look while the payment is under review", async () => {
  engine.sandbox.setFault("paypal", { kind: "hang_after", operation: "commit" });
  engine.sandbox.setFault("paypal", { kind: "500_before", operation: "lookup" });
  const charge = await settledBlindly({ tokens: { paypal: { vault_id: "pending" } } });
  const paypal = engine.core.providers.get("paypal") as Provider;
  const lookup: Provider["lookup"] = async (...args) => {
    const seen = await paypal.lookup(...args);
    const { finding } = seen;
    return finding.kind === "approved" ? { ...seen, finding: { kind: "pending", reference: finding.reference, reason: "review" } } : seen;
  };
  const core = { ...engine.core, providers: new Map(engine.core.providers).set("paypal", overlaid(paypal, { lookup })) };
  await lookAtClosed(core, await stage.lookTaken(charge));
  expect((await reread(engine, charge)).attempts[0]?.nextLookAt).not.toBeNull();
});

it("goes on after the last look while an open payment could not be fenced", async () => {
  await stage.allow("stripe");
  engine.sandbox.setFault("stripe", { kind: "hang_after", operation: "commit" });
  for (const operation of ["lookup", "cancel"] as const) engine.sandbox.setFault("stripe", { kind: "500_before", operation });
  const charge = await settledBlindly({ tokens: { stripe: { payment_method: "pm_card_requires_action" } } });
  engine.sandbox.setFault("stripe", { kind: "500_before", operation: "cancel" });
  await lookAtClosed(engine.core, await stage.lookTaken(charge));
  expect((await reread(engine, charge)).attempts[0]?.nextLookAt).not.toBeNull();

  // Days later the customer authenticates: the payment is found, and adopted.
  engine.sandbox.clearFaults();
  const object = charge.attempts[0]?.object;
  const shown = await fetch(`${engine.sandbox.stripeUrl}/v1/payment_intents/${object}`, {
    headers: { authorization: "Bearer sk_test_sandbox" },
  });
  const { next_action } = (await shown.json()) as { next_action: { redirect_to_url: { url: string } } };
  await fetch(next_action.redirect_to_url.url);
  expect(movedAt(engine.sandbox, charge.id)).toEqual({ stripe: 4200n });
  const nextDay = "update attempts set next_look_at = now() - interval '1 s' where charge_id = $1";
  const found = await eventually(
    async () => {
      // The breaker may not let the first question pass.
      await engine.db.query({ name: "test_next_day", text: nextDay, values: [charge.id] });
      await lookAtClosed(engine.core, await stage.lookTaken(charge));
      return reread(engine, charge);
    },
    ({ status }) => status === "succeeded",
  );
  expect(found).toMatchObject({ provider: "stripe", amountCaptured: 4200n });
});
