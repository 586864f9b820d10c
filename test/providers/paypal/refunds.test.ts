import { afterEach, expect, test } from "vitest";
import type { OperationRequest } from "../../../providers/contract/provider.ts";
import {
  capture,
  found,
  inTurn,
  money,
  newCall,
  ORDER,
  order,
  type Reply,
  refusal,
  type ScriptedPayPal,
  scriptedPayPal,
} from "./scripted-paypal.ts";

let paypal: ScriptedPayPal;
afterEach(() => paypal.close());

async function start(...answers: Reply[]): Promise<ScriptedPayPal> {
  paypal = await scriptedPayPal(inTurn(...answers));
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
  ["PENDING_CAPTURE", refusal(422, "UNPROCESSABLE_ENTITY", "PENDING_CAPTURE"), { kind: "declined", reason: "refund_failed" }],
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
