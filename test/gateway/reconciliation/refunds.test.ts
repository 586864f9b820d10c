import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Books, captured, HOUR, NOON, NOW, paymentOf, refundRecord } from "./books.ts";

let books: Books;
beforeAll(async () => {
  books = await Books.open();
});
beforeEach(() => books.reset());
afterAll(() => books.close());

async function paid() {
  const one = await books.charge();
  books.stripe.payments.push(paymentOf(one));
  return one;
}

const declined = {
  kind: "declined",
  reason: "refund_failed",
  source: "provider",
  advice: "never",
  retryAfterS: null,
  providerCode: null,
  networkCode: null,
} as const;

describe("refunds that both sides have alike are no difference", () => {
  it("by our key, and by the provider's id of it", async () => {
    const one = await paid();
    const byKey = await books.operation(one, { reference: null, amount: 100n });
    const byReference = await books.operation(one, { reference: "re_2", amount: 200n });
    books.stripe.refunds.push(
      refundRecord("re_1", { key: byKey.id, amount: 100n, payment: one.reference }),
      refundRecord("re_2", { amount: byReference.amount, payment: one.reference }),
    );
    expect(await books.differences()).toEqual([]);
    expect(books.stripe.asked).toEqual([]);
  });

  it("nor is one that is under way on either side", async () => {
    const one = await paid();
    await books.operation(one, { state: "in_doubt", amount: 300n });
    await books.operation(one, { state: "processing", amount: 400n, reference: "re_late" });
    books.stripe.refunds.push(
      refundRecord("re_in_doubt", { amount: 300n, payment: one.reference }),
      refundRecord("re_late", { amount: 400n, payment: one.reference }),
      refundRecord("re_pending", { amount: 500n, payment: one.reference, state: "pending" }),
      refundRecord("re_failed", { amount: 600n, payment: one.reference, state: "failed" }),
    );
    expect(await books.differences()).toEqual([]);
  });

  it("nor what a void released: some processors list it as a refund", async () => {
    const one = await books.charge({ status: "canceled", outcome: "fenced", live: false });
    await books.operation(one, { kind: "void", captured: false, amount: 4200n });
    books.stripe.payments.push(paymentOf(one, { state: "none" }));
    books.stripe.refunds.push(refundRecord("re_void", { payment: one.reference, amount: 4200n }));
    expect(await books.differences()).toEqual([]);
  });
});

describe("a refund that we do not know", () => {
  it("was made at the provider: of a payment of ours, or of anything else", async () => {
    const one = await paid();
    books.stripe.refunds.push(refundRecord("re_hand", { payment: one.reference }), refundRecord("re_else", { payment: "pi_else" }));
    expect(await books.differences()).toEqual(["unknown_refund stripe re_else", "unknown_refund stripe re_hand"]);
    expect((await books.open()).find(({ subject }) => subject === "re_hand")).toMatchObject({ charge_id: one.id, their_amount: 1000n });
  });

  it("or one that we hold for failed", async () => {
    const one = await paid();
    const failed = await books.operation(one, { state: "failed", reference: "re_f" });
    books.stripe.refunds.push(refundRecord("re_f", { key: failed.id, payment: one.reference }));
    expect(await books.differences()).toEqual(["unknown_refund stripe re_f"]);
    expect((await books.open())[0]).toMatchObject({ operation_id: failed.id, detail: { ours_state: "failed" } });
  });

  it("is resolved by itself once our books have it", async () => {
    const one = await paid();
    books.stripe.refunds.push(refundRecord("re_late", { payment: one.reference }));
    expect(await books.differences()).toEqual(["unknown_refund stripe re_late"]);
    await books.operation(one, { reference: "re_late" });
    books.nowMs += HOUR;
    expect(await books.differences()).toEqual([]);
    expect(await books.open("resolved")).toMatchObject([{ closed_by: "system:reconciliation" }]);
  });
});

describe("a refund that the provider does not have", () => {
  it("is called missing only when the provider firmly says so of this very refund", async () => {
    const one = await paid();
    const gone = await books.operation(one, { reference: "re_gone", amount: 100n });
    const there = await books.operation(one, { reference: "re_there", amount: 200n });
    const silent = await books.operation(one, { reference: "re_silent", amount: 300n });
    books.stripe.looks.set(gone.id, declined);
    books.stripe.looks.set(there.id, captured("re_there", 200n));
    const ended = await books.reconcile();
    expect((await books.open()).map(({ kind, subject, operation_id }) => [kind, subject, operation_id])).toEqual([
      ["missing_refund", "re_gone", gone.id],
    ]);
    expect(ended).toMatchObject({ report: { unverified: { count: 1, first: [{ subject: silent.reference }] } } });
  });

  it("or its list says that it failed, and a look confirms it", async () => {
    const one = await paid();
    const failed = await books.operation(one, { reference: "re_bounced" });
    books.stripe.refunds.push(refundRecord("re_bounced", { payment: one.reference, state: "failed" }));
    books.stripe.looks.set(failed.id, declined);
    expect(await books.differences()).toEqual(["missing_refund stripe re_bounced"]);
  });

  it("is not missing while the list may be behind, nor when it went back by a void", async () => {
    const one = await paid();
    await books.operation(one, { at: NOW - HOUR, reference: "re_young" });
    const late = await books.charge({ status: "failed", outcome: "declined", live: false });
    await books.operation(late, { kind: "compensate", captured: false, amount: 4200n, reference: late.object });
    expect(await books.differences({ to: new Date(NOW) })).toEqual([]);
    expect(books.stripe.asked).toEqual([]);
  });

  it("is resolved on a later day, when the provider has it after all", async () => {
    const one = await paid();
    const back = await books.operation(one, { reference: "re_back" });
    books.stripe.looks.set(back.id, declined);
    expect(await books.differences()).toEqual(["missing_refund stripe re_back"]);
    books.stripe.looks.set(back.id, captured("re_back", 1000n));
    books.nowMs = NOW + 240 * HOUR;
    expect(await books.differences({ from: new Date(NOW + 192 * HOUR), to: new Date(NOW + 216 * HOUR) })).toEqual([]);
  });
});

it("a refund of another amount is a finding of its own", async () => {
  const one = await paid();
  const ours = await books.operation(one, { reference: "re_1" });
  books.stripe.refunds.push(refundRecord("re_1", { key: ours.id, payment: one.reference, amount: 900n, createdAtMs: NOON + 5 }));
  expect(await books.differences()).toEqual(["amount_differs stripe re_1"]);
  expect((await books.open())[0]).toMatchObject({ our_amount: 1000n, their_amount: 900n, operation_id: ours.id });
});
