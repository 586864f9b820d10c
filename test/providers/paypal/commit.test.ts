import { afterEach, describe, expect, test } from "vitest";
import type { Outcome } from "../../../providers/contract/outcome.ts";
import {
  attempt,
  CLIENT_SECRET,
  capture,
  captured,
  found,
  inTurn,
  newCall,
  ORDER,
  order,
  type Reply,
  refusal,
  type ScriptedPayPal,
  scriptedPayPal,
  TOKEN,
} from "./scripted-paypal.ts";

let paypal: ScriptedPayPal;
afterEach(() => paypal.close());

/** Commits against `answers`, one for each request, the last one for all that follow. */
async function commit(answers: readonly Reply[], options: { replay?: boolean; manual?: boolean; token?: object } = {}): Promise<Outcome> {
  paypal = await scriptedPayPal(inTurn(...answers));
  const request = {
    ...attempt,
    ...(options.manual ? { capture: "manual" as const } : {}),
    ...(options.token ? { token: options.token } : {}),
  };
  const outcome = await paypal.provider().commit(request, ORDER, newCall(2_000), { replay: options.replay ?? false });
  const text = JSON.stringify(outcome, (_, value) => (typeof value === "bigint" ? String(value) : value));
  expect(text).not.toContain(TOKEN);
  expect(text).not.toContain(CLIENT_SECRET);
  expect("detail" in outcome ? outcome.detail.length : 0).toBeLessThanOrEqual(300);
  return outcome;
}

const ok = (body: object): Reply => ({ status: 201, body });
const approved = { kind: "approved", reference: "3C679366HH908993F", amount: 4_200n, captured: true };

describe("the request", () => {
  test("captures with the card, its own key and the full representation", async () => {
    expect(await commit([ok(captured("COMPLETED"))])).toEqual(approved);
    expect(paypal.requests[0]).toMatchObject({
      method: "POST",
      path: `/v2/checkout/orders/${ORDER}/capture`,
      headers: { "paypal-request-id": "at_1:commit", prefer: "return=representation", "content-type": "application/json" },
      body: {
        payment_source: {
          card: {
            vault_id: "8kk845",
            stored_credential: { payment_initiator: "MERCHANT", payment_type: "UNSCHEDULED", usage: "SUBSEQUENT" },
          },
        },
      },
    });
  });

  test("captures with the wallet by default", async () => {
    await commit([ok(captured("COMPLETED"))], { token: { vault_id: "wallet1" } });
    expect(paypal.requests[0]?.body).toEqual({
      payment_source: {
        paypal: {
          vault_id: "wallet1",
          stored_credential: { payment_initiator: "MERCHANT", usage: "SUBSEQUENT", usage_pattern: "UNSCHEDULED_POSTPAID" },
        },
      },
    });
  });

  test("authorizes only, when the capture is manual", async () => {
    const hold = { id: "0AW2184448108334S", status: "CREATED", amount: { currency_code: "USD", value: "42.00" }, custom_id: "at_1" };
    const outcome = await commit([ok(order("COMPLETED", { authorizations: [hold] }))], { manual: true });
    expect(outcome).toEqual({ kind: "approved", reference: "0AW2184448108334S", amount: 4_200n, captured: false });
    expect(paypal.requests[0]?.path).toBe(`/v2/checkout/orders/${ORDER}/authorize`);
  });
});

describe("the capture decides, not the order", () => {
  test.each<[string, object, object]>([
    [
      "PENDING",
      { status_details: { reason: "PENDING_REVIEW" } },
      { kind: "pending", reference: approved.reference, reason: "pending_review" },
    ],
    ["REFUNDED", {}, approved],
    ["PARTIALLY_REFUNDED", {}, approved],
    [
      "DECLINED",
      { processor_response: { response_code: "5120" } },
      { kind: "declined", reason: "insufficient_funds", advice: "same_later", providerCode: "5120" },
    ],
    ["DECLINED", { processor_response: { response_code: "0500", payment_advice_code: "21" } }, { advice: "never", networkCode: "21" }],
    ["DECLINED", { processor_response: { response_code: "5200" } }, { kind: "unknown", cause: "duplicate_invoice" }],
    ["DECLINED", { processor_response: { response_code: "ZZZZ" } }, { kind: "declined", reason: "generic_decline", advice: "never" }],
    ["DECLINED", {}, { kind: "declined", reason: "generic_decline", advice: "never", providerCode: null }],
  ])("%s %j", async (status, extra, expected) => {
    expect(await commit([ok(captured(status, extra))])).toMatchObject(expected);
    expect(paypal.requests).toHaveLength(1);
  });

  test.each<[string, object, object]>([
    ["FAILED", capture("FAILED"), { kind: "declined", reason: "processor_error", advice: "never", source: "provider" }],
    ["FAILED", capture("COMPLETED"), approved],
    ["SOMETHING_NEW", capture("DECLINED"), { kind: "declined" }],
    ["SOMETHING_NEW", capture("SOMETHING_NEW"), { kind: "unknown", cause: "unexpected" }],
    ["FAILED", capture("COMPLETED", { id: "OTHER" }), { kind: "unknown" }],
  ])("%s is looked at again: %j", async (status, again, expected) => {
    expect(await commit([ok(captured(status)), { status: 200, body: again }])).toMatchObject(expected);
    expect(paypal.requests[1]?.path).toBe("/v2/payments/captures/3C679366HH908993F");
  });

  test("a capture that stays unclear because the second look fails is in doubt", async () => {
    expect(await commit([ok(captured("FAILED")), "reset"])).toMatchObject({ kind: "unknown" });
  });

  test("a minimal answer without captures is looked up", async () => {
    expect(await commit([ok({ id: ORDER, status: "COMPLETED" }), { status: 200, body: captured("DECLINED") }])).toMatchObject({
      kind: "declined",
    });
    expect(paypal.requests[1]?.path).toBe(`/v2/checkout/orders/${ORDER}`);
  });

  test("of several captures a completed one wins, then a pending one", async () => {
    const several = (...statuses: string[]) => ok(order("COMPLETED", { captures: statuses.map((status) => capture(status)) }));
    expect(await commit([several("DECLINED", "PENDING", "COMPLETED")])).toMatchObject({ kind: "approved" });
    await paypal.close();
    expect(await commit([several("DECLINED", "PENDING")])).toMatchObject({ kind: "pending" });
  });
});

test.each<[string, object]>([
  ["another amount", captured("COMPLETED", { amount: { currency_code: "USD", value: "41.99" } })],
  ["another currency", captured("COMPLETED", { amount: { currency_code: "EUR", value: "42.00" } })],
  ["no amount", captured("COMPLETED", { amount: undefined })],
  ["another attempt", captured("COMPLETED", { custom_id: "at_2" })],
  ["another charge", captured("COMPLETED", { invoice_id: "ch_2" })],
  ["no capture id", captured("COMPLETED", { id: undefined })],
  ["another order", { ...captured("COMPLETED"), id: "ANOTHER" }],
  ["an unpaid order", order("CREATED")],
  ["an order in a new state", order("SOMETHING_NEW")],
  ["another attempt's decline", captured("DECLINED", { custom_id: "at_2" })],
])("an answer with %s is in doubt", async (_name, body) => {
  expect(await commit([ok(body)])).toMatchObject({ kind: "unknown", cause: "unexpected" });
});

test.each([
  ["payer-action", "https://www.paypal.com/a"],
  ["approve", "https://www.paypal.com/b"],
])("a payer who must act is sent to the %s link", async (rel, href) => {
  const links = [
    { rel: "self", href: "https://api-m.paypal.com/x" },
    { rel, href },
  ];
  expect(await commit([ok(order("PAYER_ACTION_REQUIRED", null, { links }))])).toEqual({ kind: "requires_action", url: href });
  await paypal.close();
  const refused = { name: "UNPROCESSABLE_ENTITY", message: "", debug_id: "1", details: [{ issue: "PAYER_ACTION_REQUIRED" }], links };
  expect(await commit([{ status: 422, body: refused }])).toEqual({ kind: "requires_action", url: href });
});

test.each(["ORDER_NOT_APPROVED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING", "PAYER_ACTION_REQUIRED"])("422 %s", async (issue) => {
  expect(await commit([refusal(422, "UNPROCESSABLE_ENTITY", issue)])).toEqual({ kind: "requires_action", url: null });
});

describe("a firm no stays one, also on a replay", () => {
  test.each([
    ["INSTRUMENT_DECLINED", "other_provider"],
    ["PAYMENT_SOURCE_DECLINED_BY_PROCESSOR", "other_provider"],
    ["TRANSACTION_REFUSED", "other_provider"],
    ["PAYER_CANNOT_PAY", "other_provider"],
    ["COMPLIANCE_VIOLATION", "never"],
    ["TRANSACTION_BLOCKED_BY_PAYEE", "never"],
    ["PAYER_ACCOUNT_LOCKED_OR_CLOSED", "never"],
    ["PAYER_ACCOUNT_RESTRICTED", "never"],
    ["CARD_EXPIRED", "fix_data"],
    ["TOKEN_EXPIRED", "fix_data"],
    ["TOKEN_ID_NOT_FOUND", "fix_data"],
    ["AGREEMENT_ALREADY_CANCELLED", "fix_data"],
  ])("422 %s", async (issue, advice) => {
    const expected = { kind: "declined", advice, providerCode: issue, retryAfterS: null };
    for (const replay of [false, true]) {
      expect(await commit([refusal(422, "UNPROCESSABLE_ENTITY", issue)], { replay })).toMatchObject(expected);
      await paypal.close();
    }
  });
});

test.each<[string, string | undefined, object]>([
  ["TOKEN_ID_NOT_FOUND", "declined", { tokenGone: true }],
  ["TOKEN_EXPIRED", "declined", { tokenGone: true }],
  ["AGREEMENT_ALREADY_CANCELLED", "declined", { tokenGone: true }],
  ["BILLING_AGREEMENT_NOT_FOUND", "not_sent", { tokenGone: true, cause: "rejected" }],
  ["CARD_EXPIRED", "declined", {}],
  ["PAYMENT_SOURCE_CANNOT_BE_USED", "not_sent", {}],
])("422 %s says whether the token is gone for good", async (issue, kind, expected) => {
  const outcome = await commit([refusal(422, "UNPROCESSABLE_ENTITY", issue)]);
  expect(outcome).toMatchObject({ kind, ...expected });
  expect("tokenGone" in outcome).toBe("tokenGone" in expected);
});

describe("what was not executed is proof on the first send, and nothing on a replay", () => {
  test.each<[string, Reply, string, boolean]>([
    ["400", refusal(400, "INVALID_REQUEST", "MISSING_REQUIRED_PARAMETER"), "rejected", false],
    ["401", refusal(401, "AUTHENTICATION_FAILURE"), "unauthorized", true],
    ["403", refusal(403, "NOT_AUTHORIZED", "PERMISSION_DENIED"), "unauthorized", true],
    ["404", refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"), "rejected", false],
    ["422 PAYEE_ACCOUNT_RESTRICTED", refusal(422, "UNPROCESSABLE_ENTITY", "PAYEE_ACCOUNT_RESTRICTED"), "rejected", false],
    ["429", refusal(429, "RATE_LIMIT_REACHED"), "rate_limited", true],
  ])("%s", async (_name, reply, cause, fault) => {
    expect(await commit([reply])).toMatchObject({ kind: "not_sent", cause, fault });
    await paypal.close();
    expect(await commit([reply], { replay: true })).toMatchObject({ kind: "unknown" });
  });
});

describe("doubt that PayPal names", () => {
  test("a duplicate invoice is left to the caller, without a look", async () => {
    expect(await commit([refusal(422, "UNPROCESSABLE_ENTITY", "DUPLICATE_INVOICE_ID")])).toMatchObject({
      kind: "unknown",
      cause: "duplicate_invoice",
    });
    expect(paypal.requests).toHaveLength(1);
  });

  const conflict = refusal(422, "UNPROCESSABLE_ENTITY", "ORDER_ALREADY_CAPTURED");
  const running = refusal(409, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS");
  const completing = refusal(422, "UNPROCESSABLE_ENTITY", "ORDER_COMPLETION_IN_PROGRESS");
  test.each<[string, Reply, Reply, object]>([
    ["captured, and paid", conflict, found(captured("COMPLETED")), approved],
    ["captured, and pending", conflict, found(captured("PENDING")), { kind: "pending" }],
    ["captured, and declined", conflict, found(captured("DECLINED")), { kind: "declined" }],
    ["captured, but unpaid", conflict, found(order("CREATED")), { kind: "unknown", cause: "conflict" }],
    ["captured, but another's", conflict, found(captured("COMPLETED", { custom_id: "at_9" })), { kind: "unknown", cause: "conflict" }],
    ["captured, but not found", conflict, refusal(404, "RESOURCE_NOT_FOUND"), { kind: "unknown", cause: "conflict" }],
    ["captured, and the look is lost", conflict, "reset", { kind: "unknown", cause: "conflict" }],
    ["running, and paid", running, found(captured("COMPLETED")), approved],
    ["running, and declined so far", running, found(captured("DECLINED")), { kind: "unknown", cause: "in_progress" }],
    ["completing, and unpaid so far", completing, found(order("APPROVED")), { kind: "unknown", cause: "in_progress" }],
  ])("%s", async (_name, refused, looked, expected) => {
    expect(await commit([refused, looked])).toMatchObject(expected);
    expect(paypal.requests[1]).toMatchObject({ method: "GET", path: `/v2/checkout/orders/${ORDER}` });
  });

  test.each<[string, Reply]>([
    ["an issue that nobody taught us", refusal(422, "UNPROCESSABLE_ENTITY", "SOMETHING_NEW")],
    ["a decline beside an issue that nobody taught us", refusal(422, "UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED", "SOMETHING_NEW")],
    ["a decline beside doubt", refusal(422, "UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED", "DUPLICATE_INVOICE_ID")],
    ["a 422 without issues", refusal(422, "UNPROCESSABLE_ENTITY")],
    ["an unreadable issue", { status: 422, body: { name: "UNPROCESSABLE_ENTITY", details: [{ issue: "INSTRUMENT_DECLINED" }, "?"] } }],
    ["another status", refusal(418, "TEAPOT")],
  ])("%s is in doubt", async (_name, reply) => {
    expect(await commit([reply])).toMatchObject({ kind: "unknown" });
  });
});
