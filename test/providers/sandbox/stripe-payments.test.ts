import type Stripe from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { moves, prepareIntent, rejection, stripeAt } from "./sdk-clients.ts";

let sandbox: Sandbox;
let stripe: Stripe;
let nowMs = Date.now();

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => nowMs });
  stripe = stripeAt(sandbox.stripeUrl);
});
beforeEach(() => sandbox.reset());
afterAll(() => sandbox.close());

const confirm = (id: string, params: Stripe.PaymentIntentConfirmParams = { off_session: true }) =>
  stripe.paymentIntents.confirm(id, params);

describe("a Stripe payment", () => {
  it("moves no money when it is created and all of it when it is confirmed", async () => {
    const intent = await prepareIntent(stripe);
    expect(intent.status).toBe("requires_confirmation");
    expect(moves(sandbox)).toEqual([]);
    expect((await confirm(intent.id)).status).toBe("succeeded");
    const at = { chargeId: "ch_1", attemptId: "at_1", object: intent.id, reference: intent.id, at: nowMs };
    expect(sandbox.ledger()).toEqual([{ provider: "stripe", type: "capture", amount: 4200n, currency: "usd", ...at }]);
  });

  it("can be created and confirmed in one step", async () => {
    const intent = await prepareIntent(stripe, "pm_card_visa", { confirm: true, off_session: true });
    expect(intent.status).toBe("succeeded");
    expect(sandbox.requests().at(-1)).toMatchObject({ operation: "commit", executed: true });
  });

  it("shows its latest charge when asked to expand it", async () => {
    const intent = await prepareIntent(stripe);
    await confirm(intent.id);
    const found = await stripe.paymentIntents.retrieve(intent.id, { expand: ["latest_charge"] });
    expect(found.latest_charge).toMatchObject({ object: "charge", paid: true, amount_captured: 4200 });
    expect((await stripe.paymentIntents.retrieve(intent.id)).latest_charge).toMatch(/^ch_/);
  });

  it("can be held and then captured in part, or released", async () => {
    const intent = await prepareIntent(stripe, "pm_card_visa", { capture_method: "manual" });
    expect((await confirm(intent.id)).status).toBe("requires_capture");
    const captured = await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 4000 });
    expect(captured).toMatchObject({ status: "succeeded", amount_received: 4000 });
    const other = await prepareIntent(stripe, "pm_card_visa", { capture_method: "manual" });
    await confirm(other.id);
    expect((await stripe.paymentIntents.cancel(other.id)).status).toBe("canceled");
    expect(moves(sandbox)).toEqual(["authorize 4200", "capture 4000", "authorize 4200", "void 4200"].map((move) => `stripe ${move} usd`));
  });

  it("can never be paid once it is canceled", async () => {
    const intent = await prepareIntent(stripe);
    await stripe.paymentIntents.cancel(intent.id);
    const error = await rejection(confirm(intent.id));
    expect(error).toMatchObject({ statusCode: 400, code: "payment_intent_unexpected_state", payment_intent: { status: "canceled" } });
    expect(moves(sandbox)).toEqual([]);
  });

  it("refuses to be confirmed or canceled after it succeeded", async () => {
    const intent = await prepareIntent(stripe);
    await confirm(intent.id);
    for (const call of [confirm(intent.id), stripe.paymentIntents.cancel(intent.id)]) {
      expect(await rejection(call)).toMatchObject({ code: "payment_intent_unexpected_state", payment_intent: { status: "succeeded" } });
    }
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("waits for the customer where the card wants authentication, and for a page that says how it ended", async () => {
    const passed = await confirm((await prepareIntent(stripe, "pm_card_requires_action")).id);
    expect(passed.status).toBe("requires_action");
    await fetch(passed.next_action!.redirect_to_url!.url!);
    expect((await stripe.paymentIntents.retrieve(passed.id)).status).toBe("succeeded");
    const failed = await confirm((await prepareIntent(stripe, "pm_card_requires_action")).id);
    await fetch(`${failed.next_action!.redirect_to_url!.url}?result=fail`);
    const found = await stripe.paymentIntents.retrieve(failed.id);
    expect(found).toMatchObject({
      status: "requires_payment_method",
      last_payment_error: { code: "payment_intent_authentication_failure" },
    });
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("that is pending is settled by the first lookup after its time", async () => {
    const good = await confirm((await prepareIntent(stripe, "pm_card_pending")).id);
    const bad = await confirm((await prepareIntent(stripe, "pm_card_pending_fails")).id);
    expect([good.status, bad.status]).toEqual(["processing", "processing"]);
    expect((await stripe.paymentIntents.retrieve(good.id)).status).toBe("processing");
    nowMs += 2_000;
    expect((await stripe.paymentIntents.retrieve(good.id)).status).toBe("succeeded");
    expect((await stripe.paymentIntents.retrieve(bad.id)).status).toBe("requires_payment_method");
    expect(moves(sandbox)).toEqual(["stripe capture 4200 usd"]);
  });
});

describe("a Stripe decline", () => {
  it.each([
    ["pm_card_visa_chargeDeclined", "card_declined", "generic_decline"],
    ["pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
    ["pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"],
    ["pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"],
    ["pm_card_chargeDeclinedExpiredCard", "expired_card", ""],
    ["pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", ""],
    ["pm_card_chargeDeclinedProcessingError", "processing_error", ""],
    ["pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent"],
    ["pm_card_radarBlock", "card_declined", "fraudulent"],
    ["pm_card_authenticationRequired", "authentication_required", "authentication_required"],
    ["pm_card_decline_do_not_honor", "card_declined", "do_not_honor"],
  ])("of %s says %s %s and moves nothing", async (token, code, declineCode) => {
    const intent = await prepareIntent(stripe, token);
    const error = await rejection(confirm(intent.id));
    expect(error).toMatchObject({ statusCode: 402, type: "StripeCardError", code, decline_code: declineCode });
    expect(error).toMatchObject({ payment_intent: { id: intent.id, status: "requires_payment_method", last_payment_error: { code } } });
    expect(moves(sandbox)).toEqual([]);
  });

  it("carries the network's advice and code where the token asks for them", async () => {
    const intent = await prepareIntent(stripe, "pm_card_decline_insufficient_funds__advice_try_again_later__network_51");
    const error = await rejection(confirm(intent.id));
    expect(error).toMatchObject({
      raw: { advice_code: "try_again_later", network_decline_code: "51", decline_code: "insufficient_funds" },
    });
    const found = await stripe.paymentIntents.retrieve(intent.id);
    expect(found.last_payment_error).toMatchObject({ advice_code: "try_again_later", payment_method: { object: "payment_method" } });
  });

  it("leaves the payment open for another card", async () => {
    const intent = await prepareIntent(stripe, "pm_card_visa_chargeDeclined");
    await rejection(confirm(intent.id));
    expect(await rejection(confirm(intent.id))).toMatchObject({ code: "payment_intent_unexpected_state" });
    expect((await confirm(intent.id, { payment_method: "pm_card_visa" })).status).toBe("succeeded");
  });
});

describe("Stripe's rules", () => {
  it("for amounts: zero decimals as they are, three decimals in tens, krónur in hundreds, and the ledger in ISO units", async () => {
    for (const [currency, amount] of [
      ["jpy", 500],
      ["kwd", 1230],
      ["isk", 500],
      ["mga", 500],
    ] as const) {
      await confirm((await prepareIntent(stripe, "pm_card_visa", { currency, amount })).id);
    }
    expect(moves(sandbox)).toEqual(
      ["capture 500 jpy", "capture 1230 kwd", "capture 5 isk", "capture 50000 mga"].map((move) => `stripe ${move}`),
    );
    for (const [currency, amount] of [
      ["kwd", 1234],
      ["isk", 550],
    ] as const) {
      expect(await rejection(prepareIntent(stripe, "pm_card_visa", { currency, amount }))).toMatchObject({
        statusCode: 400,
        code: "invalid_amount",
      });
    }
    expect(await rejection(prepareIntent(stripe, "pm_card_visa", { currency: "xyz" }))).toMatchObject({ statusCode: 400 });
  });

  it("for unknown things: a missing card is 400, a missing payment 404, a wrong key 401", async () => {
    expect(await rejection(prepareIntent(stripe, "pm_missing_1"))).toMatchObject({ statusCode: 400, code: "resource_missing" });
    expect(await rejection(stripe.paymentIntents.retrieve("pi_nowhere"))).toMatchObject({ statusCode: 404, code: "resource_missing" });
    expect(await rejection(stripeAt(sandbox.stripeUrl, "sk_live_1").balance.retrieve())).toMatchObject({ statusCode: 401 });
  });

  it("for accounts: a key's name is its account, and accounts do not see each other's payments", async () => {
    const other = stripeAt(sandbox.stripeUrl, "sk_test_eu_1");
    expect((await stripe.accounts.retrieveCurrent()).id).toBe("acct_sandbox");
    expect((await other.accounts.retrieveCurrent()).id).toBe("acct_sandbox_eu");
    expect((await stripe.balance.retrieve()).livemode).toBe(false);
    const intent = await prepareIntent(stripe);
    expect(await rejection(other.paymentIntents.retrieve(intent.id))).toMatchObject({ statusCode: 404 });
  });

  it("for refunds: in parts, never more than was taken", async () => {
    const intent = await prepareIntent(stripe);
    await confirm(intent.id);
    const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 1000, metadata: { refund_id: "rf_1" } });
    expect(refund).toMatchObject({ status: "succeeded", amount: 1000, payment_intent: intent.id });
    expect(await rejection(stripe.refunds.create({ payment_intent: intent.id, amount: 3201 }))).toMatchObject({ statusCode: 400 });
    await stripe.refunds.create({ payment_intent: intent.id });
    expect(await rejection(stripe.refunds.create({ payment_intent: intent.id }))).toMatchObject({ code: "charge_already_refunded" });
    expect((await stripe.refunds.retrieve(refund.id)).metadata).toEqual({ refund_id: "rf_1" });
    expect((await stripe.refunds.list({ payment_intent: intent.id })).data).toHaveLength(2);
    expect(moves(sandbox).slice(1)).toEqual(["stripe refund 1000 usd", "stripe refund 3200 usd"]);
  });

  it("for late refunds: pending first, then succeeded or failed", async () => {
    const refunds = [];
    for (const token of ["pm_card_pendingRefund", "pm_card_refundFail"]) {
      const intent = await prepareIntent(stripe, token);
      await confirm(intent.id);
      refunds.push(await stripe.refunds.create({ payment_intent: intent.id }));
    }
    expect(refunds.map((refund) => refund.status)).toEqual(["pending", "pending"]);
    nowMs += 2_000;
    const settled = await Promise.all(refunds.map((refund) => stripe.refunds.retrieve(refund.id)));
    expect(settled.map((refund) => refund.status)).toEqual(["succeeded", "failed"]);
    expect(moves(sandbox).filter((move) => move.includes("refund"))).toHaveLength(1);
  });

  it("for lists: newest first, by customer and time, in pages", async () => {
    const ids: string[] = [];
    for (let minute = 0; minute < 5; minute += 1) {
      ids.push((await prepareIntent(stripe)).id);
      nowMs += 60_000;
    }
    await prepareIntent(stripe, "pm_card_visa", { customer: "cus_2" });
    const page = await stripe.paymentIntents.list({ customer: "cus_1", limit: 2 });
    expect(page.data.map((intent) => intent.id)).toEqual([ids[4], ids[3]]);
    expect(page.has_more).toBe(true);
    const next = await stripe.paymentIntents.list({ customer: "cus_1", limit: 10, starting_after: ids[3]! });
    expect(next.data.map((intent) => intent.id)).toEqual([ids[2], ids[1], ids[0]]);
    const second = Math.floor(nowMs / 1000);
    const recent = await stripe.paymentIntents.list({ customer: "cus_1", created: { gte: second - 120, lte: second } });
    expect(recent.data.map((intent) => intent.id)).toEqual([ids[4], ids[3]]);
  });
});
