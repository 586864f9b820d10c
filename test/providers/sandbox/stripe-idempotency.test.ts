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

const confirm = (id: string, idempotencyKey: string, params: Stripe.PaymentIntentConfirmParams = { off_session: true }) =>
  stripe.paymentIntents.confirm(id, params, { idempotencyKey });

describe("a Stripe idempotency key", () => {
  it("charges once however often it is sent, and says that it replays", async () => {
    const intent = await prepareIntent(stripe);
    const first = await confirm(intent.id, "commit");
    const again = await confirm(intent.id, "commit");
    expect(again.status).toBe("succeeded");
    expect(first.lastResponse.headers).not.toHaveProperty("idempotent-replayed");
    expect(again.lastResponse.headers).toMatchObject({ "idempotent-replayed": "true" });
    expect(moves(sandbox)).toHaveLength(1);
    expect(sandbox.requests().map((request) => request.executed)).toEqual([true, true, false]);
  });

  it("replays a create with the first answer, though the payment moved on", async () => {
    const create = () =>
      stripe.paymentIntents.create({ amount: 1, currency: "usd", payment_method: "pm_card_visa" }, { idempotencyKey: "p" });
    const intent = await create();
    await confirm(intent.id, "commit");
    expect(await create()).toMatchObject({ id: intent.id, status: "requires_confirmation" });
  });

  it("replays a decline as the same decline", async () => {
    const intent = await prepareIntent(stripe, "pm_card_visa_chargeDeclined");
    const errors = [await rejection(confirm(intent.id, "commit")), await rejection(confirm(intent.id, "commit"))];
    expect(errors.map((error) => error.statusCode)).toEqual([402, 402]);
    expect(errors[1]).toMatchObject({ headers: { "idempotent-replayed": "true" } });
  });

  it("is refused with other parameters and on another endpoint", async () => {
    const intent = await prepareIntent(stripe);
    await confirm(intent.id, "commit");
    const parameters = await rejection(confirm(intent.id, "commit", { off_session: true, payment_method: "pm_card_mastercard" }));
    expect(parameters).toMatchObject({ statusCode: 400, type: "StripeIdempotencyError" });
    const endpoint = await rejection(stripe.paymentIntents.cancel(intent.id, {}, { idempotencyKey: "commit" }));
    expect(endpoint).toMatchObject({ statusCode: 400, type: "StripeIdempotencyError" });
  });

  it("is not used up by what was refused before execution", async () => {
    const create = (amount: number) => stripe.paymentIntents.create({ amount, currency: "usd" }, { idempotencyKey: "p" });
    expect(await rejection(create(-1))).toMatchObject({ statusCode: 400 });
    expect((await create(100)).amount).toBe(100);
    const intent = await prepareIntent(stripe);
    sandbox.setFault("stripe", { kind: "429", count: 1 });
    expect(await rejection(confirm(intent.id, "commit"))).toMatchObject({ statusCode: 429 });
    expect((await confirm(intent.id, "commit")).status).toBe("succeeded");
  });

  it("is in use while the first request runs, and replays when that one has ended", async () => {
    const intent = await prepareIntent(stripe);
    sandbox.setFault("stripe", { kind: "hang_after", operation: "commit", count: 1 });
    const hanging = confirm(intent.id, "commit");
    await expect.poll(() => moves(sandbox)).toHaveLength(1);
    expect(await rejection(confirm(intent.id, "commit"))).toMatchObject({ statusCode: 409, code: "idempotency_key_in_use" });
    sandbox.clearFaults("stripe");
    // Its connection broke, and the SDK sent it again on its own.
    expect((await hanging).lastResponse.headers).toMatchObject({ "idempotent-replayed": "true" });
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("keeps a 500 as its answer for ever, whether or not the money moved", async () => {
    const before = await prepareIntent(stripe);
    const after = await prepareIntent(stripe);
    for (const [id, kind] of [[before.id, "500_before"] as const, [after.id, "500_after"] as const]) {
      sandbox.setFault("stripe", { kind, operation: "commit", count: 1 });
      expect(await rejection(confirm(id, `commit-${id}`))).toMatchObject({ statusCode: 500 });
      const replay = await rejection(confirm(id, `commit-${id}`));
      expect(replay).toMatchObject({ statusCode: 500, headers: { "idempotent-replayed": "true" } });
    }
    expect((await stripe.paymentIntents.retrieve(before.id)).status).toBe("requires_confirmation");
    expect((await stripe.paymentIntents.retrieve(after.id)).status).toBe("succeeded");
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("is a new request after 24 hours", async () => {
    const create = () => stripe.paymentIntents.create({ amount: 100, currency: "usd" }, { idempotencyKey: "p" });
    const first = await create();
    nowMs += 24 * 3_600_000 - 1;
    expect((await create()).id).toBe(first.id);
    nowMs += 1;
    expect((await create()).id).not.toBe(first.id);
  });
});
