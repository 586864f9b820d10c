import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { requestOf } from "../../../gateway/charges/attempt.ts";
import type { Attempt, Charge } from "../../../gateway/charges/charge.ts";
import { acceptCharges } from "../../../gateway/store/accept-charges.ts";
import { Call } from "../../../providers/contract/call.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, eventually, movedAt, reread } from "../../support/engine.ts";
import { overlaid } from "../charges/late-stage.ts";
import { acceptance, attemptId } from "../store/interleaving/rows.ts";
import { intentOf, paidIntent, stripeEvent, stripeOnly, WebhookStage } from "./webhook-stage.ts";

/** Called with what Stripe answered to a commit, before the gateway hears of it. */
let beforeAnswer: (() => Promise<void>) | null = null;
const tapped = (provider: Provider): Provider =>
  provider.id !== "stripe"
    ? provider
    : overlaid(provider, {
        commit: async (...args) => {
          const outcome = await provider.commit(...args);
          await beforeAnswer?.();
          return outcome;
        },
      });

let stage: WebhookStage;
beforeAll(async () => {
  stage = await WebhookStage.open({ wrap: tapped, chargeBudgetMs: 3_000 });
  await stage.allow("stripe", "up");
});
afterEach(() => {
  beforeAnswer = null;
  stage.engine.sandbox.clearFaults();
});
afterAll(() => stage.close());

const LATER = new Date("2090-01-01T00:00:00Z");

/** A charge in this state, whose Stripe attempt runs; it is due much later. */
async function chargeThatIs(status: string): Promise<{ id: string; attempt: { id: string; object: string } }> {
  const { id } = acceptance();
  await acceptCharges(stage.engine.db, [acceptance({ id, reference: null })]);
  const object = `pi_${id}`;
  await stage.rows("update attempts set object = $2 where charge_id = $1", id, object);
  await stage.rows(
    "update charges set status = $2, next_action_at = $3, amount_captured = case when $2 = 'succeeded' then 4200 else 0 end where id = $1",
    id,
    status,
    LATER,
  );
  return { id, attempt: { id: attemptId(id, 1), object } };
}

interface State {
  readonly status: string;
  readonly lease_no: number;
  readonly due: boolean;
  readonly marked: boolean;
}

async function stateOf(id: string, attempt = attemptId(id, 1)): Promise<State> {
  const [row] = await stage.rows<State>(
    `select c.status, c.lease_no, coalesce(c.next_action_at <= now(), false) as due, a.next_look_at is not null as marked
     from charges c join attempts a on a.charge_id = c.id where c.id = $1 and a.id = $2`,
    id,
    attempt,
  );
  return row as State;
}

describe("a webhook about a payment", () => {
  it.each(["processing", "in_doubt", "pending", "requires_action", "authorized"])(
    "makes a charge that is %s due, and writes no outcome",
    async (status) => {
      const { id, attempt } = await chargeThatIs(status);
      await stage.taken(
        stripeEvent(
          "payment_intent.payment_failed",
          intentOf({ id: id as Charge["id"] }, attempt, { status: "requires_payment_method", amount_received: 0 }),
        ),
      );
      expect(await stateOf(id)).toEqual({ status, lease_no: 1, due: true, marked: false });
    },
  );

  it.each(["deferred", "succeeded", "failed", "canceled"])("leaves a charge that is %s where it is", async (status) => {
    const { id, attempt } = await chargeThatIs(status);
    await stage.taken(stripeEvent("payment_intent.payment_failed", intentOf({ id: id as Charge["id"] }, attempt, { amount_received: 0 })));
    expect(await stateOf(id)).toEqual({ status, lease_no: 1, due: false, marked: false });
  });

  it.each([
    ["our attempt's id", (id: string) => paidIntent("pi_other_name", { metadata: { attempt_id: attemptId(id, 1) } }), false],
    ["the object alone", (id: string) => paidIntent(`pi_${id}`), true],
    ["our charge's id", (id: string) => paidIntent(`pi_${id}`, { metadata: { charge_id: id } }), true],
  ])("finds the charge by %s", async (_by, object, known) => {
    const { id } = await chargeThatIs("in_doubt");
    const event = stripeEvent("payment_intent.succeeded", object(id));
    await stage.taken(event);
    expect(await stateOf(id)).toMatchObject({ due: true });
    const [row] = await stage.rows<{ state: string }>("select state from provider_events where event = $1", event.id);
    // An object that is not the attempt's own is money that nobody knows, whatever it says of itself.
    expect(row?.state).toBe(known ? "handled" : "waiting");
  });

  it("of another provider's attempt means nothing", async () => {
    const { id, attempt } = await chargeThatIs("in_doubt");
    await stage.rows("update attempts set provider = 'paypal' where id = $1", attempt.id);
    await stage.taken(stripeEvent("payment_intent.succeeded", intentOf({ id: id as Charge["id"] }, attempt)));
    expect(await stateOf(id)).toMatchObject({ due: false });
  });

  it("that money moved marks a live attempt until it is approved, so that closing it does not lose the evidence", async () => {
    const { id, attempt } = await chargeThatIs("processing");
    await stage.taken(stripeEvent("payment_intent.succeeded", intentOf({ id: id as Charge["id"] }, attempt)));
    expect(await stateOf(id)).toMatchObject({ marked: true, lease_no: 1 });
  });

  it("that money moved at an attempt that was given up takes the right to begin another one from whoever holds the charge", async () => {
    const { id, attempt } = await chargeThatIs("processing");
    await stage.rows("update attempts set live = false, outcome = 'declined' where id = $1", attempt.id);
    const paid = () => stripeEvent("payment_intent.succeeded", intentOf({ id: id as Charge["id"] }, attempt));
    await stage.taken(paid());
    expect(await stateOf(id)).toMatchObject({ marked: true, lease_no: 2 });
    // The same evidence once more, before anybody has looked: whoever claimed meanwhile knows of it.
    await stage.taken(paid());
    expect(await stateOf(id)).toMatchObject({ marked: true, lease_no: 2 });
  });

  it("that says nothing of money leaves an attempt that was given up, and whoever holds its charge, in peace", async () => {
    const { id, attempt } = await chargeThatIs("processing");
    await stage.rows("update attempts set live = false, outcome = 'declined' where id = $1", attempt.id);
    await stage.taken(stripeEvent("payment_intent.payment_failed", intentOf({ id: id as Charge["id"] }, attempt, { amount_received: 0 })));
    expect(await stateOf(id)).toMatchObject({ marked: false, lease_no: 1 });
  });

  it("that is known to be approved marks nothing", async () => {
    const charge = await stage.paid();
    const attempt = charge.attempts[0] as Attempt;
    const before = await reread(stage.engine, charge);
    await stage.taken(stripeEvent("payment_intent.succeeded", intentOf(charge, attempt)));
    expect(await reread(stage.engine, charge)).toEqual(before);
  });
});

describe("money that a webhook tells of", () => {
  it("ends a doubt at once, by what Stripe says when it is asked", async () => {
    const { sandbox, charges, worker } = stage.engine;
    sandbox.setFault("stripe", { kind: "hang_after", operation: "commit" });
    sandbox.setFault("stripe", { kind: "500_before", operation: "lookup" });
    const { charge } = await charges.create(chargeInput({ tokens: stripeOnly() }));
    expect(charge.status).toBe("in_doubt");
    sandbox.clearFaults();
    await stage.rows("update charges set next_action_at = $2 where id = $1", charge.id, LATER);
    await stage.taken(stripeEvent("payment_intent.succeeded", intentOf(charge, charge.attempts[0] as Attempt)));
    expect((await reread(stage.engine, charge)).status).toBe("in_doubt");
    await worker.pass();
    await worker.idle();
    expect(await reread(stage.engine, charge)).toMatchObject({ status: "succeeded", amountCaptured: 4200n });
    expect(movedAt(sandbox, charge.id)).toEqual({ stripe: 4200n });
  });

  it("before our own answer is written is nothing new, once it is: one payment, one success", async () => {
    const held = Promise.withResolvers<void>();
    const at = Promise.withResolvers<void>();
    beforeAnswer = () => {
      at.resolve();
      return held.promise;
    };
    const input = chargeInput({ tokens: stripeOnly() });
    const creating = stage.engine.charges.create(input);
    await at.promise;
    const [row] = await stage.rows<{ id: string; charge_id: Charge["id"] }>(
      "select id, charge_id from attempts where charge_id = (select charge_id from idempotency_keys where key = $1)",
      input.idempotencyKey,
    );
    await stage.taken(
      stripeEvent("payment_intent.succeeded", intentOf({ id: row!.charge_id }, { id: row!.id, object: "pi_not_yet_known" })),
    );
    held.resolve();
    const { charge } = await creating;
    expect(charge).toMatchObject({ status: "succeeded", amountCaptured: 4200n, attempts: [{ nextLookAt: null }] });
    expect(movedAt(stage.engine.sandbox, charge.id)).toEqual({ stripe: 4200n });
    expect(await stage.told("charge.late_success", charge.id)).toEqual([]);
  });

  it("at an attempt that was given up, while the charge waits, is adopted", async () => {
    const { charge, first } = await givenUpAtStripe({ paypalToo: false });
    expect(charge.status).toBe("deferred");
    await paidLate(charge, first);
    await stage.taken(stripeEvent("payment_intent.succeeded", intentOf(charge, first)));
    await worked(charge, ({ status }) => status === "succeeded");
    expect(await reread(stage.engine, charge)).toMatchObject({ provider: "stripe", amountCaptured: 4200n });
    expect(movedAt(stage.engine.sandbox, charge.id)).toEqual({ stripe: 4200n });
    expect(await stage.told("charge.late_success", charge.id)).toMatchObject([{ data: { adopted: true } }]);
  });

  it("at an attempt that was given up, after another one was paid, goes back", async () => {
    const { charge, first } = await givenUpAtStripe({ paypalToo: true });
    expect(charge).toMatchObject({ status: "succeeded", provider: "paypal" });
    await paidLate(charge, first);
    expect(movedAt(stage.engine.sandbox, charge.id)).toEqual({ stripe: 4200n, paypal: 4200n });
    await stage.taken(stripeEvent("payment_intent.succeeded", intentOf(charge, first)));
    await worked(charge, () => movedAt(stage.engine.sandbox, charge.id).stripe === 0n);
    expect(await reread(stage.engine, charge)).toMatchObject({ status: "succeeded", provider: "paypal" });
    expect(movedAt(stage.engine.sandbox, charge.id)).toEqual({ stripe: 0n, paypal: 4200n });
  });
});

/** Stripe refused the connection of its attempt's commit step, which is proof; then it was PayPal's turn, or nobody's. */
async function givenUpAtStripe({ paypalToo }: { paypalToo: boolean }): Promise<{ charge: Charge; first: Attempt }> {
  const { charges, sandbox } = stage.engine;
  await stage.allow("paypal", "drain");
  sandbox.setFault("stripe", { kind: "refuse", operation: "commit", count: 1, delayMs: 60_000 });
  if (paypalToo) beforeAnswer = () => stage.allow("paypal", "up");
  const { charge } = await charges.create(chargeInput());
  beforeAnswer = null;
  const first = charge.attempts[0] as Attempt;
  expect(first).toMatchObject({ provider: "stripe", outcome: "not_sent", live: false, nextLookAt: null });
  sandbox.clearFaults("stripe");
  await sandbox.listening();
  return { charge, first };
}

/** Law 8's premise: what was given up is paid after all. */
async function paidLate(charge: Charge, attempt: Attempt): Promise<void> {
  const stripe = stage.engine.core.providers.get("stripe") as Provider;
  const commit = () =>
    stripe.commit(requestOf(charge, attempt), attempt.object as string, new Call({ clock: systemClock, timeoutMs: 5_000 }), {
      replay: false,
    });
  await eventually(commit, ({ kind }) => kind === "approved");
}

async function worked(charge: Charge, done: (now: Charge) => boolean): Promise<void> {
  const pass = async () => {
    await stage.engine.worker.pass();
    await stage.engine.worker.idle();
    return reread(stage.engine, charge);
  };
  await eventually(pass, done);
}

describe("a webhook about a refund", () => {
  async function refundThatIs(state: string): Promise<{ id: string; charge: Charge & { intent: string } }> {
    const charge = await stage.paid();
    const id = stage.engine.core.newId("op");
    await stage.rows(
      `insert into operations (id, account_id, charge_id, attempt_id, kind, state, provider_key, reference, amount, currency, captured,
        provider_reference, next_action_at, created_at, updated_at)
       values ($1, 'acct_default', $2, $3, 'refund', $4, $5, $6, 100, 'usd', true, $7, $8, now(), now())`,
      id,
      charge.id,
      charge.attempts[0]?.id,
      state,
      `${id}:key`,
      charge.intent,
      `re_${id}`,
      state === "succeeded" || state === "failed" ? null : LATER,
    );
    return { id, charge };
  }
  const refundObject = (charge: { intent: string }, id: string, key?: string) => ({
    id,
    object: "refund",
    amount: 100,
    currency: "usd",
    payment_intent: charge.intent,
    metadata: key === undefined ? {} : { operation_key: key },
    status: "failed",
  });
  const due = async (id: string) =>
    (
      await stage.rows<{ state: string; due: boolean }>(
        "select state, coalesce(next_action_at <= now(), false) as due from operations where id = $1",
        id,
      )
    )[0];
  afterEach(() => stage.rows("update operations set next_action_at = null"));

  it.each(["processing", "pending", "in_doubt", "deferred", "succeeded", "failed"])(
    "makes one that is %s due, and writes nothing else",
    async (state) => {
      const { id, charge } = await refundThatIs(state);
      await stage.taken(stripeEvent("refund.failed", refundObject(charge, `re_${id}`)));
      expect(await due(id)).toEqual({ state, due: true });
    },
  );

  it("finds one whose answer was lost by our key", async () => {
    const { id, charge } = await refundThatIs("in_doubt");
    await stage.rows("update operations set provider_reference = null where id = $1", id);
    await stage.taken(stripeEvent("refund.updated", refundObject(charge, "re_not_heard_of", `${id}:key`)));
    expect(await due(id)).toEqual({ state: "in_doubt", due: true });
  });

  it("that we did not make waits to be a finding, though the payment is ours", async () => {
    const charge = await stage.paid();
    const event = stripeEvent("refund.created", refundObject(charge, "re_by_hand"));
    await stage.taken(event);
    expect(await stage.rows("select state, charge_id from provider_events where event = $1", event.id)).toEqual([
      { state: "waiting", charge_id: charge.id },
    ]);
  });
});

describe("a webhook about an instrument", () => {
  it("marks it as gone in the stored payment methods, once", async () => {
    const id = stage.engine.core.newId("pm");
    await stage.rows(
      "insert into payment_methods (id, account_id, type, created_at, updated_at) values ($1, 'acct_default', 'card', now(), now())",
      id,
    );
    await stage.rows(
      `insert into payment_method_tokens (payment_method_id, provider, reference, token, created_at, updated_at)
       values ($1, 'stripe', 'pm_detached', '{}', now(), now())`,
      id,
    );
    const event = stripeEvent("payment_method.detached", { id: "pm_detached", object: "payment_method", card: { brand: "visa" } });
    await Promise.all([stage.taken(event), stage.taken(event)]);
    expect(await stage.rows("select state from payment_method_tokens where payment_method_id = $1", id)).toEqual([{ state: "gone" }]);
    expect(await stage.told("payment_method.token_gone")).toMatchObject([{ provider: "stripe", data: { payment_method: id } }]);
  });
});
