import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Attempt, Charge } from "../../../gateway/charges/charge.ts";
import { forgetOldEvents } from "../../../gateway/queue/provider-events-jobs.ts";
import { acceptCharges } from "../../../gateway/store/accept-charges.ts";
import { acceptance, attemptId } from "../store/interleaving/rows.ts";
import { disputeOf, intentOf, paidIntent, type StripeEvent, stripeEvent, WebhookStage } from "./webhook-stage.ts";

let stage: WebhookStage;
beforeAll(async () => {
  stage = await WebhookStage.open();
});
afterEach(async () => {
  await stage.rows("delete from provider_events");
  await stage.rows("delete from findings");
});
afterAll(() => stage.close());

const MINUTE = 60_000;
const findings = () =>
  stage.rows<Record<string, unknown>>(
    "select kind, provider, subject, charge_id, attempt_id, their_amount, currency, state from findings order by id",
  );
const stateOf = async (event: StripeEvent) =>
  (await stage.rows<{ state: string }>("select state from provider_events where event = $1", event.id))[0]?.state;

describe("an event about money that names nothing of ours", () => {
  it("waits, because a webhook may be quicker than the answer that it is about; then it is a finding", async () => {
    const event = stripeEvent("payment_intent.succeeded", paidIntent("pi_of_nobody"));
    await stage.taken(event);
    await stage.looksAtUnmatched(0);
    await stage.looksAtUnmatched(2 * MINUTE);
    expect([await stateOf(event), await findings()]).toEqual(["waiting", []]);
    await stage.looksAtUnmatched(15 * MINUTE);
    expect(await stateOf(event)).toBe("unknown");
    expect(await findings()).toEqual([
      {
        kind: "unknown_payment",
        provider: "stripe",
        subject: "pi_of_nobody",
        charge_id: null,
        attempt_id: null,
        their_amount: 4200n,
        currency: "usd",
        state: "open",
      },
    ]);
    expect(await stage.told("reconciliation.finding")).toContainEqual(expect.objectContaining({ actor: "system:webhook", amount: 4200n }));
  });

  it("is one finding, however many events tell of it", async () => {
    for (const type of ["payment_intent.succeeded", "payment_intent.succeeded"])
      await stage.taken(stripeEvent(type, paidIntent("pi_twice")));
    await looksLong();
    expect(await findings()).toMatchObject([{ subject: "pi_twice" }]);
  });

  it("is a finding about refunds and disputes as well, with the charge where the payment is ours", async () => {
    const charge = await stage.paid();
    const attempt = charge.attempts[0] as Attempt;
    const refund = { id: "re_by_hand", object: "refund", amount: 700, currency: "usd", payment_intent: charge.intent, metadata: {} };
    await stage.taken(stripeEvent("refund.created", refund));
    await stage.taken(stripeEvent("charge.dispute.created", disputeOf("pi_of_nobody", "du_of_nobody", "needs_response")));
    await looksLong();
    expect(await findings()).toMatchObject([
      { kind: "unknown_refund", subject: "re_by_hand", charge_id: charge.id, attempt_id: attempt.id, their_amount: 700n },
      { kind: "unknown_dispute", subject: "du_of_nobody", charge_id: null },
    ]);
  });

  it("is a finding where it is another payment than our attempt's", async () => {
    const charge = await stage.paid();
    await stage.taken(stripeEvent("payment_intent.succeeded", intentOf(charge, { id: charge.attempts[0]!.id, object: "pi_a_second_one" })));
    await looksLong();
    expect(await findings()).toMatchObject([{ kind: "unknown_payment", subject: "pi_a_second_one", charge_id: charge.id }]);
  });

  it("is none where no money is in it, or it is about something else", async () => {
    const failed = stripeEvent("payment_intent.payment_failed", paidIntent("pi_declined", { amount_received: 0 }));
    const other = stripeEvent("product.created", { id: "prod_1", object: "product" });
    await stage.taken(failed);
    await stage.taken(other);
    expect(await stateOf(other)).toBe("handled");
    await looksLong();
    expect([await stateOf(failed), await findings()]).toEqual(["unknown", []]);
  });

  it("is what our own answer was about, once that is committed: then the hint is passed on, and nothing is found", async () => {
    const { id } = acceptance();
    const event = stripeEvent("payment_intent.succeeded", paidIntent(`pi_${id}`));
    await stage.taken(event);
    const dispute = stripeEvent("charge.dispute.created", disputeOf(`pi_${id}`, `du_${id}`, "needs_response"));
    await stage.taken(dispute);
    await acceptCharges(stage.engine.db, [acceptance({ id })]);
    await stage.rows("update attempts set object = $2 where id = $1", attemptId(id, 1), `pi_${id}`);
    await stage.rows("update charges set next_action_at = '2090-01-01' where id = $1", id);
    await looksLong();
    expect([await stateOf(event), await stateOf(dispute), await findings()]).toEqual(["handled", "handled", []]);
    const [charge] = await stage.rows<Pick<Charge, "disputed"> & { due: boolean }>(
      "select disputed, next_action_at < '2089-01-01' as due from charges where id = $1",
      id,
    );
    expect(charge).toEqual({ disputed: true, due: true });
  });
});

describe("the inbox", () => {
  it("forgets after 90 days, and not before", async () => {
    const [old, young] = [
      stripeEvent("product.created", { id: "p", object: "product" }),
      stripeEvent("product.created", { id: "q", object: "product" }),
    ];
    await stage.taken(old);
    await stage.taken(young);
    await stage.rows("update provider_events set received_at = now() - interval '91 days' where event = $1", old.id);
    await stage.rows("update provider_events set received_at = now() - interval '89 days' where event = $1", young.id);
    await forgetOldEvents({ db: stage.engine.db, clock: stage.engine.core.clock });
    expect(await stage.rows("select event from provider_events")).toEqual([{ event: young.id }]);
  });
});

/** Both looks, as the job makes them in the course of a quarter of an hour. */
async function looksLong(): Promise<void> {
  await stage.looksAtUnmatched(2 * MINUTE);
  await stage.looksAtUnmatched(15 * MINUTE);
}
