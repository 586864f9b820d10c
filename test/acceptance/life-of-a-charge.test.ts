import pg from "pg";
import Stripe from "stripe";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Receiver, startReceiver, verifies } from "../gateway/webhooks-out/receiver.ts";
import { type Answer, ask, type ChargeJson, inParallel, readCharge } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { startWorld, until, type World } from "./harness.ts";

const STRIPE_SECRET = "whsec_of_the_acceptance_tests";
const TOKENS = {
  stripe: { stripe: { customer: "cus_life", payment_method: "pm_card_visa" } },
  paypal: { paypal: { vault_id: "vault-life", source: "card" } },
};

/** A worker's turn, a webhook or two: quick, but for a machine that is busy with something else. What is matched late takes two minutes. */
const PATIENCE_MS = 240_000;
/** Of a test that waits several times. */
const LONG_MS = 900_000;

const AGE_MS = 30 * 60_000;

let world: World;
let first: Gateway;
let second: Gateway;
let receiver: Receiver;
let secret: string;
beforeAll(async () => {
  const env = { STRIPE_WEBHOOK_SECRET: STRIPE_SECRET, WEBHOOK_ALLOW_PRIVATE: "on", PROVIDER_TIMEOUT_MS: "4000", CHARGE_BUDGET_MS: "9000" };
  // The processors' clocks are behind, and our books are made as old (`age`): what is younger than ten minutes is not compared.
  world = await startWorld({ redis: true, env, sandbox: { now: () => Date.now() - AGE_MS } });
  [first, second] = await Promise.all([world.start(), world.start()]);
  world.sandbox.setWebhookEndpoint("stripe", { url: `${first.url}/webhooks/stripe`, secret: STRIPE_SECRET });
  receiver = await startReceiver();
  const body = { url: receiver.url, events: ["charge.*", "refund.*", "dispute.*"] };
  secret = (await said<{ secret: string }>(201, ask(second.url, "POST /v1/webhook-endpoints", { body }))).secret;
});
afterAll(async () => {
  await receiver.close();
  await world.close();
});

/** The body of an answer that must have this status. */
async function said<Body>(status: number, answer: Promise<Answer<unknown>>): Promise<Body> {
  const { status: is, text, body } = await answer;
  if (is !== status) throw new Error(`${is} instead of ${status}: ${text}`);
  return body as Body;
}

function create(key: string, body: Readonly<Record<string, unknown>>): Promise<ChargeJson> {
  return said(201, ask(first.url, "POST /v1/charges", { key, body: { currency: "usd", ...body } }));
}

function refund(url: string, key: string, charge: string, amount: number): Promise<Answer<Record<string, unknown>>> {
  return ask(url, "POST /v1/refunds", { key, body: { charge, amount } });
}

/** What the processors have on a charge: `capture 4000`. */
function booked(charge: string): string[] {
  return world.sandbox.ledger().flatMap(({ chargeId, type, amount }) => (chargeId === charge ? [`${type} ${amount}`] : []));
}

type Told = { type: string; data: { charge: string | null } };

/** What the receiver was told of a charge, in order of arrival. */
function told(charge: string): Told[] {
  return receiver.got.map(({ body }) => JSON.parse(body) as Told).filter(({ data }) => data.charge === charge);
}

async function eventsOf(charge: string): Promise<Told[]> {
  const events: Told[] = [];
  for (let after = "0"; ; ) {
    type Page = { data: Told[]; has_more: boolean; next_cursor: string };
    const page = await said<Page>(200, ask(second.url, `GET /v1/events?after=${after}&limit=100`));
    events.push(...page.data.filter(({ data }) => data.charge === charge));
    if (!page.has_more) return events;
    after = page.next_cursor;
  }
}

it.each([
  { provider: "stripe", currency: "eur" },
  { provider: "paypal", currency: "gbp" },
] as const)(
  "$provider: held, captured in part, given back in two parts and no cent more; told in order, counted, and in agreement",
  {
    timeout: LONG_MS,
  },
  async ({ provider, currency }) => {
    const stored = { ...TOKENS[provider], type: "card", brand: "visa", country: "US", exp_month: 12, exp_year: 2030 };
    const { id: payment_method } = await said<{ id: string }>(201, ask(first.url, "POST /v1/payment-methods", { body: stored }));
    const wish = { amount: 4_200, currency, reference: `order-${provider}`, payment_method, capture: "manual" };
    const { id, status } = await create(`hold-${provider}`, wish);
    expect(status).toBe("authorized");
    const capture = { key: `capture-${provider}`, body: { amount: 4_000 } };
    const captured = await said<ChargeJson>(200, ask(second.url, `POST /v1/charges/${id}/capture`, capture));
    expect(captured).toMatchObject({ status: "succeeded", provider, amount_captured: 4_000 });
    for (const [url, amount] of [[first.url, 1_500] as const, [second.url, 2_000] as const]) {
      const { status, body } = await refund(url, `back-${provider}-${amount}`, id, amount);
      expect([status, body.status, body.amount]).toEqual([201, "succeeded", amount]);
    }
    const tooMuch = await refund(first.url, `back-${provider}-501`, id, 501);
    expect([tooMuch.status, tooMuch.body.code, tooMuch.body.money]).toEqual([409, "refund_exceeds_captured", "none"]);
    expect(await readCharge(first.url, id)).toMatchObject({ status: "succeeded", amount_captured: 4_000, amount_refunded: 3_500 });
    expect(booked(id)).toEqual(["authorize 4200", "capture 4000", "refund 1500", "refund 2000"]);

    const refunds = ["refund.created", "refund.succeeded", "refund.created", "refund.succeeded"];
    const arrived = await until(
      () => told(id),
      (events) => events.length >= 7,
    );
    expect(arrived.map(({ type }) => type)).toEqual(["charge.authorized", "charge.succeeded", "charge.captured", ...refunds]);
    expect(await eventsOf(id)).toEqual(arrived);
    for (const received of receiver.got) expect(verifies(received, secret)).toBe(true);

    const stats = await said<{ data: { currency: string }[] }>(200, ask(first.url, "GET /v1/routing/stats?group_by=provider,currency"));
    expect(stats.data.filter((row) => row.currency === currency)).toMatchObject([
      { provider, attempts: 1, approved: 1, charges_succeeded: 1, amount_succeeded: 4_000, refunds_succeeded: 2, amount_refunded: 3_500 },
    ]);
  },
);

/** A run over the last hour, and what is open after it. */
async function reconciled() {
  const body = { from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date().toISOString() };
  type Run = { id: string; state: string; report: object };
  const { id } = await said<Run>(202, ask(first.url, "POST /v1/reconciliation/runs", { body }));
  const read = () => said<Run>(200, ask(second.url, `GET /v1/reconciliation/runs/${id}`));
  const run = await until(read, ({ state }) => state === "finished" || state === "failed");
  const open = await said<{ data: object[] }>(200, ask(first.url, "GET /v1/reconciliation?state=open"));
  return { run, open: open.data };
}

/** As if it had been half an hour ago. */
async function age(): Promise<void> {
  const client = new pg.Client({ connectionString: world.env.DATABASE_URL });
  await client.connect();
  const ago = `- interval '${AGE_MS} milliseconds'`;
  await client.query(`update charges set created_at = created_at ${ago}, updated_at = updated_at ${ago}`);
  await client.query(`update attempts set started_at = started_at ${ago}, finished_at = finished_at ${ago}`);
  await client.query(`update operations set created_at = created_at ${ago}, updated_at = updated_at ${ago}`);
  await client.end();
}

function stripe(): Stripe {
  const { hostname, port } = new URL(world.sandbox.stripeUrl);
  return new Stripe("sk_test_sandbox", { host: hostname, port: Number(port), protocol: "http", telemetry: false });
}

it("reconciliation finds nothing to say about them, and one payment that was made at Stripe by hand", { timeout: LONG_MS }, async () => {
  await age();
  const agreed = await reconciled();
  expect(agreed).toMatchObject({ run: { state: "finished", report: { findings: { seen: 0 } } }, open: [] });
  expect(agreed.run.report).toMatchObject({ records: { "stripe.payments": 1, "stripe.refunds": 2, "paypal.payments": 1 } });
  const intent = { amount: 700, currency: "usd", payment_method: "pm_card_visa", confirm: true, off_session: true };
  const byHand = await stripe().paymentIntents.create(intent);
  const differs = await reconciled();
  expect(differs.open).toMatchObject([{ kind: "unknown_payment", provider: "stripe", subject: byHand.id, their_amount: 700 }]);
});

it("a dispute that Stripe tells of stops refunds until it is won", { timeout: LONG_MS }, async () => {
  // Later than the answer to the payment, as disputes come; one that is quicker is matched a minute after.
  world.sandbox.setWebhookMood("stripe", { delayMs: 1_000 });
  const token = { stripe: { customer: "cus_d", payment_method: "pm_card_createDispute" }, type: "card" };
  const { id } = await create("disputed", { amount: 5_000, payment_method: token });
  type Disputed = ChargeJson & { disputed: boolean; disputes: { status: string; provider_dispute: string }[] };
  const read = () => said<Disputed>(200, ask(second.url, `GET /v1/charges/${id}`));
  const disputed = await until(read, (seen) => seen.disputed, PATIENCE_MS);
  const refused = await refund(second.url, "back-disputed", id, 1_000);
  expect([refused.status, refused.body.code]).toEqual([409, "charge_disputed"]);
  expect(booked(id)).not.toContain("refund 1000");
  const [dispute] = (await stripe().disputes.list({ payment_intent: disputed.provider_reference! })).data;
  await stripe().disputes.update(dispute!.id, { evidence: { uncategorized_text: "winning_evidence" }, submit: true });
  await until(read, (seen) => !seen.disputed, PATIENCE_MS);
  const given = await refund(second.url, "back-won", id, 1_000);
  expect([given.status, given.body.status]).toEqual([201, "succeeded"]);
  const types = await until(
    () => told(id).map(({ type }) => type),
    (seen) => seen.includes("refund.succeeded"),
  );
  expect(types.filter((type) => type !== "dispute.updated")).toEqual([
    ...["charge.succeeded", "dispute.opened", "dispute.won"],
    ...["refund.created", "refund.succeeded"],
  ]);
});

it.each(["stripe", "paypal"] as const)(
  "%s: fifty at once want 10.00 of 100.00 back, at two gateways: ten get it",
  {
    timeout: LONG_MS,
  },
  async (provider) => {
    const { id } = await create(`hundred-${provider}`, { amount: 10_000, payment_method: TOKENS[provider] });
    const wishes = Array.from({ length: 50 }, (_, n) => n);
    const wish = (n: number) => refund([first.url, second.url][n % 2]!, `ten-of-${provider}-${n}`, id, 1_000);
    // Who is told to come again, or that it is not decided yet, comes again with the same key.
    const isDecided = ({ status, body }: Answer<Record<string, unknown>>) => status === 201 || body.code === "refund_exceeds_captured";
    const answers = await Promise.all(wishes.map((n) => until(() => wish(n), isDecided, PATIENCE_MS)));
    const heard = answers.map(({ status, body }) => `${status} ${status === 201 ? body.status : body.code}`);
    expect(heard.filter((one) => one === "201 succeeded")).toHaveLength(10);
    expect(heard.filter((one) => one === "409 refund_exceeds_captured")).toHaveLength(40);
    expect(booked(id)).toEqual(["capture 10000", ...Array<string>(10).fill("refund 1000")]);
    expect(await readCharge(second.url, id)).toMatchObject({ amount_refunded: 10_000 });
  },
);

it("captures and refunds that a killed gateway had sent are finished by the other one, each exactly once", {
  timeout: LONG_MS,
}, async () => {
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
  const tokens = (n: number) => (n % 2 === 0 ? TOKENS.stripe : TOKENS.paypal);
  const make = (name: string, capture: string) =>
    inParallel(numbers, 4, (n) => create(`${name}-${n}`, { amount: 3_000 + n, payment_method: tokens(n), capture }));
  const held = await make("killed-hold", "manual");
  const paid = await make("killed-paid", "automatic");
  for (const provider of ["stripe", "paypal"] as const) {
    for (const operation of ["capture", "refund"] as const) world.sandbox.setFault(provider, { kind: "hang_after", operation });
  }
  const captureAt = (url: string, n: number) =>
    ask<{ status: string }>(url, `POST /v1/charges/${held[n]!.id}/capture`, { key: `killed-capture-${n}`, body: { amount: 2_000 } });
  const refundAt = (url: string, n: number) => refund(url, `killed-refund-${n}`, paid[n]!.id, 1_000);
  const mine = new Set([...held, ...paid].map(({ id }) => id));
  const executed = () =>
    world.sandbox
      .ledger()
      .filter(({ chargeId, type, amount }) => mine.has(chargeId) && ["capture 2000", "refund 1000"].includes(`${type} ${amount}`)).length;
  const hungUp = numbers
    .flatMap((n) => [captureAt(first.url, n), refundAt(first.url, n)])
    .map((answer) => answer.then(String, () => "no answer"));
  await until(executed, (count) => count >= 4);
  await first.kill9();
  world.sandbox.clearFaults();
  expect(await Promise.all(hungUp)).toContain("no answer");

  const toldInTheEnd = await inParallel(numbers, 8, async (n) => {
    const captured = await until(
      () => captureAt(second.url, n),
      ({ status }) => status === 200,
      PATIENCE_MS,
    );
    const back = await until(
      () => refundAt(second.url, n),
      ({ status }) => status === 201,
      PATIENCE_MS,
    );
    return [captured.body.status, back.body.status];
  });
  expect(toldInTheEnd).toEqual(numbers.map(() => ["succeeded", "succeeded"]));
  for (const n of numbers) {
    expect(booked(held[n]!.id)).toEqual([`authorize ${3_000 + n}`, "capture 2000"]);
    expect(booked(paid[n]!.id)).toEqual([`capture ${3_000 + n}`, "refund 1000"]);
  }
});
