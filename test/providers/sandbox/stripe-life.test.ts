import type Stripe from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { moves, prepareIntent, rejection, stripeAt } from "./sdk-clients.ts";
import { openReceiver, type Receiver, typesOf } from "./webhook-receiver.ts";

const SECRET = "whsec_life";
const DAY_MS = 86_400_000;

let sandbox: Sandbox;
let stripe: Stripe;
let receiver: Receiver;
let nowMs = Date.now();
let clockRuns = false;

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => (clockRuns ? Date.now() : nowMs), settleAfterMs: 1 });
  stripe = stripeAt(sandbox.stripeUrl);
  receiver = await openReceiver();
});
beforeEach(() => {
  sandbox.reset();
  sandbox.clearWebhookEndpoints("stripe");
  receiver.received.length = 0;
});
afterAll(async () => {
  receiver.close();
  await sandbox.close();
});

async function paid(token = "pm_card_visa", more: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<Stripe.PaymentIntent> {
  return stripe.paymentIntents.confirm((await prepareIntent(stripe, token, more)).id, { off_session: true });
}

const held = () => paid("pm_card_visa", { capture_method: "manual" });
const listen = () => sandbox.setWebhookEndpoint("stripe", { url: receiver.url, secret: SECRET });

describe("a hold", () => {
  it("says until when it can be captured, and lapses then by itself", async () => {
    const intent = await held();
    const shown = await stripe.paymentIntents.retrieve(intent.id, { expand: ["latest_charge"] });
    const { capture_before } = (shown.latest_charge as Stripe.Charge).payment_method_details!.card!;
    expect(capture_before! * 1000).toBeGreaterThan(nowMs + 6 * DAY_MS);
    nowMs += 7 * DAY_MS;
    const error = await rejection(stripe.paymentIntents.capture(intent.id));
    expect(error).toMatchObject({ code: "payment_intent_unexpected_state", payment_intent: { status: "canceled" } });
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({ status: "canceled", cancellation_reason: "automatic" });
    expect(moves(sandbox)).toEqual(["stripe authorize 4200 usd", "stripe void 4200 usd"]);
  });

  it("lapses when the control says so, and what is captured does not", async () => {
    const lapsing = await held();
    const kept = await held();
    await stripe.paymentIntents.capture(kept.id);
    await fetch(`${sandbox.controlUrl}/stripe/lapse`, { method: "POST" });
    expect((await stripe.paymentIntents.retrieve(lapsing.id)).status).toBe("canceled");
    expect((await stripe.paymentIntents.retrieve(kept.id)).status).toBe("succeeded");
  });

  it("is captured in part once: the rest is released, which Stripe books as a refund without our key", async () => {
    const intent = await held();
    await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 4000 });
    expect(await rejection(stripe.paymentIntents.capture(intent.id))).toMatchObject({ code: "payment_intent_unexpected_state" });
    const { data } = await stripe.refunds.list({ payment_intent: intent.id, expand: ["data.charge"] });
    expect(data).toMatchObject([{ amount: 200, metadata: {}, charge: { amount_captured: 4000, amount_refunded: 200, refunded: false } }]);
    expect(await rejection(stripe.refunds.create({ payment_intent: intent.id, amount: 4001 }))).toMatchObject({ param: "amount" });
    expect(await stripe.refunds.create({ payment_intent: intent.id, amount: 4000 })).toMatchObject({ status: "succeeded" });
    expect(moves(sandbox)).toEqual(["authorize 4200", "capture 4000", "refund 4000"].map((move) => `stripe ${move} usd`));
  });
});

describe("a refund that comes back", () => {
  it("succeeded first, failed later, and the customer has paid again", async () => {
    const intent = await paid("pm_card_refundReturns");
    const refund = await stripe.refunds.create({ payment_intent: intent.id });
    expect(refund.status).toBe("succeeded");
    nowMs += 1_000;
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe("failed");
    expect(moves(sandbox)).toEqual(["capture 4200", "refund 4200", "refund -4200"].map((move) => `stripe ${move} usd`));
    expect((await stripe.refunds.create({ payment_intent: intent.id })).status).toBe("succeeded");
  });
});

describe("a dispute", () => {
  it("keeps the money from being refunded, and is lost or won by Stripe's test evidence", async () => {
    for (const [evidence, status] of [
      ["losing_evidence", "lost"],
      ["winning_evidence", "won"],
    ] as const) {
      const intent = await paid("pm_card_createDispute");
      const { data } = await stripe.disputes.list({ payment_intent: intent.id });
      expect(data).toMatchObject([{ amount: 4200, reason: "fraudulent", status: "needs_response", payment_intent: intent.id }]);
      const refund = () => stripe.refunds.create({ payment_intent: intent.id });
      expect(await rejection(refund())).toMatchObject({ statusCode: 400, code: "charge_disputed" });
      await stripe.disputes.update(data[0]!.id, { evidence: { uncategorized_text: evidence }, submit: true });
      expect((await stripe.disputes.retrieve(data[0]!.id)).status).toBe(status);
      if (status === "lost") expect(await rejection(refund())).toMatchObject({ code: "charge_disputed" });
      else expect((await refund()).status).toBe("succeeded");
    }
  });

  it("may be an inquiry, which takes no money", async () => {
    const intent = await paid("pm_card_createDisputeInquiry");
    expect((await stripe.refunds.create({ payment_intent: intent.id })).status).toBe("succeeded");
    const { data } = await stripe.disputes.list();
    expect((await stripe.disputes.close(data[0]!.id)).status).toBe("warning_closed");
  });
});

describe("a detached payment method", () => {
  it("can never be used again, also by a PaymentIntent that was made before", async () => {
    const before = await prepareIntent(stripe, "pm_card_leaving");
    await stripe.paymentMethods.detach("pm_card_leaving");
    for (const call of [stripe.paymentIntents.confirm(before.id), prepareIntent(stripe, "pm_card_leaving")]) {
      expect(await rejection(call)).toMatchObject({ statusCode: 400, message: expect.stringContaining("may not be used again") });
    }
    expect(moves(sandbox)).toEqual([]);
  });
});

describe("lists", () => {
  it("give payments and refunds by creation time, newest first, page by page", async () => {
    const startMs = Math.ceil(nowMs / 1000) * 1000;
    const made: string[] = [];
    for (let second = 0; second < 5; second += 1) {
      nowMs = startMs + second * 1000;
      const intent = await paid();
      made.push(intent.id, (await stripe.refunds.create({ payment_intent: intent.id })).id);
    }
    const created = { gte: startMs / 1000 + 1, lt: startMs / 1000 + 4 };
    const intents = await stripe.paymentIntents.list({ created, limit: 2 });
    expect(intents).toMatchObject({ has_more: true, data: [{ id: made[6] }, { id: made[4] }] });
    const last = await stripe.paymentIntents.list({ created, limit: 2, starting_after: made[4]! });
    expect(last).toMatchObject({ has_more: false, data: [{ id: made[2] }] });
    const refunds = await stripe.refunds.list({ created, limit: 100 });
    expect(refunds.data.map(({ id }) => id)).toEqual([made[7], made[5], made[3]]);
  });
});

describe("Stripe's webhooks", () => {
  it("carry signatures that the official SDK accepts, with the object as it was", async () => {
    listen();
    const intent = await paid();
    await stripe.refunds.create({ payment_intent: intent.id, amount: 200, metadata: { operation_key: "op_1" } });
    await sandbox.webhooksSent();
    const events = receiver.received.map(({ headers, body }) =>
      stripe.webhooks.constructEvent(body, headers["stripe-signature"]!, SECRET, 300),
    );
    expect(events.find(({ type }) => type === "payment_intent.succeeded")).toMatchObject({
      object: "event",
      livemode: false,
      data: { object: { id: intent.id, status: "succeeded", metadata: { attempt_id: "at_1" } } },
    });
    expect(events.find(({ type }) => type === "refund.created")).toMatchObject({
      data: { object: { amount: 200, payment_intent: intent.id, metadata: { operation_key: "op_1" } } },
    });
    for (const { headers, body } of receiver.received) {
      expect(() => stripe.webhooks.constructEvent(body, headers["stripe-signature"]!, "whsec_other", 300)).toThrow();
    }
  });

  const told: [string, () => Promise<unknown>, string[]][] = [
    ["a payment", () => paid(), ["charge.succeeded", "payment_intent.succeeded"]],
    ["a decline", () => rejection(paid("pm_card_visa_chargeDeclined")), ["charge.failed", "payment_intent.payment_failed"]],
    ["a challenge", () => paid("pm_card_requires_action"), ["payment_intent.requires_action"]],
    ["a hold", () => held(), ["charge.succeeded", "payment_intent.amount_capturable_updated"]],
    [
      "a hold that lapsed",
      async () => {
        await held();
        sandbox.lapseHolds("stripe");
      },
      [
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "refund.created",
        "charge.refunded",
        "payment_intent.canceled",
        "charge.expired",
      ],
    ],
    ["a cancel", async () => stripe.paymentIntents.cancel((await prepareIntent(stripe)).id), ["payment_intent.canceled"]],
    [
      "a dispute",
      async () => {
        await paid("pm_card_createDispute");
        const { data } = await stripe.disputes.list();
        await stripe.disputes.update(data[0]!.id, { evidence: { uncategorized_text: "a letter" } });
        await stripe.disputes.close(data[0]!.id);
      },
      ["charge.succeeded", "payment_intent.succeeded", "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"],
    ],
    ["a card that left", () => stripe.paymentMethods.detach("pm_card_left"), ["payment_method.detached"]],
    ["a new expiry date", async () => sandbox.renewInstrument("stripe", "pm_card_old"), ["payment_method.automatically_updated"]],
  ];
  it.each(told)("tell of %s", async (_name, happen, types) => {
    listen();
    await happen();
    await sandbox.webhooksSent();
    expect(typesOf(receiver).sort()).toEqual([...types].sort());
  });

  it("tell of what settles later, though nobody looks", async () => {
    clockRuns = true;
    listen();
    await paid("pm_card_pending");
    const refunded = await paid("pm_card_refundFail");
    await stripe.refunds.create({ payment_intent: refunded.id });
    while (!typesOf(receiver).includes("refund.failed")) await new Promise((resolve) => setTimeout(resolve, 5));
    await sandbox.webhooksSent();
    expect(typesOf(receiver)).toContain("payment_intent.processing");
    expect(typesOf(receiver).filter((type) => type === "payment_intent.succeeded")).toHaveLength(2);
    expect(typesOf(receiver)).toContain("refund.updated");
    clockRuns = false;
  });
});
