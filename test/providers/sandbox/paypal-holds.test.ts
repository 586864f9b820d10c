import { CheckoutPaymentIntent } from "@paypal/paypal-server-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { captureOrder, createOrder, issueOf, moves, type PaypalClients, paypalAt, vaulted } from "./sdk-clients.ts";

const DAY_MS = 86_400_000;
const SETTLE_MS = 60_000;

let sandbox: Sandbox;
let paypal: PaypalClients;
let nowMs = Date.now();

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => nowMs, settleAfterMs: SETTLE_MS });
});
beforeEach(() => {
  sandbox.reset();
  paypal = paypalAt(sandbox.paypalUrl);
});
afterAll(() => sandbox.close());

async function hold(vaultId = "8kk845"): Promise<{ order: string; authorizationId: string; expires: string }> {
  const order = await createOrder(paypal, { intent: CheckoutPaymentIntent.Authorize });
  const prefer = "return=representation";
  const { result } = await paypal.orders.authorizeOrder({ id: order, paypalRequestId: "hold", prefer, body: vaulted(vaultId) });
  const held = result.purchaseUnits![0]!.payments!.authorizations![0]!;
  return { order, authorizationId: held.id!, expires: held.expirationTime! };
}

async function capture(authorizationId: string, value?: string, paypalRequestId = "take") {
  const body = value === undefined ? {} : { amount: { currencyCode: "USD", value }, finalCapture: true };
  const { result } = await paypal.payments.captureAuthorizedPayment({
    authorizationId,
    paypalRequestId,
    prefer: "return=representation",
    body,
  });
  return result;
}

async function statusOf(authorizationId: string): Promise<string | undefined> {
  paypal = paypalAt(sandbox.paypalUrl);
  return (await paypal.payments.getAuthorizedPayment({ authorizationId })).result.status;
}

describe("a PayPal hold", () => {
  it("says when it ends, and lapses then: 29 days after it was made", async () => {
    const { authorizationId, expires } = await hold();
    expect(Date.parse(expires)).toBe(Math.floor((nowMs + 29 * DAY_MS) / 1000) * 1000);
    nowMs += 29 * DAY_MS - 1;
    expect(await statusOf(authorizationId)).toBe("CREATED");
    nowMs += 1;
    expect(await statusOf(authorizationId)).toBe("VOIDED");
    expect(await issueOf(capture(authorizationId))).toEqual({ status: 422, issue: "AUTHORIZATION_EXPIRED" });
    expect(moves(sandbox)).toEqual(["paypal authorize 4200 usd", "paypal void 4200 usd"]);
  });

  it("lapses when the control says so; what was captured stays", async () => {
    const [open, taken] = [await hold(), await hold()];
    await capture(taken.authorizationId);
    await fetch(`${sandbox.controlUrl}/paypal/lapse`, { method: "POST" });
    expect([await statusOf(open.authorizationId), await statusOf(taken.authorizationId)]).toEqual(["VOIDED", "CAPTURED"]);
    expect(moves(sandbox).slice(2)).toEqual(["paypal capture 4200 usd", "paypal void 4200 usd"]);
  });

  it("is captured once where the capture is final, also when it is a part", async () => {
    const { authorizationId } = await hold();
    expect(await capture(authorizationId, "40.00")).toMatchObject({ status: "COMPLETED", amount: { value: "40.00" } });
    expect(await issueOf(capture(authorizationId, "2.00", "again"))).toEqual({ status: 422, issue: "AUTHORIZATION_ALREADY_CAPTURED" });
    expect(await issueOf(paypal.payments.voidPayment({ authorizationId, paypalRequestId: "v" }))).toEqual({
      status: 422,
      issue: "PREVIOUSLY_CAPTURED",
    });
  });

  it("is captured by a payment that waits, and held again when that one fails", async () => {
    const [good, bad] = [await hold("pending"), await hold("pending_fails")];
    for (const { authorizationId } of [good, bad]) expect(await capture(authorizationId)).toMatchObject({ status: "PENDING" });
    expect(moves(sandbox).slice(2)).toEqual([]);
    nowMs += SETTLE_MS;
    const orderOf = async (id: string) => (await paypal.orders.getOrder({ id })).result.purchaseUnits![0]!.payments!;
    expect(await orderOf(good.order)).toMatchObject({ captures: [{ status: "COMPLETED" }], authorizations: [{ status: "CAPTURED" }] });
    expect(await orderOf(bad.order)).toMatchObject({ captures: [{ status: "DECLINED" }], authorizations: [{ status: "CREATED" }] });
    expect(moves(sandbox).slice(2)).toEqual(["paypal capture 4200 usd"]);
  });

  it("outlives a capture that is declined", async () => {
    const { authorizationId } = await hold("hold_declined");
    expect(await capture(authorizationId)).toMatchObject({ status: "DECLINED" });
    expect(await statusOf(authorizationId)).toBe("CREATED");
  });
});

describe("a PayPal refund that waits", () => {
  async function refunded(vaultId: string) {
    const { order } = await captureOrder(paypal, await createOrder(paypal), vaultId);
    const captureId = order.purchaseUnits![0]!.payments!.captures![0]!.id!;
    const refund = (paypalRequestId: string) =>
      paypal.payments.refundCapturedPayment({ captureId, paypalRequestId, prefer: "return=representation", body: {} });
    const { result } = await refund("r1");
    const look = async () => {
      const { result: found } = await paypal.payments.getRefund({ refundId: result.id! });
      const { result: taken } = await paypal.payments.getCapturedPayment({ captureId });
      return [found.status, taken.status];
    };
    return { first: result.status, look, again: () => refund("r2") };
  }

  it("is reserved meanwhile, and then given back", async () => {
    const { first, look, again } = await refunded("refund_pending");
    expect([first, ...(await look())]).toEqual(["PENDING", "PENDING", "REFUNDED"]);
    expect(await issueOf(again())).toEqual({ status: 422, issue: "CAPTURE_FULLY_REFUNDED" });
    expect(moves(sandbox)).toEqual(["paypal capture 4200 usd"]);
    nowMs += SETTLE_MS;
    expect(await look()).toEqual(["COMPLETED", "REFUNDED"]);
    expect(moves(sandbox)).toEqual(["paypal capture 4200 usd", "paypal refund 4200 usd"]);
  });

  it("fails, and can be asked for again", async () => {
    const { look, again } = await refunded("refund_fails");
    nowMs += SETTLE_MS;
    expect(await look()).toEqual(["FAILED", "COMPLETED"]);
    expect((await again()).result.status).toBe("PENDING");
    expect(moves(sandbox)).toEqual(["paypal capture 4200 usd"]);
  });
});

describe("a saved PayPal instrument", () => {
  it("that was removed can never be charged again", async () => {
    const id = await createOrder(paypal);
    const { accessToken } = (await (
      await fetch(`${sandbox.paypalUrl}/v1/oauth2/token`, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from("client:secret").toString("base64")}` },
      })
    )
      .json()
      .then((body) => ({ accessToken: (body as { access_token: string }).access_token }))) as { accessToken: string };
    const removed = await fetch(`${sandbox.paypalUrl}/v3/vault/payment-tokens/8kk845`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${accessToken}` },
    });
    expect(removed.status).toBe(204);
    expect(await issueOf(captureOrder(paypal, id, "8kk845"))).toEqual({ status: 422, issue: "TOKEN_ID_NOT_FOUND" });
    expect((await captureOrder(paypal, id, "another", "k2")).order.status).toBe("COMPLETED");
  });
});
