import { verify, X509Certificate } from "node:crypto";
import { crc32 } from "node:zlib";
import { CheckoutPaymentIntent } from "@paypal/paypal-server-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { captureOrder, createOrder, type PaypalClients, paypalAt, vaulted } from "./sdk-clients.ts";
import { openReceiver, type Receiver } from "./webhook-receiver.ts";

const WEBHOOK_ID = "1JE4291016473214C";
const SETTLE_MS = 30;

let sandbox: Sandbox;
let receiver: Receiver;
let paypal: PaypalClients;
let bearer: string;

beforeAll(async () => {
  sandbox = await startSandbox({ settleAfterMs: SETTLE_MS, webhookRetryAfterMs: [1, 1] });
  receiver = await openReceiver();
});
beforeEach(async () => {
  sandbox.reset();
  sandbox.setWebhookEndpoint("paypal", { url: receiver.url, secret: WEBHOOK_ID });
  receiver.received.length = 0;
  receiver.status = 200;
  paypal = paypalAt(sandbox.paypalUrl);
  const authorization = `Basic ${Buffer.from("client:secret").toString("base64")}`;
  const answer = await fetch(`${sandbox.paypalUrl}/v1/oauth2/token`, { method: "POST", headers: { authorization } });
  bearer = `Bearer ${((await answer.json()) as { access_token: string }).access_token}`;
});
afterAll(() => {
  receiver.close();
  return sandbox.close();
});

interface Event {
  readonly id: string;
  readonly event_type: string;
  readonly resource_type: string;
  readonly resource: Record<string, unknown> & { id: string; status: string; dispute_id: string };
}

async function events(): Promise<Event[]> {
  await sandbox.webhooksSent();
  return receiver.received.map(({ body }) => JSON.parse(body.toString("utf8")) as Event);
}

async function types(): Promise<string[]> {
  return (await events()).map(({ event_type: type }) => type).sort();
}

function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const init = { method, headers: { authorization: bearer, "content-type": "application/json" } };
  return fetch(`${sandbox.paypalUrl}${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) });
}

async function captureOf(vaultId = "8kk845"): Promise<string> {
  const { order } = await captureOrder(paypal, await createOrder(paypal), vaultId);
  return order.purchaseUnits![0]!.payments!.captures![0]!.id!;
}

function refund(captureId: string) {
  return paypal.payments.refundCapturedPayment({ captureId, paypalRequestId: `r-${captureId}`, prefer: "return=representation", body: {} });
}

async function hold(): Promise<string> {
  const id = await createOrder(paypal, { intent: CheckoutPaymentIntent.Authorize });
  const prefer = "return=representation";
  const { result } = await paypal.orders.authorizeOrder({ id, paypalRequestId: "hold", prefer, body: vaulted("8kk845") });
  return result.purchaseUnits![0]!.payments!.authorizations![0]!.id!;
}

describe("a PayPal webhook", () => {
  it("is signed as PayPal's are, by a certificate of an authority that the sandbox tells", async () => {
    await captureOf();
    await sandbox.webhooksSent();
    const { headers, body } = receiver.received[0]!;
    const header = (name: string) => String(headers[`paypal-${name}`]);
    const pem = await (await fetch(header("cert-url"))).text();
    const [leaf] = pem.split(/(?<=-----END CERTIFICATE-----\n?)\s*(?=-----BEGIN)/).map((one) => new X509Certificate(one));
    const authority = new X509Certificate(sandbox.paypalWebhookCa);
    expect(leaf!.verify(authority.publicKey) && leaf!.checkIssued(authority) && authority.ca).toBe(true);
    expect(leaf!.checkHost("messageverificationcerts.sandbox.paypal.com")).toBeTruthy();
    const signed = `${header("transmission-id")}|${header("transmission-time")}|${WEBHOOK_ID}|${crc32(body)}`;
    const signature = Buffer.from(header("transmission-sig"), "base64");
    expect(verify("RSA-SHA256", Buffer.from(signed), leaf!.publicKey, signature)).toBe(true);
    expect(header("auth-algo")).toBe("SHA256withRSA");
  });

  it("is sent again under the first one's id, time and signature", async () => {
    receiver.status = 503;
    sandbox.setWebhookMood("paypal", {});
    await captureOf();
    await sandbox.webhooksSent();
    const byEvent = Map.groupBy(receiver.received, ({ body }) => (JSON.parse(body.toString("utf8")) as Event).id);
    for (const sendings of byEvent.values()) {
      expect(sendings).toHaveLength(3);
      expect(
        new Set(sendings.map(({ headers }) => JSON.stringify([headers["paypal-transmission-id"], headers["paypal-transmission-sig"]])))
          .size,
      ).toBe(1);
    }
  });

  it("can be checked by PayPal's API, which wants the event as it was sent", async () => {
    await captureOf();
    await sandbox.webhooksSent();
    const { headers, body } = receiver.received[0]!;
    const said = Object.fromEntries(
      ["auth-algo", "cert-url", "transmission-id", "transmission-sig", "transmission-time"].map((name) => [
        name.replace("-", "_"),
        headers[`paypal-${name}`],
      ]),
    );
    const check = async (event: string, webhookId = WEBHOOK_ID) => {
      const request = `${JSON.stringify({ ...said, webhook_id: webhookId }).slice(0, -1)},"webhook_event":${event}}`;
      const init = { method: "POST", headers: { authorization: bearer, "content-type": "application/json" }, body: request };
      const answer = await fetch(`${sandbox.paypalUrl}/v1/notifications/verify-webhook-signature`, init);
      return ((await answer.json()) as { verification_status?: string }).verification_status;
    };
    const event = body.toString("utf8");
    expect([await check(event), await check(event.replace("{", "{ ")), await check(event, "another")]).toEqual([
      "SUCCESS",
      "FAILURE",
      "FAILURE",
    ]);
  });

  it("can be read again by its id, by its own account", async () => {
    await captureOf();
    const [event] = await events();
    const again = await ask("GET", `/v1/notifications/webhooks-events/${event!.id}`);
    expect(await again.json()).toEqual(event);
    expect((await ask("GET", "/v1/notifications/webhooks-events/WH-nobody")).status).toBe(404);
  });
});

describe("PayPal tells", () => {
  it("of a payment, of one that waits, and of one that is declined", async () => {
    await captureOf();
    await captureOf("processor_5120");
    await captureOf("pending");
    await captureOf("pending_fails");
    const declined = ["PAYMENT.CAPTURE.DECLINED", "PAYMENT.CAPTURE.DENIED"];
    const waiting = ["PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.PENDING"];
    const orders = Array.from({ length: 4 }, () => "CHECKOUT.ORDER.COMPLETED");
    const all = [...orders, "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.COMPLETED", ...declined, ...waiting];
    // What waits is settled by the clock: nobody has to look.
    await expect.poll(types).toEqual(all);
  });

  it("of a refund, with its capture in the links, and of one that waits and fails", async () => {
    const captureId = await captureOf();
    const { result } = await refund(captureId);
    const refunded = (await events()).find(({ event_type: type }) => type === "PAYMENT.CAPTURE.REFUNDED")!;
    expect([refunded.resource_type, refunded.resource.id]).toEqual(["refund", result.id]);
    expect(refunded.resource.links).toContainEqual(
      expect.objectContaining({ rel: "up", href: `${sandbox.paypalUrl}/v2/payments/captures/${captureId}` }),
    );
    receiver.received.length = 0;
    await refund(await captureOf("refund_pending"));
    await refund(await captureOf("refund_fails"));
    const refunds = async () => (await types()).filter((type) => type.includes("REFUND"));
    const waiting = ["PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.PENDING"];
    await expect.poll(refunds).toEqual(["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.FAILED", ...waiting]);
  });

  it("of a hold, of its release, and of its end", async () => {
    const released = await hold();
    await hold();
    await paypal.payments.voidPayment({ authorizationId: released, paypalRequestId: "v" });
    sandbox.lapseHolds("paypal");
    const holds = (await types()).filter((type) => type.startsWith("PAYMENT.AUTHORIZATION"));
    const [created, voided] = ["PAYMENT.AUTHORIZATION.CREATED", "PAYMENT.AUTHORIZATION.VOIDED"];
    expect(holds).toEqual([created, created, voided, voided]);
  });

  it("of a saved instrument that was removed, once", async () => {
    await ask("DELETE", "/v3/vault/payment-tokens/8kk845");
    await ask("DELETE", "/v3/vault/payment-tokens/8kk845");
    expect(await events()).toMatchObject([{ event_type: "VAULT.PAYMENT-TOKEN.DELETED", resource: { id: "8kk845" } }]);
  });

  it("of a dispute as it goes on: talk, escalation, decision", async () => {
    const captureId = await captureOf("disputed_inquiry");
    const dispute = (await events()).find(({ event_type: type }) => type === "CUSTOMER.DISPUTE.CREATED")!.resource;
    expect(dispute).toMatchObject({
      status: "OPEN",
      dispute_life_cycle_stage: "INQUIRY",
      disputed_transactions: [{ seller_transaction_id: captureId }],
    });
    const path = `/v1/customer/disputes/${dispute.dispute_id}`;
    await ask("POST", `${path}/escalate`, {});
    await ask("POST", `${path}/adjudicate`, { adjudication_outcome: "SELLER_FAVOR" });
    const disputes = (await events())
      .filter(({ resource_type: type }) => type === "dispute")
      .map(({ event_type: type, resource }) => [type, resource.status]);
    expect(disputes.sort()).toEqual([
      ["CUSTOMER.DISPUTE.CREATED", "OPEN"],
      ["CUSTOMER.DISPUTE.RESOLVED", "RESOLVED"],
      ["CUSTOMER.DISPUTE.UPDATED", "WAITING_FOR_SELLER_RESPONSE"],
    ]);
    expect(await (await ask("GET", path)).json()).toMatchObject({ dispute_outcome: { outcome_code: "RESOLVED_SELLER_FAVOUR" } });
    expect((await ask("POST", `${path}/accept-claim`, {})).status).toBe(422);
  });

  it("nobody, where no endpoint is set", async () => {
    sandbox.clearWebhookEndpoints("paypal");
    await captureOf();
    expect(await events()).toEqual([]);
  });
});
