import { afterEach, describe, expect, test } from "vitest";
import {
  attempt,
  capture,
  captured,
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

const created: Reply = { status: 201, body: order("CREATED") };

describe("prepare", () => {
  test("creates an order without a source, under its own key, with our ids", async () => {
    await start(created);
    expect(await paypal.provider().prepare(attempt, newCall())).toEqual({ kind: "prepared", object: ORDER });
    expect(paypal.requests).toHaveLength(1);
    expect(paypal.requests[0]).toMatchObject({
      path: "/v2/checkout/orders",
      headers: { "paypal-request-id": "at_1:prepare", prefer: "return=representation" },
    });
    expect(paypal.requests[0]?.body).toEqual({
      intent: "CAPTURE",
      purchase_units: [
        {
          amount: { currency_code: "USD", value: "42.00" },
          invoice_id: "ch_1",
          custom_id: "at_1",
          description: "Pro plan, December",
        },
      ],
    });
  });

  test.each([
    [money(4_200, "usd"), { currency_code: "USD", value: "42.00" }],
    [money(5, "eur"), { currency_code: "EUR", value: "0.05" }],
    [money(4_200, "jpy"), { currency_code: "JPY", value: "4200" }],
    [money(420_000, "huf"), { currency_code: "HUF", value: "4200" }],
    [money(100, "twd"), { currency_code: "TWD", value: "1" }],
  ])("writes %o as PayPal does", async (amount, wire) => {
    await start(created);
    await paypal.provider().prepare({ ...attempt, money: amount }, newCall());
    expect(paypal.requests[0]?.body).toMatchObject({ purchase_units: [{ amount: wire }] });
  });

  test.each([money(420_050, "huf"), money(101, "twd"), money(1_000, "kwd"), money(1_000, "clp"), money(0, "usd")])(
    "refuses %o without sending",
    async (amount) => {
      await start(created);
      const call = newCall();
      expect(await paypal.provider().prepare({ ...attempt, money: amount }, call)).toMatchObject({
        kind: "not_sent",
        cause: "rejected",
        fault: false,
      });
      expect(call.wireAttempts + paypal.requests.length + paypal.tokenRequests.length).toBe(0);
    },
  );

  test("a long description is cut by characters, and the reference stands in for none", async () => {
    await start(created);
    const provider = paypal.provider();
    await provider.prepare({ ...attempt, description: "💶".repeat(200) }, newCall());
    await provider.prepare({ ...attempt, description: null }, newCall());
    await provider.prepare({ ...attempt, description: null, reference: null, capture: "manual" }, newCall());
    expect(paypal.requests[0]?.body).toMatchObject({ purchase_units: [{ description: "💶".repeat(63) }] });
    expect(paypal.requests[1]?.body).toMatchObject({ purchase_units: [{ description: "invoice-1042" }] });
    expect(paypal.requests[2]?.body).toMatchObject({ intent: "AUTHORIZE" });
    expect(JSON.stringify(paypal.requests[2]?.body)).not.toContain("description");
  });

  test.each<[string, Reply, object]>([
    ["429", refusal(429, "RATE_LIMIT_REACHED"), { kind: "not_sent", cause: "rate_limited" }],
    ["400", refusal(400, "INVALID_REQUEST", "INVALID_PARAMETER_VALUE"), { kind: "not_sent", cause: "rejected" }],
    ["a reset", "reset", { kind: "unknown", cause: "connection_lost" }],
    [
      "another attempt's order",
      { status: 200, body: { ...order("CREATED"), purchase_units: [{ custom_id: "at_2" }] } },
      { kind: "unknown" },
    ],
    ["no id", { status: 201, body: { status: "CREATED" } }, { kind: "unknown" }],
  ])("%s prepares nothing", async (_name, reply, expected) => {
    await start(reply);
    expect(await paypal.provider().prepare(attempt, newCall())).toMatchObject(expected);
  });
});

describe("lookup", () => {
  test.each<[string, object, object]>([
    ["CREATED", order("CREATED"), { kind: "unpaid", object: ORDER }],
    ["APPROVED", order("APPROVED"), { kind: "unpaid", object: ORDER }],
    ["SAVED", order("SAVED"), { kind: "unpaid", object: ORDER }],
    ["VOIDED", order("VOIDED"), { kind: "fenced", object: ORDER, decline: null }],
    ["PAYER_ACTION_REQUIRED", order("PAYER_ACTION_REQUIRED"), { kind: "requires_action", url: null }],
    ["completed", captured("COMPLETED"), { kind: "approved", reference: "3C679366HH908993F", amount: 4_200n, captured: true }],
    ["pending", captured("PENDING"), { kind: "pending", reference: "3C679366HH908993F" }],
    ["declined", captured("DECLINED", { processor_response: { response_code: "9500" } }), { kind: "declined", reason: "fraud" }],
    ["completed without captures", order("COMPLETED"), { kind: "unknown" }],
    ["another attempt's void", { ...order("VOIDED"), purchase_units: [{ custom_id: "at_2" }] }, { kind: "unknown" }],
    ["a void without our ids", { ...order("VOIDED"), purchase_units: [{}] }, { kind: "unknown" }],
    ["a void without units", { id: ORDER, status: "VOIDED" }, { kind: "unknown" }],
    [
      "a paid order beside a declined one",
      order("COMPLETED", { captures: [capture("DECLINED"), capture("COMPLETED", { id: "SECOND" })] }),
      { kind: "approved", reference: "SECOND" },
    ],
    [
      "a held authorization",
      order("COMPLETED", { authorizations: [capture("CREATED")] }, { intent: "AUTHORIZE" }),
      { kind: "approved", captured: false },
    ],
    [
      "a voided authorization",
      order("COMPLETED", { authorizations: [capture("VOIDED")] }, { intent: "AUTHORIZE" }),
      { kind: "fenced", object: ORDER },
    ],
  ])("%s", async (_name, body, expected) => {
    await start(found(body));
    const { object, finding } = await paypal.provider().lookup({ request: attempt, object: ORDER, replayPrepare: true }, newCall());
    expect(object).toBe(ORDER);
    expect(finding).toMatchObject(expected);
    expect(paypal.requests.map(({ method }) => method)).toEqual(["GET"]);
  });

  test.each<Reply>([
    refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"),
    refusal(401, "AUTHENTICATION_FAILURE"),
    refusal(429, "RATE_LIMIT_REACHED"),
    "reset",
  ])("a failed look proves nothing", async (reply) => {
    await start(reply);
    const { finding } = await paypal.provider().lookup({ request: attempt, object: ORDER, replayPrepare: false }, newCall());
    expect(finding).toMatchObject({ kind: "unknown" });
  });

  test("without an id the prepare key is replayed, then the order read", async () => {
    await start(found(captured("COMPLETED")));
    const result = await paypal.provider().lookup({ request: attempt, object: null, replayPrepare: true }, newCall());
    expect(result).toMatchObject({ object: ORDER, finding: { kind: "approved" } });
    expect(paypal.requests.map(({ method, headers }) => [method, headers["paypal-request-id"]])).toEqual([
      ["POST", "at_1:prepare"],
      ["GET", undefined],
    ]);
  });

  test("without an id, and too late to replay, nothing is known and nothing sent", async () => {
    await start(created);
    const result = await paypal.provider().lookup({ request: attempt, object: null, replayPrepare: false }, newCall());
    expect(result).toMatchObject({ object: null, finding: { kind: "unknown" } });
    expect(paypal.requests).toHaveLength(0);
  });
});

describe("single step", () => {
  test("prepares locally, and creates the order with its source in the commit", async () => {
    await start({ status: 201, body: captured("COMPLETED") });
    const provider = paypal.provider({ singleStep: true });
    const prepared = await provider.prepare(attempt, newCall());
    expect(prepared).toEqual({ kind: "prepared", object: "single_step" });
    expect(paypal.requests).toHaveLength(0);
    expect(await provider.commit(attempt, "single_step", newCall(), { replay: false })).toMatchObject({ kind: "approved" });
    expect(paypal.requests[0]).toMatchObject({
      path: "/v2/checkout/orders",
      headers: { "paypal-request-id": "at_1:commit" },
      body: { intent: "CAPTURE", payment_source: { card: { vault_id: "8kk845" } } },
    });
    // The key is an order's, which PayPal forgets after hours.
    expect(provider.capabilities.commitKeyAgeMs).toBe(5.5 * 3_600_000);
  });

  test("a lost answer is in doubt, and a lookup sends nothing that moves money", async () => {
    await start("reset");
    const provider = paypal.provider({ singleStep: true });
    expect(await provider.commit(attempt, "single_step", newCall(), { replay: false })).toMatchObject({ kind: "unknown" });
    for (const object of [null, "single_step"]) {
      const { finding } = await provider.lookup({ request: attempt, object, replayPrepare: true }, newCall());
      expect(finding).toMatchObject({ kind: "unknown" });
    }
    expect(paypal.requests).toHaveLength(1);
  });
});
