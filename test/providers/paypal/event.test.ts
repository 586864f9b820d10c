import { describe, expect, test } from "vitest";
import { readEvent } from "../../../providers/paypal/event.ts";

const dollars = { currency_code: "USD", value: "42.00" };
const money = { amount: 4200n, currency: "usd" };
const up = (href: string) => [
  { rel: "self", href: "https://api.paypal.com/x" },
  { rel: "up", href, method: "GET" },
];

function subjectOf(type: string, resource: unknown): unknown {
  return readEvent(JSON.stringify({ id: "WH-1", create_time: "2026-11-22T10:00:07.940Z", event_type: type, resource }))?.subject;
}

const capture = {
  id: "3C679366HH908993F",
  amount: dollars,
  custom_id: "at_1",
  invoice_id: "ch_1",
  supplementary_data: { related_ids: { order_id: "5O190127TN364715T" } },
};
const payment = { kind: "payment", object: "5O190127TN364715T", reference: capture.id, attemptId: "at_1", chargeId: "ch_1" };

describe("an event about a payment", () => {
  test.each([
    ["PAYMENT.CAPTURE.COMPLETED", money],
    ["PAYMENT.CAPTURE.PENDING", null],
    ["PAYMENT.CAPTURE.DENIED", null],
    ["PAYMENT.CAPTURE.DECLINED", null],
    ["PAYMENT.AUTHORIZATION.CREATED", money],
    ["PAYMENT.AUTHORIZATION.VOIDED", null],
  ])("%s names it, and the money only where it moved", (type, moved) => {
    expect(subjectOf(type, capture)).toEqual({ ...payment, money: moved });
  });

  test("finds the order in its links", () => {
    const { supplementary_data: _, ...bare } = capture;
    const links = up("https://api.paypal.com/v2/checkout/orders/5O190127TN364715T");
    expect(subjectOf("PAYMENT.CAPTURE.COMPLETED", { ...bare, links })).toEqual({ ...payment, money });
    expect(subjectOf("PAYMENT.CAPTURE.COMPLETED", bare)).toEqual({ ...payment, object: null, money });
  });

  test("that is an order says nothing about money, also when it is COMPLETED", () => {
    const order = {
      id: "5O190127TN364715T",
      purchase_units: [{ custom_id: "at_1", invoice_id: "ch_1", payments: { captures: [capture] } }],
    };
    for (const type of ["CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED"]) {
      expect(subjectOf(type, order)).toEqual({ ...payment, reference: null, money: null });
    }
    expect(subjectOf("CHECKOUT.PAYMENT-APPROVAL.REVERSED", { order_id: "5O1", purchase_units: [] })).toMatchObject({
      object: "5O1",
      attemptId: null,
    });
  });

  test("of another shop on the account has ids that are not ours, or none that can be read", () => {
    const odd = { ...capture, custom_id: "a b\n", invoice_id: 7, amount: { currency_code: "XXX", value: "1.00" } };
    expect(subjectOf("PAYMENT.CAPTURE.COMPLETED", odd)).toEqual({ ...payment, attemptId: null, chargeId: null, money: null });
  });
});

describe("an event about a refund", () => {
  const refund = {
    id: "1JU08902781691411",
    amount: dollars,
    custom_id: "re_1:refund",
    invoice_id: "ch_1",
    links: up("https://api.paypal.com/v2/payments/captures/3C679366HH908993F"),
  };

  test.each([
    "PAYMENT.CAPTURE.REFUNDED",
    "PAYMENT.CAPTURE.REVERSED",
    "PAYMENT.REFUND.PENDING",
    "PAYMENT.REFUND.FAILED",
    "PAYMENT.REFUND.COMPLETED",
  ])("%s names the refund, our key and the capture above it", (type) => {
    expect(subjectOf(type, refund)).toEqual({ kind: "refund", refund: refund.id, payment: "3C679366HH908993F", key: "re_1:refund", money });
  });

  test("whose resource is the capture itself is about the payment", () => {
    expect(subjectOf("PAYMENT.CAPTURE.REVERSED", capture)).toEqual({ ...payment, money: null });
  });
});

describe("an event about a dispute", () => {
  const dispute = {
    dispute_id: "PP-D-27803",
    reason: "UNAUTHORISED",
    status: "WAITING_FOR_SELLER_RESPONSE",
    dispute_life_cycle_stage: "CHARGEBACK",
    dispute_amount: dollars,
    external_reason_code: "10.4",
    seller_response_due_date: "2026-12-02T10:00:00.000Z",
    disputed_transactions: [{ seller_transaction_id: "3C679366HH908993F", custom: "at_1", invoice_number: "ch_1" }],
  };

  test("names the payment, the reason in our words, and until when one may answer", () => {
    expect(subjectOf("CUSTOMER.DISPUTE.CREATED", dispute)).toEqual({
      kind: "dispute",
      dispute: "PP-D-27803",
      payment: "3C679366HH908993F",
      object: null,
      attemptId: "at_1",
      chargeId: "ch_1",
      status: "open",
      reason: "fraudulent",
      networkCode: "10.4",
      money,
      evidenceDueByMs: Date.parse("2026-12-02T10:00:00Z"),
    });
  });

  test.each([
    [{ status: "OPEN", dispute_life_cycle_stage: "INQUIRY" }, "warning"],
    [{ status: "WAITING_FOR_BUYER_RESPONSE", dispute_life_cycle_stage: "INQUIRY" }, "warning"],
    [{ status: "OPEN" }, "open"],
    [{ status: "UNDER_REVIEW" }, "open"],
    [{ status: "OTHER" }, "open"],
    [{ status: "SOMETHING_NEW", dispute_life_cycle_stage: undefined }, "open"],
    [{ status: "RESOLVED", dispute_outcome: { outcome_code: "RESOLVED_BUYER_FAVOUR" } }, "lost"],
    [{ status: "RESOLVED", dispute_outcome: { outcome_code: "ACCEPTED" } }, "lost"],
    [{ status: "RESOLVED", dispute_outcome: { outcome_code: "RESOLVED_SELLER_FAVOUR" } }, "won"],
    [{ status: "RESOLVED", dispute_outcome: { outcome_code: "DENIED" } }, "won"],
    [{ status: "RESOLVED", dispute_outcome: { outcome_code: "CANCELED_BY_BUYER" } }, "closed"],
    [{ status: "RESOLVED", dispute_outcome: { outcome_code: "RESOLVED_WITH_PAYOUT" } }, "closed"],
    [{ status: "RESOLVED" }, "closed"],
    [{ status: "RESOLVED", dispute_life_cycle_stage: "INQUIRY" }, "closed"],
  ])("%j is %s", (changes, status) => {
    expect(subjectOf("CUSTOMER.DISPUTE.UPDATED", { ...dispute, ...changes })).toMatchObject({ status });
  });

  test("with a reason that nobody taught us says it, and without an id it is about nothing", () => {
    expect(subjectOf("CUSTOMER.DISPUTE.CREATED", { ...dispute, reason: "A_NEW_ONE" })).toMatchObject({ reason: "a_new_one" });
    expect(subjectOf("CUSTOMER.DISPUTE.CREATED", { ...dispute, dispute_id: undefined })).toEqual({ kind: "other" });
  });
});

describe("an event about a saved instrument", () => {
  const card = { id: "8kk845", payment_source: { card: { brand: "VISA", last_digits: "1111", expiry: "2031-02" } } };

  test("that was deleted says that it is gone", () => {
    expect(subjectOf("VAULT.PAYMENT-TOKEN.DELETED", { id: "8kk845" })).toEqual({
      kind: "instrument",
      reference: "8kk845",
      change: "gone",
      brand: null,
      expires: null,
    });
  });

  test("that was updated says what is new", () => {
    expect(subjectOf("VAULT.PAYMENT-TOKEN.UPDATED", card)).toMatchObject({
      change: "updated",
      brand: "visa",
      expires: { month: 2, year: 2031 },
    });
  });

  test("that somebody asked to delete is not gone yet", () => {
    expect(subjectOf("VAULT.PAYMENT-TOKEN.DELETION-INITIATED", card)).toEqual({ kind: "other" });
    expect(subjectOf("VAULT.PAYMENT-TOKEN.CREATED", card)).toEqual({ kind: "other" });
  });
});

test.each(["BILLING.SUBSCRIPTION.CREATED", "PAYMENT.SALE.COMPLETED", "PAYMENTS.PAYMENT.CREATED", "INVOICING.INVOICE.PAID"])(
  "%s is about nothing of ours",
  (type) => {
    expect(subjectOf(type, capture)).toEqual({ kind: "other" });
  },
);

test.each([
  "no JSON",
  "[]",
  "null",
  JSON.stringify({ event_type: "PAYMENT.CAPTURE.COMPLETED", create_time: "2026-11-22T10:00:07Z", resource: capture }),
  JSON.stringify({ id: "WH-1", event_type: "x y", create_time: "2026-11-22T10:00:07Z" }),
  JSON.stringify({ id: "../1", event_type: "PAYMENT.CAPTURE.COMPLETED", create_time: "2026-11-22T10:00:07Z" }),
  JSON.stringify({ id: "WH-1", event_type: "PAYMENT.CAPTURE.COMPLETED", create_time: "yesterday" }),
])("%s is no event", (text) => {
  expect(readEvent(text)).toBeNull();
});
