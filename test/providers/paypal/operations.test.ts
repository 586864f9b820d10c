import { afterEach, expect, test } from "vitest";
import type { OperationRequest } from "../../../providers/contract/provider.ts";
import { capture, money, newCall, ORDER, order, type Reply, refusal, type ScriptedPayPal, scriptedPayPal } from "./scripted-paypal.ts";

let paypal: ScriptedPayPal;
afterEach(() => paypal.close());

async function start(...answers: Reply[]): Promise<ScriptedPayPal> {
  paypal = await scriptedPayPal((_, index) => answers[Math.min(index, answers.length - 1)] as Reply);
  return paypal;
}

const operation: OperationRequest = {
  chargeId: "ch_1",
  attemptId: "at_1",
  key: "re_1:refund",
  reference: "3C679366HH908993F",
  object: ORDER,
  money: money(1_000, "usd"),
};
const tenDollars = { currency_code: "USD", value: "10.00" };
const refunded = (status: string, extra: object = {}): Reply => ({
  status: 201,
  body: { id: "1JU08902781691411", status, amount: tenDollars, ...extra },
});
const found = (body: object): Reply => ({ status: 200, body });

test("a refund names the capture, the amount and its key", async () => {
  await start(refunded("COMPLETED"));
  expect(await paypal.provider().refund(operation, newCall())).toEqual({
    kind: "approved",
    reference: "1JU08902781691411",
    amount: 1_000n,
    captured: true,
  });
  expect(paypal.requests[0]).toMatchObject({
    path: "/v2/payments/captures/3C679366HH908993F/refund",
    headers: { "paypal-request-id": "re_1:refund", prefer: "return=representation" },
    body: { amount: tenDollars, custom_id: "re_1:refund" },
  });
});

test.each<[string, Reply, object]>([
  [
    "PENDING",
    refunded("PENDING", { status_details: { reason: "ECHECK" } }),
    { kind: "pending", reference: "1JU08902781691411", reason: "echeck" },
  ],
  ["FAILED", refunded("FAILED"), { kind: "declined", reason: "refund_failed", providerCode: "FAILED" }],
  ["CANCELLED", refunded("CANCELLED"), { kind: "declined", reason: "refund_failed" }],
  ["SOMETHING_NEW", refunded("SOMETHING_NEW"), { kind: "unknown" }],
  ["another amount", refunded("COMPLETED", { amount: { currency_code: "USD", value: "10.01" } }), { kind: "unknown" }],
  [
    "CAPTURE_FULLY_REFUNDED",
    refusal(422, "UNPROCESSABLE_ENTITY", "CAPTURE_FULLY_REFUNDED"),
    { kind: "declined", reason: "refund_failed", providerCode: "CAPTURE_FULLY_REFUNDED" },
  ],
  ["TRANSACTION_REFUSED", refusal(422, "UNPROCESSABLE_ENTITY", "TRANSACTION_REFUSED"), { kind: "declined", reason: "refund_failed" }],
  ["an issue that nobody taught us", refusal(422, "UNPROCESSABLE_ENTITY", "SOMETHING_NEW"), { kind: "unknown" }],
  ["an issue of charges", refusal(422, "UNPROCESSABLE_ENTITY", "CARD_EXPIRED"), { kind: "unknown" }],
  ["409", refusal(409, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"), { kind: "unknown", cause: "in_progress" }],
  ["404", refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"), { kind: "not_sent", cause: "rejected" }],
  ["a reset", "reset", { kind: "unknown", cause: "connection_lost" }],
])("a refund answered with %s", async (_name, reply, expected) => {
  await start(reply);
  expect(await paypal.provider().refund(operation, newCall())).toMatchObject(expected);
});

test.each<[string, Reply]>([
  ["429", refusal(429, "RATE_LIMIT_REACHED")],
  ["404", refusal(404, "RESOURCE_NOT_FOUND")],
  ["CAPTURE_FULLY_REFUNDED, perhaps by the first send", refusal(422, "UNPROCESSABLE_ENTITY", "CAPTURE_FULLY_REFUNDED")],
])("a replayed refund answered with %s stays in doubt", async (_name, reply) => {
  await start(reply);
  expect(await paypal.provider().refund(operation, newCall(), { replay: true })).toMatchObject({ kind: "unknown" });
});

test("a refund is found by its id, or by our key in the order", async () => {
  const mine = { id: "R1", status: "COMPLETED", amount: tenDollars, custom_id: "re_1:refund" };
  const other = { ...mine, id: "R0", custom_id: "re_0:refund" };
  await start(
    found({ ...mine, status: "PENDING" }),
    found(order("COMPLETED", { captures: [capture("PARTIALLY_REFUNDED")], refunds: [other, mine] })),
    found(order("COMPLETED", { captures: [capture("PARTIALLY_REFUNDED")], refunds: [other] })),
    refusal(404, "RESOURCE_NOT_FOUND"),
  );
  const provider = paypal.provider();
  expect(await provider.lookupRefund?.(operation, "R1", newCall())).toMatchObject({ kind: "pending", reference: "R1" });
  expect(await provider.lookupRefund?.(operation, null, newCall())).toMatchObject({ kind: "approved", reference: "R1" });
  expect(await provider.lookupRefund?.(operation, null, newCall())).toMatchObject({ kind: "unknown" });
  expect(await provider.lookupRefund?.(operation, "R1", newCall())).toMatchObject({ kind: "unknown" });
  expect(paypal.requests.map(({ path }) => path)[0]).toBe("/v2/payments/refunds/R1");
});

test("an authorization is captured, for good", async () => {
  const body = capture("COMPLETED", { amount: tenDollars });
  await start({ status: 201, body });
  const request = { ...operation, key: "at_1:capture", reference: "AUTH1" };
  expect(await paypal.provider().capture(request, newCall())).toMatchObject({ kind: "approved", amount: 1_000n, captured: true });
  expect(paypal.requests[0]).toMatchObject({
    path: "/v2/payments/authorizations/AUTH1/capture",
    headers: { "paypal-request-id": "at_1:capture" },
    body: { amount: tenDollars, invoice_id: "ch_1", final_capture: true },
  });
});

test.each<[string, Reply, object]>([
  ["voided", refusal(422, "UNPROCESSABLE_ENTITY", "AUTHORIZATION_VOIDED"), { kind: "declined", advice: "never" }],
  ["captured already", refusal(422, "UNPROCESSABLE_ENTITY", "AUTHORIZATION_ALREADY_CAPTURED"), { kind: "unknown", cause: "conflict" }],
  ["of another amount", { status: 201, body: capture("COMPLETED") }, { kind: "unknown" }],
  ["declined", { status: 201, body: capture("DECLINED", { amount: tenDollars }) }, { kind: "declined" }],
])("a capture of an authorization that is %s", async (_name, reply, expected) => {
  await start(reply);
  expect(await paypal.provider().capture(operation, newCall())).toMatchObject(expected);
});

const held = (status: string): Reply =>
  found(order("COMPLETED", { authorizations: [capture(status, { id: "AUTH1" })] }, { intent: "AUTHORIZE" }));

test.each<[string, Reply, Reply, object]>([
  ["a hold is voided (204)", held("CREATED"), { status: 204, body: "" }, { kind: "fenced", object: ORDER }],
  ["a hold is voided (200)", held("CREATED"), found({ id: "AUTH1", status: "VOIDED" }), { kind: "fenced" }],
  ["a hold that was voided before", held("CREATED"), refusal(422, "UNPROCESSABLE_ENTITY", "PREVIOUSLY_VOIDED"), { kind: "fenced" }],
  ["a void that is lost", held("CREATED"), "reset", { kind: "unknown" }],
  ["a void that comes too late", held("CREATED"), refusal(422, "UNPROCESSABLE_ENTITY", "PREVIOUSLY_CAPTURED"), { kind: "unknown" }],
])("cancel: %s", async (_name, read, voided, expected) => {
  await start(read, voided);
  expect(await paypal.provider().cancel(ORDER, newCall())).toMatchObject(expected);
  expect(paypal.requests[1]).toMatchObject({ method: "POST", path: "/v2/payments/authorizations/AUTH1/void" });
});

test.each<[string, Reply, object]>([
  ["a void hold", held("VOIDED"), { kind: "fenced" }],
  ["an unpaid order with intent CAPTURE has no fence", found(order("CREATED")), { kind: "unknown" }],
  ["an order that is not yet authorized", found(order("CREATED", null, { intent: "AUTHORIZE" })), { kind: "unknown" }],
  ["a paid order", found(order("COMPLETED", { captures: [capture("COMPLETED")] })), { kind: "unknown" }],
  ["an order not found", refusal(404, "RESOURCE_NOT_FOUND"), { kind: "unknown" }],
])("cancel: %s", async (_name, read, expected) => {
  await start(read);
  expect(await paypal.provider().cancel(ORDER, newCall())).toMatchObject(expected);
  expect(paypal.requests).toHaveLength(1);
});
