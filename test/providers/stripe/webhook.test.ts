import { Stripe } from "stripe";
import { describe, expect, test } from "vitest";
import type { ProviderEvent, WebhookReading } from "../../../providers/contract/webhook.ts";
import { always, errorBody, intent, newCall, provider, rawStripe } from "./raw-stripe.ts";

const SECRET = "whsec_first";
const OLD_SECRET = "whsec_rolled";
const NOW_MS = 1_800_000_000_000;
const NOWHERE = "http://127.0.0.1:1";

function eventOf(type: string, object: unknown, changes: object = {}): string {
  const event = { id: "evt_1", object: "event", type, created: 1_799_999_999, livemode: false, data: { object } };
  return JSON.stringify({ ...event, ...changes });
}

interface Sending {
  readonly secret?: string;
  readonly ageS?: number;
  readonly header?: string;
  readonly url?: string;
  readonly key?: string;
}

function send(body: string | Buffer, { secret = SECRET, ageS = 0, url = NOWHERE, ...more }: Sending = {}): Promise<WebhookReading> {
  const timestamp = NOW_MS / 1000 - ageS;
  const header = more.header ?? Stripe.webhooks.generateTestHeaderString({ payload: body.toString(), secret, timestamp });
  const stripe = provider(url, { webhookSecret: `${SECRET}, ${OLD_SECRET}`, ...(more.key ? { secretKey: more.key } : {}) });
  const delivery = { headers: { "stripe-signature": header }, body: Buffer.from(body), receivedAtMs: NOW_MS };
  return stripe.readWebhook!(delivery, newCall());
}

async function read(body: string, sending: Sending = {}): Promise<ProviderEvent> {
  const reading = await send(body, sending);
  if (reading.kind !== "event") throw new Error(`not an event: ${JSON.stringify(reading)}`);
  return reading.event;
}

const subject = async (type: string, object: unknown, sending: Sending = {}) => (await read(eventOf(type, object), sending)).subject;
const paid = eventOf("payment_intent.succeeded", intent("succeeded"));

describe("a delivery", () => {
  test("is read, by either secret while the endpoint's is rolled", async () => {
    for (const secret of [SECRET, OLD_SECRET]) {
      expect(await read(paid, { secret })).toMatchObject({
        id: "evt_1",
        type: "payment_intent.succeeded",
        createdAtMs: 1_799_999_999_000,
        subject: { kind: "payment" },
      });
    }
  });

  test("cannot be read without a secret", () => {
    expect(provider(NOWHERE).readWebhook).toBeUndefined();
    expect(provider(NOWHERE, { webhookSecret: " , " }).readWebhook).toBeUndefined();
  });

  const good = Stripe.webhooks.generateTestHeaderString({ payload: paid, secret: SECRET, timestamp: NOW_MS / 1000 });
  const wrong: [string, string | Buffer, Sending][] = [
    ["another secret", paid, { secret: "whsec_other" }],
    ["no header", paid, { header: "" }],
    ["no signature", paid, { header: `t=${NOW_MS / 1000}` }],
    ["another scheme", paid, { header: good.replace("v1=", "v0=") }],
    ["no time", paid, { header: good.replace(/^t=\d+,/, "") }],
    ["two times", paid, { header: `t=1,${good}` }],
    ["one byte changed", paid.replace("4200", "4201"), { header: good }],
    ["a byte order mark before it", Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(paid)]), { header: good }],
    ["a space after it", `${paid} `, { header: good }],
    ["nothing in it", "", { header: good }],
  ];
  test.each(wrong)("with %s is refused for its signature", async (_name, body, sending) => {
    expect(await send(body, sending)).toMatchObject({ kind: "refused", reason: "signature" });
  });

  test("that is not UTF-8 is refused, though the SDK would read its text as the signed one", async () => {
    const text = paid.replace("Pro", "").replace("payment_intent", "payment_intent\ufffd");
    const header = Stripe.webhooks.generateTestHeaderString({ payload: text, secret: SECRET, timestamp: NOW_MS / 1000 });
    const bytes = Buffer.from(Buffer.from(text).toString("latin1").replace("\u00ef\u00bf\u00bd", "\u00ff"), "latin1");
    expect(await send(bytes, { header })).toMatchObject({ kind: "refused", reason: "signature" });
  });

  test("is good for 300 seconds, by the time at which it was received", async () => {
    expect(await send(paid, { ageS: 300 })).toMatchObject({ kind: "event" });
    expect(await send(paid, { ageS: 301 })).toMatchObject({ kind: "refused", reason: "too_old" });
    expect(await send(paid, { ageS: -300 })).toMatchObject({ kind: "event" });
    expect(await send(paid, { ageS: -302 })).toMatchObject({ kind: "refused", reason: "too_old" });
  });

  test("of the other mode, or of a connected account, is another account's", async () => {
    const refused = { kind: "refused", reason: "other_account" };
    expect(await send(eventOf("payment_intent.succeeded", intent("succeeded"), { livemode: true }))).toMatchObject(refused);
    expect(await send(paid, { key: "sk_live_51abcdef" })).toMatchObject(refused);
    expect(await send(eventOf("payment_intent.succeeded", intent("succeeded"), { account: "acct_2" }))).toMatchObject(refused);
  });

  test.each([
    ["no JSON", "{"],
    ["a JSON scalar", "7"],
    ["a list", "[]"],
    ["another object", JSON.stringify({ object: "v2.core.event", id: "evt_1" })],
    ["an id that is none", eventOf("x", {}, { id: "ev 1" })],
    ["no type", eventOf("x", {}, { type: null })],
    ["no time", eventOf("x", {}, { created: "now" })],
    ["no mode", eventOf("x", {}, { livemode: null })],
  ])("that is signed, and is %s, is unreadable", async (_name, body) => {
    expect(await send(body)).toMatchObject({ kind: "refused", reason: "unreadable" });
  });

  test("never tells a secret, nor what it carried", async () => {
    for (const reading of [await send(paid, { secret: "whsec_other" }), await send("{"), await send(paid, { ageS: 900 })]) {
      expect(JSON.stringify(reading)).not.toMatch(/whsec|pi_1|4200/);
    }
  });
});

describe("an event is about", () => {
  const ours = { object: "pi_1", reference: "pi_1", attemptId: "at_1", chargeId: "ch_1" };

  test.each([
    ["payment_intent.succeeded", intent("succeeded", { amount_received: 4000 }), { amount: 4000n, currency: "usd" }],
    ["payment_intent.amount_capturable_updated", intent("requires_capture"), { amount: 4200n, currency: "usd" }],
    ["payment_intent.payment_failed", intent("requires_payment_method"), null],
    ["payment_intent.canceled", intent("canceled"), null],
    ["payment_intent.processing", intent("processing"), null],
  ])("a payment: %s", async (type, object, money) => {
    expect(await subject(type, object)).toEqual({ kind: "payment", ...ours, money });
  });

  test("a payment of somebody else's, in a currency that we do not know", async () => {
    const theirs = intent("succeeded", { metadata: {}, currency: "xxx", amount_received: 7 });
    expect(await subject("payment_intent.succeeded", theirs)).toEqual({
      kind: "payment",
      ...{ ...ours, attemptId: null, chargeId: null },
      money: { amount: 7n, currency: "xxx" },
    });
  });

  const charge = { id: "ch_9", object: "charge", amount: 4200, amount_captured: 4200, captured: true, currency: "usd", metadata: {} };
  test("a charge: its PaymentIntent, or itself where it has none", async () => {
    const metadata = { attempt_id: "at_1", charge_id: "ch_1" };
    expect(await subject("charge.expired", { ...charge, payment_intent: "pi_1", metadata })).toEqual({
      kind: "payment",
      ...ours,
      money: null,
    });
    expect(await subject("charge.succeeded", charge)).toMatchObject({
      object: null,
      reference: "ch_9",
      money: { amount: 4200n, currency: "usd" },
    });
  });

  const refund = { id: "re_1", object: "refund", amount: 4200, currency: "usd", payment_intent: "pi_1", charge: "ch_9" };
  test("a refund, by our key", async () => {
    const ours = { ...refund, status: "succeeded", metadata: { operation_key: "op_1" } };
    const about = { kind: "refund", refund: "re_1", payment: "pi_1", key: "op_1" };
    expect(await subject("refund.created", ours)).toEqual({ ...about, money: { amount: 4200n, currency: "usd" } });
    expect(await subject("refund.failed", { ...ours, status: "failed" })).toEqual({ ...about, money: null });
    expect(await subject("charge.refund.updated", ours)).toMatchObject(about);
  });

  test("a refund without our key, unless it is the release of what was never captured", async () => {
    const object = { ...refund, amount: 200, status: "succeeded", metadata: {} };
    const server = await always(200, { ...charge, amount_captured: 4000 });
    expect(await subject("refund.created", object, { url: server.url })).toEqual({ kind: "other" });
    expect(server.seen).toMatchObject([{ method: "GET", path: "/v1/charges/ch_9" }]);
    const other = { kind: "refund", refund: "re_1", key: null };
    expect(await subject("refund.created", { ...object, amount: 201 }, { url: server.url })).toMatchObject(other);
    const captured = await always(200, charge);
    expect(await subject("refund.created", object, { url: captured.url })).toMatchObject(other);
  });

  test("a refund, where Stripe cannot be asked whether it is a release", async () => {
    const broken = await always(500, errorBody("api_error"));
    const silent = await rawStripe(() => {});
    const object = { ...refund, status: "succeeded", metadata: {} };
    expect(await subject("refund.created", object, { url: broken.url })).toMatchObject({ kind: "refund", refund: "re_1" });
    expect(await send(eventOf("refund.created", object), { url: silent.url })).toMatchObject({ kind: "unknown" });
  });

  test.each([
    ["warning_needs_response", "warning"],
    ["warning_closed", "closed"],
    ["needs_response", "open"],
    ["under_review", "open"],
    ["appeal_needs_response", "open"],
    ["won", "won"],
    ["lost", "lost"],
    ["a_status_of_tomorrow", "open"],
  ])("a dispute: %s is %s", async (status, ours) => {
    const dispute = {
      id: "du_1",
      object: "dispute",
      amount: 4200,
      currency: "usd",
      payment_intent: "pi_1",
      reason: "product_not_received",
      evidence_details: { due_by: 1_800_500_000 },
      payment_method_details: { card: { network_reason_code: "13.1" } },
      status,
    };
    expect(await subject("charge.dispute.updated", dispute)).toEqual({
      kind: "dispute",
      dispute: "du_1",
      payment: "pi_1",
      object: "pi_1",
      attemptId: null,
      chargeId: null,
      status: ours,
      reason: "product_not_received",
      networkCode: "13.1",
      money: { amount: 4200n, currency: "usd" },
      evidenceDueByMs: 1_800_500_000_000,
    });
  });

  test("a saved card that is gone, or has new data", async () => {
    const card = { id: "pm_1", object: "payment_method", card: { brand: "visa", exp_month: 8, exp_year: 2034 } };
    const about = { kind: "instrument", reference: "pm_1", brand: "visa", expires: { month: 8, year: 2034 } };
    expect(await subject("payment_method.detached", card)).toEqual({ ...about, change: "gone" });
    expect(await subject("payment_method.automatically_updated", card)).toEqual({ ...about, change: "updated" });
    expect(await subject("payment_method.updated", card)).toEqual({ ...about, change: "updated" });
    expect(await subject("payment_method.attached", card)).toEqual({ kind: "other" });
  });

  test.each([
    ["a customer", { id: "cus_1", object: "customer" }],
    ["nothing", null],
    ["something without an id", { object: "payment_intent" }],
  ])("%s: other", async (_name, object) => {
    expect(await subject("some.event", object)).toEqual({ kind: "other" });
  });
});
