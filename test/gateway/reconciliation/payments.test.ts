import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Books, captured, DAY, FROM, HOUR, holding, NOON, NOW, paymentOf, refundRecord, strangePayment, TO } from "./books.ts";

let books: Books;
beforeAll(async () => {
  books = await Books.open();
});
beforeEach(() => books.reset());
afterAll(() => books.close());

/** A charge that both sides know. */
async function agreed() {
  const one = await books.charge();
  books.stripe.payments.push(paymentOf(one));
  return one;
}

const lookDue = async (attempt: string) =>
  (await books.sql<{ next_look_at: Date | null }>("select next_look_at from attempts where id = $1", [attempt]))[0]?.next_look_at !== null;

describe("what both sides have alike is no difference", () => {
  it("a captured charge, however the provider's record names it", async () => {
    await agreed();
    const byReference = await books.charge();
    const byCharge = await books.charge();
    books.stripe.payments.push(
      paymentOf(byReference, { attemptId: null, chargeId: null }),
      paymentOf(byCharge, { attemptId: null, createdAtMs: byCharge.at - 5_000 }),
    );
    expect(await books.differences()).toEqual([]);
    expect(books.stripe.asked).toEqual([]);
  });

  it("a hold of an authorized charge, and one that was captured by an operation", async () => {
    const held = await books.charge({ status: "authorized", reference: "auth_1" });
    const taken = await books.charge({ reference: "auth_2", provider: "paypal", object: "order_2" });
    await books.operation(taken, { kind: "capture", reference: "capture_2", amount: 4200n });
    books.stripe.payments.push(paymentOf(held, { state: "held", amount: 4200n }));
    books.paypal.payments.push(
      paymentOf(taken, { reference: "auth_2", state: "held" }),
      paymentOf(taken, { reference: "capture_2", object: null, attemptId: null, chargeId: null }),
    );
    expect(await books.differences()).toEqual([]);
    expect([...books.stripe.asked, ...books.paypal.asked]).toEqual([]);
  });

  it("what is under way, on either side, whatever the lists say", async () => {
    for (const status of ["processing", "in_doubt", "pending", "requires_action"]) {
      const one = await books.charge({ status, outcome: status === "processing" ? null : "unknown" });
      books.stripe.payments.push(paymentOf(one, { state: status === "pending" ? "pending" : "captured" }));
    }
    const capturing = await books.charge({ status: "authorized" });
    await books.operation(capturing, { kind: "capture", state: "in_doubt", amount: 4200n });
    const voiding = await books.charge({ status: "authorized" });
    await books.operation(voiding, { kind: "void", state: "deferred", amount: 4200n, captured: false });
    books.stripe.payments.push(paymentOf(capturing), paymentOf(voiding, { state: "held" }));
    expect(await books.differences()).toEqual([]);
  });

  it("a late success that went back, or is going back: it is known", async () => {
    for (const state of ["succeeded", "processing", "failed"] as const) {
      const one = await books.charge({ status: "failed", outcome: "declined", live: false });
      await books.operation(one, { kind: "compensate", state, amount: 4200n, reference: `re_${state}` });
      books.stripe.payments.push(paymentOf(one));
      books.stripe.refunds.push(refundRecord(`re_${state}`, { payment: one.reference, amount: 4200n, key: null }));
    }
    books.stripe.refunds.pop();
    expect(await books.differences()).toEqual([]);
  });

  it("money of other times: a window ends where it is said, by the provider's clock and by ours", async () => {
    books.stripe.payments.push(
      strangePayment("pi_before", { createdAtMs: FROM.getTime() - 1 }),
      strangePayment("pi_first", { createdAtMs: FROM.getTime() }),
      strangePayment("pi_last", { createdAtMs: TO.getTime() - 1 }),
      strangePayment("pi_after", { createdAtMs: TO.getTime() }),
    );
    for (const at of [FROM.getTime() - 1, FROM.getTime(), TO.getTime() - 1, TO.getTime()]) {
      const one = await books.charge({ at });
      books.stripe.looks.set(one.object, { kind: "fenced", object: one.object, decline: null });
    }
    const differences = await books.differences();
    expect(differences.map((text) => text.split(" ")[0])).toEqual([
      "missing_payment",
      "missing_payment",
      "unknown_payment",
      "unknown_payment",
    ]);
    expect(differences.slice(2)).toEqual(["unknown_payment stripe pi_first", "unknown_payment stripe pi_last"]);
  });

  it("a record from beyond the edge of the window is evidence all the same: clocks and objects differ", async () => {
    const early = await books.charge({ at: FROM.getTime() + 1_000 });
    const late = await books.charge({ at: TO.getTime() - 1_000 });
    books.stripe.payments.push(
      paymentOf(early, { createdAtMs: FROM.getTime() - HOUR }),
      paymentOf(late, { createdAtMs: TO.getTime() + HOUR }),
    );
    expect(await books.differences()).toEqual([]);
    expect(books.stripe.asked).toEqual([]);
    expect(books.stripe.queries[0]).toMatchObject({ fromMs: FROM.getTime() - 2 * HOUR, toMs: TO.getTime() + 4 * HOUR });
  });
});

describe("a payment that we do not know", () => {
  it("is found by the provider's record, with what it says", async () => {
    books.paypal.payments.push(strangePayment("capture_x", { object: "order_x", chargeId: "ch_of_nobody" }));
    expect(await books.differences()).toEqual(["unknown_payment paypal capture_x"]);
    expect((await books.open())[0]).toMatchObject({
      their_amount: 900n,
      our_amount: null,
      currency: "usd",
      charge_id: null,
      detail: { object: "order_x", named_charge: "ch_of_nobody", window_at: new Date(NOON).toISOString() },
    });
  });

  it("is no finding while it is minutes old: our own row may be on its way", async () => {
    books.nowMs = NOON + 60_000;
    books.stripe.payments.push(strangePayment("pi_young"));
    expect(await books.differences({ to: new Date(NOON + 30_000) })).toEqual([]);
    books.nowMs = NOW;
    expect(await books.differences({ to: new Date(NOON + 30_000) })).toEqual(["unknown_payment stripe pi_young"]);
  });

  it("of another account under the same name is not compared with the attempts of this one (law 12)", async () => {
    const foreign = await books.charge({ account: "another-account" });
    books.stripe.payments.push(paymentOf(foreign));
    expect(await books.differences()).toEqual([`unknown_payment stripe ${foreign.reference}`]);
    expect(books.stripe.asked).toEqual([]);
  });

  it("at an attempt that was given up is told, and the machine is made to look at it", async () => {
    const one = await books.charge({ status: "failed", outcome: "declined", live: false });
    books.stripe.payments.push(paymentOf(one));
    expect(await lookDue(one.attempt)).toBe(false);
    expect(await books.differences()).toEqual([`unknown_payment stripe ${one.reference}`]);
    expect((await books.open())[0]).toMatchObject({ charge_id: one.id, attempt_id: one.attempt, their_amount: 4200n });
    expect(await lookDue(one.attempt)).toBe(true);
  });

  it("that a person gave back at the provider is not given back again", async () => {
    const one = await books.charge({ status: "failed", outcome: "declined", live: false });
    books.stripe.payments.push(paymentOf(one));
    books.stripe.refunds.push(refundRecord("re_by_hand", { payment: one.reference, amount: 4200n }));
    expect(await books.differences()).toEqual([`unknown_payment stripe ${one.reference}`, "unknown_refund stripe re_by_hand"]);
    expect(await lookDue(one.attempt)).toBe(false);
  });
});

describe("a payment that the provider does not have", () => {
  it("is called missing only on the provider's firm word about this very payment", async () => {
    const words = {
      fenced: { kind: "fenced", object: "o", decline: null },
      unpaid: { kind: "unpaid", object: "o" },
      pending: { kind: "pending", reference: null, reason: "review" },
      requires_action: { kind: "requires_action", url: null },
      unknown: { kind: "unknown", cause: "unexpected", detail: "not found" },
    } as const;
    const ids: Record<string, string> = {};
    for (const [name, finding] of Object.entries(words)) {
      const one = await books.charge();
      ids[name] = one.reference;
      books.stripe.looks.set(one.object, finding);
    }
    const late = await books.charge();
    books.stripe.looks.set(late.object, captured(late.reference));
    const ended = await books.reconcile();
    expect((await books.open()).map(({ kind, subject }) => `${kind} ${subject}`).sort()).toEqual(
      [`missing_payment ${ids.fenced}`, `missing_payment ${ids.unpaid}`].sort(),
    );
    expect(ended).toMatchObject({ kind: "finished", report: { unverified: { count: 3 }, looked_up: 6 } });
  });

  it("is missing where the provider's own record says that no money moved, or only a hold is there", async () => {
    const none = await books.charge();
    const only = await books.charge();
    books.stripe.payments.push(paymentOf(none, { state: "none", amount: 0n }), paymentOf(only, { state: "held" }));
    books.stripe.looks.set(none.object, { kind: "unpaid", object: none.object });
    books.stripe.looks.set(only.object, holding(only.reference));
    expect(await books.differences()).toEqual([`missing_payment stripe ${none.reference}`, `missing_payment stripe ${only.reference}`]);
    expect((await books.open()).find(({ subject }) => subject === only.reference)).toMatchObject({
      our_amount: 4200n,
      detail: { found: "held" },
    });
  });

  it("is not called missing while the provider's list may be behind", async () => {
    const young = await books.charge({ at: NOW - HOUR });
    books.stripe.looks.set(young.object, { kind: "unpaid", object: young.object });
    expect(await books.differences({ to: new Date(NOW) })).toEqual([]);
    expect(books.stripe.asked).toEqual([]);
  });

  it("captured days after it was authorized, is compared by the day of its capture", async () => {
    const one = await books.charge({ at: DAY - 72 * HOUR, paidAt: NOON, reference: "auth_9" });
    await books.operation(one, { kind: "capture", reference: "capture_9", amount: 4200n });
    books.stripe.looks.set(one.object, { kind: "unpaid", object: one.object });
    expect(await books.differences({ from: new Date(DAY - 96 * HOUR), to: new Date(DAY - 24 * HOUR) })).toEqual([]);
    expect(await books.differences()).toEqual(["missing_payment stripe auth_9"]);
  });
});

describe("amounts", () => {
  it("that differ are a finding once the provider confirms its own", async () => {
    const more = await books.charge();
    const corrected = await books.charge();
    const silent = await books.charge();
    for (const one of [more, corrected, silent]) books.stripe.payments.push(paymentOf(one, { amount: 4300n }));
    books.stripe.looks.set(more.object, captured(more.reference, 4300n));
    books.stripe.looks.set(corrected.object, captured(corrected.reference, 4200n));
    const ended = await books.reconcile();
    expect(await books.open()).toMatchObject([
      { kind: "amount_differs", subject: more.reference, our_amount: 4200n, their_amount: 4300n, charge_id: more.id },
    ]);
    expect(ended).toMatchObject({ report: { unverified: { count: 1, first: [{ provider: "stripe", subject: silent.reference }] } } });
  });

  it("in another currency differ, whatever the numbers are", async () => {
    const one = await books.charge();
    books.stripe.payments.push(paymentOf(one, { currency: "eur" }));
    books.stripe.looks.set(one.object, captured(one.reference));
    expect(await books.differences()).toEqual([`amount_differs stripe ${one.reference}`]);
  });

  it("captured by hand at the provider, where we count only a hold", async () => {
    const one = await books.charge({ status: "authorized" });
    books.stripe.payments.push(paymentOf(one));
    books.stripe.looks.set(one.object, captured(one.reference));
    expect(await books.differences()).toEqual([`amount_differs stripe ${one.reference}`]);
    expect((await books.open())[0]).toMatchObject({ our_amount: 0n, their_amount: 4200n });
  });
});

describe("a charge that was paid twice", () => {
  it("at two providers: the payment that we do not count is the finding", async () => {
    const one = await agreed();
    await books.attempt({ id: one.id, attempt: "at_second", provider: "paypal", object: "order_2", outcome: "not_sent" });
    books.paypal.payments.push(paymentOf(one, { reference: "capture_2", object: "order_2", attemptId: "at_second" }));
    expect(await books.differences()).toEqual(["paid_twice paypal capture_2"]);
    expect((await books.open())[0]).toMatchObject({
      charge_id: one.id,
      detail: { counted: { provider: "stripe", reference: one.reference } },
    });
    expect(await lookDue("at_second")).toBe(true);
  });

  it("by two captures of one attempt", async () => {
    const one = await books.charge({ provider: "paypal", reference: "capture_1", object: "order_1" });
    books.paypal.payments.push(paymentOf(one), paymentOf(one, { reference: "capture_1b" }));
    expect(await books.differences()).toEqual(["paid_twice paypal capture_1b"]);
  });

  it("while it counts none of them: one is unknown, the other one is twice", async () => {
    const one = await books.charge({ status: "failed", outcome: "declined", live: false });
    await books.attempt({ id: one.id, attempt: "at_2nd", provider: "paypal", object: "order_2", outcome: "declined" });
    books.stripe.payments.push(paymentOf(one));
    books.paypal.payments.push(paymentOf(one, { reference: "capture_2", object: "order_2", attemptId: "at_2nd" }));
    expect(await books.differences()).toEqual(["paid_twice paypal capture_2", `unknown_payment stripe ${one.reference}`]);
  });

  it("is over when one of them was refunded in full", async () => {
    const one = await books.charge({ provider: "paypal", reference: "capture_1", object: "order_1" });
    books.paypal.payments.push(paymentOf(one), paymentOf(one, { reference: "capture_1b" }));
    books.paypal.refunds.push(refundRecord("re_1b", { payment: "capture_1b", amount: 4200n }));
    expect(await books.differences()).toEqual(["unknown_refund paypal re_1b"]);
  });
});

describe("a hold that no charge has", () => {
  it("of an attempt that was given up is told, and the machine is made to look at it", async () => {
    const failed = await books.charge({ status: "failed", outcome: "declined", live: false });
    const voided = await books.charge({ status: "canceled", outcome: "fenced", live: false });
    const released = await books.charge({ status: "canceled", outcome: "fenced", live: false });
    const silent = await books.charge({ status: "failed", outcome: "declined", live: false });
    for (const one of [failed, voided, released, silent]) books.stripe.payments.push(paymentOf(one, { state: "held", amount: 4200n }));
    books.stripe.looks.set(failed.object, holding(failed.reference));
    books.stripe.looks.set(voided.object, holding(voided.reference));
    books.stripe.looks.set(released.object, { kind: "fenced", object: released.object, decline: null });
    const ended = await books.reconcile();
    expect((await books.open()).map(({ kind, subject }) => `${kind} ${subject}`).sort()).toEqual([
      `orphan_hold ${failed.reference}`,
      `orphan_hold ${voided.reference}`,
    ]);
    expect(ended).toMatchObject({ report: { unverified: { count: 1 } } });
    expect(await lookDue(failed.attempt)).toBe(true);
    expect(await lookDue(released.attempt)).toBe(false);
  });

  it("of a charge that another provider is being asked for is left to the machine", async () => {
    const one = await books.charge({ status: "processing", outcome: null, provider: "paypal", object: "order_1" });
    await books.attempt({ id: one.id, attempt: "at_orphan", object: "pi_orphan", outcome: "unknown", at: NOON - 1 });
    await books.sql("update charges set updated_at = $2 where id = $1", [one.id, new Date(NOW - 60_000)]);
    books.stripe.payments.push(paymentOf(one, { reference: "pi_orphan", object: "pi_orphan", attemptId: "at_orphan", state: "held" }));
    books.stripe.looks.set("pi_orphan", holding("pi_orphan"));
    expect(await books.differences()).toEqual([]);
  });

  it("that we know nothing of at all is told", async () => {
    books.stripe.payments.push(strangePayment("pi_held", { state: "held" }));
    expect(await books.differences()).toEqual(["orphan_hold stripe pi_held"]);
  });
});
