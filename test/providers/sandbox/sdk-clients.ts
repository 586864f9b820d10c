import {
  CheckoutPaymentIntent,
  Client,
  Environment,
  type Order,
  type OrderCaptureRequest,
  OrdersController,
  PaymentsController,
} from "@paypal/paypal-server-sdk";
import Stripe from "stripe";
import type { Sandbox } from "../../../providers/sandbox/sandbox.ts";

/** The official SDK against the sandbox, without its own retries. */
export function stripeAt(baseUrl: string, key = "sk_test_sandbox"): Stripe {
  const { hostname, port } = new URL(baseUrl);
  return new Stripe(key, { host: hostname, port, protocol: "http", telemetry: false, maxNetworkRetries: 0, timeout: 30_000 });
}

/** Creates an intent and leaves it unconfirmed, as the gateway's prepare step does. */
export function prepareIntent(stripe: Stripe, token = "pm_card_visa", more: Partial<Stripe.PaymentIntentCreateParams> = {}) {
  return stripe.paymentIntents.create({
    amount: 4200,
    currency: "usd",
    customer: "cus_1",
    payment_method: token,
    metadata: { charge_id: "ch_1", attempt_id: "at_1" },
    ...more,
  });
}

/** The official SDK knows two addresses; this one rewrites them. */
class ClientAt extends Client {
  readonly #baseUrl: string;

  constructor(baseUrl: string, clientId: string, clientSecret: string) {
    super({
      environment: Environment.Sandbox,
      clientCredentialsAuthCredentials: { oAuthClientId: clientId, oAuthClientSecret: clientSecret },
      timeout: 30_000,
    });
    this.#baseUrl = baseUrl;
  }

  override getRequestBuilderFactory(): ReturnType<Client["getRequestBuilderFactory"]> {
    const factory = super.getRequestBuilderFactory();
    return (...args) => {
      const builder = factory(...args);
      builder.interceptRequest((request) => {
        const { pathname, search } = new URL(request.url);
        return { ...request, url: `${this.#baseUrl}${pathname}${search}` };
      });
      return builder;
    };
  }
}

export interface PaypalClients {
  readonly orders: OrdersController;
  readonly payments: PaymentsController;
}

export function clientAt(baseUrl: string, clientId = "client", clientSecret = "secret"): Client {
  return new ClientAt(baseUrl, clientId, clientSecret);
}

export function paypalAt(baseUrl: string, clientId = "client", clientSecret = "secret"): PaypalClients {
  const client = clientAt(baseUrl, clientId, clientSecret);
  return { orders: new OrdersController(client), payments: new PaymentsController(client) };
}

let orders = 0;

/** Creates an order without a source, as the gateway's prepare step does. */
export async function createOrder(
  { orders: controller }: PaypalClients,
  more: { invoiceId?: string; intent?: CheckoutPaymentIntent; value?: string; currency?: string; key?: string } = {},
): Promise<string> {
  orders += 1;
  const { result } = await controller.createOrder({
    paypalRequestId: more.key ?? `create-${orders}`,
    prefer: "return=representation",
    body: {
      intent: more.intent ?? CheckoutPaymentIntent.Capture,
      purchaseUnits: [
        {
          amount: { currencyCode: more.currency ?? "USD", value: more.value ?? "42.00" },
          invoiceId: more.invoiceId ?? `ch_${orders}`,
          customId: `at_${orders}`,
        },
      ],
    },
  });
  return result.id!;
}

export function vaulted(vaultId: string): OrderCaptureRequest {
  return { paymentSource: { card: { vaultId } } };
}

export async function captureOrder(
  { orders: controller }: PaypalClients,
  id: string,
  vaultId: string,
  key = `capture-${id}`,
): Promise<{ order: Order; status: number }> {
  const answer = await controller.captureOrder({ id, paypalRequestId: key, prefer: "return=representation", body: vaulted(vaultId) });
  return { order: answer.result, status: answer.statusCode };
}

/** What a rejected call carries. */
export async function rejection(call: Promise<unknown>): Promise<Record<string, never> & { message: string }> {
  return call.then(
    () => {
      throw new Error("the call should have failed");
    },
    (error) => error,
  );
}

/** The issue that a PayPal error names. */
export async function issueOf(call: Promise<unknown>): Promise<{ status: number; issue: string }> {
  const error = (await rejection(call)) as unknown as { statusCode: number; body: string };
  const body = JSON.parse(error.body) as { details?: { issue: string }[]; name?: string };
  return { status: error.statusCode, issue: body.details?.[0]?.issue ?? body.name ?? "" };
}

/** What the ledger says in short: `stripe capture 4200 usd`. */
export function moves(sandbox: Sandbox): string[] {
  return sandbox.ledger().map(({ provider, type, amount, currency }) => `${provider} ${type} ${amount} ${currency}`);
}
