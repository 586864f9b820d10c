import { CheckoutPaymentIntent } from "@paypal/paypal-server-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { captureOrder, createOrder, issueOf, moves, type PaypalClients, paypalAt, rejection, vaulted } from "./sdk-clients.ts";

let sandbox: Sandbox;
let paypal: PaypalClients;
let nowMs = Date.now();

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => nowMs });
});
beforeEach(() => {
  sandbox.reset();
  paypal = paypalAt(sandbox.paypalUrl);
});
afterAll(() => sandbox.close());

describe("a PayPal order", () => {
  it("moves no money when it is created and all of it when it is captured", async () => {
    const id = await createOrder(paypal, { invoiceId: "ch_7" });
    expect(moves(sandbox)).toEqual([]);
    const { order, status } = await captureOrder(paypal, id, "8kk845");
    const capture = order.purchaseUnits![0]!.payments!.captures![0]!;
    expect([status, order.status, capture.status, capture.invoiceId]).toEqual([201, "COMPLETED", "COMPLETED", "ch_7"]);
    expect(sandbox.ledger()).toMatchObject([
      { provider: "paypal", type: "capture", chargeId: "ch_7", object: id, reference: capture.id, amount: 4200n, currency: "usd" },
    ]);
    expect((await paypal.payments.getCapturedPayment({ captureId: capture.id! })).result.amount).toEqual({
      currencyCode: "USD",
      value: "42.00",
    });
  });

  it("tells its captures only when the whole representation is preferred", async () => {
    const id = await createOrder(paypal);
    const { result } = await paypal.orders.captureOrder({ id, paypalRequestId: "k", body: vaulted("8kk845") });
    expect(result.purchaseUnits).toBeUndefined();
    expect((await paypal.orders.getOrder({ id })).result.purchaseUnits![0]!.payments!.captures).toHaveLength(1);
  });

  it("can be paid in a single step, which is a commit", async () => {
    const { result } = await paypal.orders.createOrder({
      paypalRequestId: "single",
      prefer: "return=representation",
      body: {
        intent: CheckoutPaymentIntent.Capture,
        purchaseUnits: [{ amount: { currencyCode: "EUR", value: "10" } }],
        paymentSource: { card: { vaultId: "8kk845" } },
      },
    });
    expect(result.status).toBe("COMPLETED");
    expect(moves(sandbox)).toEqual(["paypal capture 1000 eur"]);
    expect(sandbox.requests().at(-1)).toMatchObject({ operation: "commit", executed: true, idempotencyKey: "single" });
  });

  it("needs a request id with a payment source, and an approval without one", async () => {
    const id = await createOrder(paypal);
    expect(await issueOf(paypal.orders.captureOrder({ id, body: vaulted("8kk845") }))).toEqual({
      status: 400,
      issue: "PAYPAL_REQUEST_ID_REQUIRED",
    });
    expect(await issueOf(paypal.orders.captureOrder({ id }))).toEqual({ status: 422, issue: "ORDER_NOT_APPROVED" });
  });

  it("is captured once", async () => {
    const id = await createOrder(paypal);
    await captureOrder(paypal, id, "8kk845");
    expect(await issueOf(captureOrder(paypal, id, "8kk845", "another key"))).toEqual({ status: 422, issue: "ORDER_ALREADY_CAPTURED" });
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("is refused when another order with its invoice id was paid, and not when that one was declined", async () => {
    const first = await createOrder(paypal, { invoiceId: "ch_1" });
    const second = await createOrder(paypal, { invoiceId: "ch_1" });
    await issueOf(captureOrder(paypal, first, "decline_INSTRUMENT_DECLINED"));
    await captureOrder(paypal, second, "8kk845");
    expect(await issueOf(captureOrder(paypal, first, "8kk845", "again"))).toEqual({ status: 422, issue: "DUPLICATE_INVOICE_ID" });
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("that is pending is settled by the first lookup after its time", async () => {
    const states: string[] = [];
    const ids: string[] = [];
    for (const token of ["pending", "pending_fails"]) {
      const { order } = await captureOrder(paypal, await createOrder(paypal), token);
      const capture = order.purchaseUnits![0]!.payments!.captures![0]!;
      states.push(capture.status!);
      ids.push(capture.id!);
    }
    expect(states).toEqual(["PENDING", "PENDING"]);
    nowMs += 2_000;
    for (const captureId of ids) states.push((await paypal.payments.getCapturedPayment({ captureId })).result.status!);
    expect(states.slice(2)).toEqual(["COMPLETED", "DECLINED"]);
    expect(moves(sandbox)).toEqual(["paypal capture 4200 usd"]);
  });

  it("that needs its payer says where to send them, and the same request succeeds afterwards", async () => {
    const id = await createOrder(paypal);
    const error = (await rejection(captureOrder(paypal, id, "payer_action", "k"))) as unknown as { statusCode: number; body: string };
    const body = JSON.parse(error.body) as { details: { issue: string }[]; links: { rel: string; href: string }[] };
    expect([error.statusCode, body.details[0]!.issue, body.links[0]!.rel]).toEqual([422, "PAYER_ACTION_REQUIRED", "payer-action"]);
    await fetch(body.links[0]!.href);
    expect((await captureOrder(paypal, id, "payer_action", "k")).order.status).toBe("COMPLETED");
  });

  it("with intent AUTHORIZE is held, then captured in part, or voided", async () => {
    const held: string[] = [];
    for (const key of ["a", "b"]) {
      const id = await createOrder(paypal, { intent: CheckoutPaymentIntent.Authorize });
      const prefer = "return=representation";
      const { result } = await paypal.orders.authorizeOrder({ id, paypalRequestId: key, prefer, body: vaulted("8kk845") });
      held.push(result.purchaseUnits![0]!.payments!.authorizations![0]!.id!);
    }
    const [taken, released] = held as [string, string];
    const { result: capture } = await paypal.payments.captureAuthorizedPayment({
      authorizationId: taken,
      paypalRequestId: "c",
      prefer: "return=representation",
      body: { amount: { currencyCode: "USD", value: "40.00" }, finalCapture: true },
    });
    expect(capture).toMatchObject({ status: "COMPLETED", amount: { value: "40.00" } });
    await paypal.payments.voidPayment({ authorizationId: released, paypalRequestId: "d" });
    expect((await paypal.payments.getAuthorizedPayment({ authorizationId: released })).result.status).toBe("VOIDED");
    const late = paypal.payments.captureAuthorizedPayment({
      authorizationId: released,
      paypalRequestId: "e",
      prefer: "return=representation",
    });
    expect(await issueOf(late)).toEqual({ status: 422, issue: "AUTHORIZATION_VOIDED" });
    expect(moves(sandbox)).toEqual(["authorize 4200", "authorize 4200", "capture 4000", "void 4200"].map((move) => `paypal ${move} usd`));
  });
});

describe("a PayPal decline", () => {
  it.each(["INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "TRANSACTION_REFUSED", "CARD_EXPIRED", "COMPLIANCE_VIOLATION"])(
    "of issue %s is a 422, and the order stays open for another source",
    async (issue) => {
      const id = await createOrder(paypal);
      expect(await issueOf(captureOrder(paypal, id, `decline_${issue}`))).toEqual({ status: 422, issue });
      expect(moves(sandbox)).toEqual([]);
      expect((await captureOrder(paypal, id, "8kk845", "new key")).order.status).toBe("COMPLETED");
    },
  );

  it("by the processor is a 201 with a completed order and a declined capture", async () => {
    const { order, status } = await captureOrder(paypal, await createOrder(paypal), "processor_5120__advice_02");
    const capture = order.purchaseUnits![0]!.payments!.captures![0]!;
    expect([status, order.status, capture.status]).toEqual([201, "COMPLETED", "DECLINED"]);
    expect(capture.processorResponse).toEqual({ responseCode: "5120", paymentAdviceCode: "02" });
    expect(moves(sandbox)).toEqual([]);
  });
});

describe("PayPal's rules", () => {
  it("for amounts: no decimals for forint, yen and Taiwan dollars, and the ledger in ISO units", async () => {
    for (const [currency, value] of [
      ["HUF", "500"],
      ["JPY", "500"],
      ["TWD", "500"],
      ["EUR", "5.00"],
    ] as const) {
      await captureOrder(paypal, await createOrder(paypal, { currency, value }), "8kk845");
    }
    expect(moves(sandbox)).toEqual(["50000 huf", "500 jpy", "50000 twd", "500 eur"].map((move) => `paypal capture ${move}`));
    expect(await issueOf(createOrder(paypal, { currency: "JPY", value: "5.00" }))).toMatchObject({ issue: "DECIMALS_NOT_SUPPORTED" });
    expect(await issueOf(createOrder(paypal, { currency: "USD", value: "5.001" }))).toMatchObject({ issue: "DECIMAL_PRECISION" });
    expect(await issueOf(createOrder(paypal, { currency: "KWD", value: "5.00" }))).toMatchObject({ issue: "CURRENCY_NOT_SUPPORTED" });
    expect(await issueOf(createOrder(paypal, { value: "0.00" }))).toMatchObject({ issue: "CANNOT_BE_ZERO_OR_NEGATIVE" });
    expect(await issueOf(createOrder(paypal, { value: "5,00" }))).toMatchObject({ status: 400, issue: "INVALID_PARAMETER_SYNTAX" });
  });

  it("for tokens: a wrong secret gets none, an unknown or expired one is worth nothing", async () => {
    expect(await rejection(paypalAt(sandbox.paypalUrl, "client", "wrong").orders.getOrder({ id: "X" }))).toMatchObject({ statusCode: 401 });
    const basic = Buffer.from("client:secret").toString("base64");
    const grant = { method: "POST", headers: { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" } };
    const answer = await fetch(`${sandbox.paypalUrl}/v1/oauth2/token`, { ...grant, body: "grant_type=client_credentials" });
    const { access_token: token, expires_in: lives } = (await answer.json()) as { access_token: string; expires_in: number };
    const whoAmI = async (bearer: string) =>
      (
        await fetch(`${sandbox.paypalUrl}/v1/identity/oauth2/userinfo?schema=paypalv1.1`, {
          headers: { authorization: `Bearer ${bearer}` },
        })
      ).status;
    expect([await whoAmI(token), await whoAmI("invented")]).toEqual([200, 401]);
    nowMs += lives * 1000;
    expect(await whoAmI(token)).toBe(401);
  });

  it("for refunds: in parts, never more than was taken", async () => {
    const { order } = await captureOrder(paypal, await createOrder(paypal), "8kk845");
    const captureId = order.purchaseUnits![0]!.payments!.captures![0]!.id!;
    const refund = (value: string, paypalRequestId: string) =>
      paypal.payments.refundCapturedPayment({
        captureId,
        paypalRequestId,
        prefer: "return=representation",
        body: { amount: { currencyCode: "USD", value } },
      });
    const { result } = await refund("10.00", "r1");
    expect(result).toMatchObject({ status: "COMPLETED", amount: { value: "10.00" } });
    expect((await refund("10.00", "r1")).result.id).toBe(result.id);
    expect(await issueOf(refund("32.01", "r2"))).toEqual({ status: 422, issue: "REFUND_AMOUNT_EXCEEDED" });
    await refund("32.00", "r3");
    expect(await issueOf(refund("0.01", "r4"))).toEqual({ status: 422, issue: "CAPTURE_FULLY_REFUNDED" });
    expect((await paypal.payments.getRefund({ refundId: result.id! })).result.status).toBe("COMPLETED");
    expect(moves(sandbox).slice(1)).toEqual(["paypal refund 1000 usd", "paypal refund 3200 usd"]);
  });

  it("for unknown things: 404, also for another client's orders", async () => {
    const id = await createOrder(paypal);
    expect(await issueOf(paypalAt(sandbox.paypalUrl, "another").orders.getOrder({ id }))).toEqual({
      status: 404,
      issue: "INVALID_RESOURCE_ID",
    });
  });
});
