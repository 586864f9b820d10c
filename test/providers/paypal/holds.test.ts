import { afterEach, describe, expect, test } from "vitest";
import type { OperationRequest } from "../../../providers/contract/provider.ts";
import {
  attempt,
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
  key: "at_1:capture",
  reference: "AUTH1",
  object: ORDER,
  money: money(1_000, "usd"),
};
const tenDollars = { currency_code: "USD", value: "10.00" };

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
  ["of another amount", { status: 201, body: capture("COMPLETED") }, { kind: "unknown" }],
  ["declined", { status: 201, body: capture("DECLINED", { amount: tenDollars }) }, { kind: "declined" }],
  [
    "that waits",
    { status: 201, body: capture("PENDING", { amount: tenDollars }) },
    { kind: "pending", reference: "3C679366HH908993F", reason: "waiting" },
  ],
  [
    "of too much",
    refusal(422, "UNPROCESSABLE_ENTITY", "MAX_CAPTURE_AMOUNT_EXCEEDED"),
    { kind: "not_sent", cause: "rejected", fault: false },
  ],
  ["of no hold at all", refusal(404, "RESOURCE_NOT_FOUND"), { kind: "not_sent", cause: "rejected" }],
  ["that is lost", "reset", { kind: "unknown", cause: "connection_lost" }],
])("a capture %s", async (_name, reply, expected) => {
  await start(reply);
  expect(await paypal.provider().capture(operation, newCall())).toMatchObject(expected);
  expect(paypal.requests).toHaveLength(1);
});

/** The order of the hold, with what was captured of it. */
function orderOf(status: string, captures: object[] = [], hold: object = {}): Reply {
  const authorizations = [capture(status, { id: "AUTH1", ...hold })];
  return found(order("COMPLETED", { authorizations, ...(captures.length > 0 ? { captures } : {}) }, { intent: "AUTHORIZE" }));
}

const taken = (status: string, extra: object = {}) => capture(status, { amount: tenDollars, ...extra });
const approved = { kind: "approved", reference: "3C679366HH908993F", amount: 1_000n, captured: true };
const refused = (issue: string) => refusal(422, "UNPROCESSABLE_ENTITY", issue);

describe.each([false, true])("a capture that is refused (replay: %s) is decided by its order:", (replay) => {
  test.each<[string, string, Reply, object]>([
    ["captured already, by us", "AUTHORIZATION_ALREADY_CAPTURED", orderOf("CAPTURED", [taken("COMPLETED")]), approved],
    ["captured already, and it waits", "AUTHORIZATION_ALREADY_CAPTURED", orderOf("CAPTURED", [taken("PENDING")]), { kind: "pending" }],
    [
      "captured already, another amount",
      "AUTHORIZATION_ALREADY_CAPTURED",
      orderOf("CAPTURED", [capture("COMPLETED")]),
      { kind: "unknown", cause: "conflict" },
    ],
    [
      "captured already, twice",
      "AUTHORIZATION_ALREADY_CAPTURED",
      orderOf("CAPTURED", [taken("COMPLETED"), taken("COMPLETED", { id: "C2" })]),
      { kind: "unknown", cause: "conflict" },
    ],
    ["captured already, but not that we see", "AUTHORIZATION_ALREADY_CAPTURED", orderOf("CREATED"), { kind: "unknown", cause: "conflict" }],
    ["captured already, and the look is lost", "AUTHORIZATION_ALREADY_CAPTURED", "reset", { kind: "unknown", cause: "conflict" }],
    [
      "another one runs, and nothing is taken so far",
      "PREVIOUS_REQUEST_IN_PROGRESS",
      orderOf("CREATED"),
      { kind: "unknown", cause: "in_progress" },
    ],
    ["voided, and nothing was taken", "AUTHORIZATION_VOIDED", orderOf("VOIDED"), { kind: "not_sent", cause: "fenced", fault: false }],
    ["expired, and nothing was taken", "AUTHORIZATION_EXPIRED", orderOf("CREATED"), { kind: "not_sent", cause: "fenced" }],
    [
      "expired, after a capture that was declined",
      "AUTHORIZATION_EXPIRED",
      orderOf("VOIDED", [taken("DECLINED")]),
      { kind: "not_sent", cause: "fenced" },
    ],
    ["denied from the start", "AUTHORIZATION_DENIED", orderOf("DENIED"), { kind: "not_sent", cause: "fenced" }],
    ["voided, after our capture", "AUTHORIZATION_VOIDED", orderOf("VOIDED", [taken("COMPLETED")]), approved],
    ["voided, after another capture", "AUTHORIZATION_VOIDED", orderOf("VOIDED", [capture("COMPLETED")]), { kind: "unknown" }],
    ["voided, and the look is lost", "AUTHORIZATION_VOIDED", "reset", { kind: "unknown" }],
    ["voided, but the order is another hold's", "AUTHORIZATION_VOIDED", orderOf("VOIDED", [], { id: "AUTH2" }), { kind: "unknown" }],
  ])("%s", async (_name, issue, look, expected) => {
    await start(refused(issue), look);
    expect(await paypal.provider().capture(operation, newCall(), { replay })).toMatchObject(expected);
    expect(paypal.requests[1]).toMatchObject({ method: "GET", path: `/v2/checkout/orders/${ORDER}` });
  });
});

describe("a hold that is looked at", () => {
  const look = async (reply: Reply) => {
    await start(reply);
    const request = { ...attempt, capture: "manual" as const };
    return (await paypal.provider().lookup({ request, object: ORDER, replayPrepare: false }, newCall())).finding;
  };

  test.each<[string, Reply, object]>([
    [
      "is held, and until when",
      orderOf("CREATED", [], { expiration_time: "2026-12-21T10:00:00Z" }),
      { kind: "approved", reference: "AUTH1", amount: 4_200n, captured: false, heldUntilMs: Date.parse("2026-12-21T10:00:00Z") },
    ],
    ["and was captured is known by the capture", orderOf("CAPTURED", [capture("COMPLETED")]), { ...approved, amount: 4_200n }],
    ["and was captured in part is known by that part", orderOf("PARTIALLY_CAPTURED", [taken("COMPLETED")]), approved],
    ["and was captured and refunded was captured", orderOf("CAPTURED", [taken("REFUNDED")]), approved],
    ["and whose capture waits is pending", orderOf("CAPTURED", [taken("PENDING")]), { kind: "pending", reference: "3C679366HH908993F" }],
    [
      "and whose capture was declined is held as before",
      orderOf("CREATED", [taken("DECLINED")]),
      { kind: "approved", captured: false, reference: "AUTH1" },
    ],
    ["is voided", orderOf("VOIDED"), { kind: "fenced", object: ORDER }],
    ["has expired", orderOf("EXPIRED"), { kind: "fenced", object: ORDER }],
    [
      "was denied",
      orderOf("DENIED", [], { processor_response: { response_code: "5120" } }),
      { kind: "declined", reason: "insufficient_funds" },
    ],
    ["and was captured twice is unclear", orderOf("CAPTURED", [taken("COMPLETED"), taken("COMPLETED", { id: "C2" })]), { kind: "unknown" }],
    [
      "and was captured above its amount is unclear",
      orderOf("CAPTURED", [capture("COMPLETED", { amount: { currency_code: "USD", value: "42.01" } })]),
      { kind: "unknown" },
    ],
    ["of another amount is unclear", orderOf("CREATED", [], { amount: tenDollars }), { kind: "unknown" }],
  ])("%s", async (_name, reply, expected) => {
    expect(await look(reply)).toMatchObject(expected);
  });

  test("has no end when PayPal tells none, or none that can be read", async () => {
    for (const extra of [{}, { expiration_time: "soon" }]) {
      expect(await look(orderOf("CREATED", [], extra))).toEqual({ kind: "approved", reference: "AUTH1", amount: 4_200n, captured: false });
      await paypal.close();
    }
  });
});

const held = (status: string): Reply =>
  found(order("COMPLETED", { authorizations: [capture(status, { id: "AUTH1" })] }, { intent: "AUTHORIZE" }));

test.each<[string, Reply, Reply, object]>([
  ["a hold is voided (204)", held("CREATED"), { status: 204, body: "" }, { kind: "fenced", object: ORDER }],
  ["a hold is voided (200)", held("CREATED"), found({ id: "AUTH1", status: "VOIDED" }), { kind: "fenced" }],
  ["a hold that was voided before", held("CREATED"), refusal(422, "UNPROCESSABLE_ENTITY", "PREVIOUSLY_VOIDED"), { kind: "fenced" }],
  ["a void that is lost", held("CREATED"), "reset", { kind: "unknown" }],
  ["a void that is refused", held("CREATED"), refusal(422, "UNPROCESSABLE_ENTITY", "SOMETHING_NEW"), { kind: "unknown" }],
])("cancel: %s", async (_name, read, voided, expected) => {
  await start(read, voided);
  expect(await paypal.provider().cancel(ORDER, newCall())).toMatchObject(expected);
  expect(paypal.requests[1]).toMatchObject({ method: "POST", path: "/v2/payments/authorizations/AUTH1/void" });
});

test.each<[string, string, Reply, object]>([
  ["was captured meanwhile", "PREVIOUSLY_CAPTURED", orderOf("CAPTURED", [taken("COMPLETED")]), approved],
  ["was captured meanwhile, unseen", "PREVIOUSLY_CAPTURED", orderOf("CAPTURED"), { kind: "unknown", cause: "conflict" }],
  ["has lapsed meanwhile", "AUTHORIZATION_EXPIRED", orderOf("CREATED"), { kind: "fenced", object: ORDER }],
  ["has lapsed, after a capture", "AUTHORIZATION_EXPIRED", orderOf("CAPTURED", [taken("COMPLETED")]), approved],
  ["has lapsed, and the look is lost", "AUTHORIZATION_EXPIRED", "reset", { kind: "unknown" }],
])("cancel: a hold that %s", async (_name, issue, look, expected) => {
  await start(held("CREATED"), refused(issue), look);
  expect(await paypal.provider().cancel(ORDER, newCall())).toMatchObject(expected);
});

test.each<[string, Reply, object]>([
  ["a void hold", held("VOIDED"), { kind: "fenced" }],
  ["a hold that has expired", held("EXPIRED"), { kind: "fenced" }],
  ["a hold that was denied", held("DENIED"), { kind: "fenced" }],
  ["a captured hold", orderOf("CAPTURED", [taken("COMPLETED")]), approved],
  ["a hold whose capture waits", orderOf("CAPTURED", [taken("PENDING")]), { kind: "pending" }],
  ["a hold that was captured twice", orderOf("CAPTURED", [taken("COMPLETED"), taken("COMPLETED")]), { kind: "unknown" }],
  ["an unpaid order with intent CAPTURE has no fence", found(order("CREATED")), { kind: "unknown" }],
  ["an order that is not yet authorized", found(order("CREATED", null, { intent: "AUTHORIZE" })), { kind: "unknown" }],
  ["a paid order", found(order("COMPLETED", { captures: [capture("COMPLETED")] })), { kind: "unknown" }],
  ["an order not found", refusal(404, "RESOURCE_NOT_FOUND"), { kind: "unknown" }],
])("cancel: %s", async (_name, read, expected) => {
  await start(read);
  expect(await paypal.provider().cancel(ORDER, newCall())).toMatchObject(expected);
  expect(paypal.requests).toHaveLength(1);
});
