import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import { Call } from "../../../providers/contract/call.ts";
import type { Currency, Money } from "../../../providers/contract/money.ts";
import type { AttemptRequest, OperationRequest, Provider } from "../../../providers/contract/provider.ts";
import { createStripeProvider } from "../../../providers/stripe/stripe.ts";
import { livedClock } from "../../support/lived-clock.ts";

export const SECRET = "sk_test_51abcdefSECRET";
export const INTENT = "pi_1";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly body: URLSearchParams;
}

/** Answers one request by hand; `nth` counts from 0. */
export type Script = (request: Seen, response: ServerResponse, nth: number) => void;

export interface RawStripe {
  readonly url: string;
  readonly seen: Seen[];
  readonly server: Server;
}

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** A server that says exactly what the script says: for what no honest simulator would do. */
export async function rawStripe(script: Script): Promise<RawStripe> {
  const seen: Seen[] = [];
  // Kept for longer than a machine stands still.
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    void text(incoming).then((body) => {
      const path = (incoming.url ?? "").split("?")[0]!;
      const query = new URLSearchParams((incoming.url ?? "").split("?")[1] ?? "");
      const request = {
        method: incoming.method ?? "",
        path,
        key: incoming.headers["idempotency-key"] as string | undefined,
        body: incoming.method === "GET" ? query : new URLSearchParams(body),
      };
      seen.push(request);
      script(request, response, seen.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, server };
}

async function text(incoming: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of incoming) body += chunk;
  return body;
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** A server that always answers the same. */
export function always(status: number, body: unknown): Promise<RawStripe> {
  return rawStripe((_request, response) => json(response, status, body));
}

export function provider(url: string, options: { maxSockets?: number; secretKey?: string; webhookSecret?: string } = {}): Provider {
  const { secretKey = SECRET, ...rest } = options;
  const stripe = createStripeProvider({ secretKey, apiBase: url, clock: livedClock, ...rest });
  opened.push(() => stripe.close());
  return stripe;
}

export function newCall(timeoutMs = 2_000, maySend?: () => boolean): Call {
  return new Call({ clock: livedClock, timeoutMs, ...(maySend ? { maySend } : {}) });
}

export function money(amount: number | bigint, currency = "usd"): Money {
  return { amount: BigInt(amount), currency: currency as Currency };
}

export function attempt(changes: Partial<AttemptRequest> = {}): AttemptRequest {
  return {
    chargeId: "ch_1",
    attemptId: "at_1",
    money: money(4200),
    token: { customer: "cus_1", payment_method: "pm_card_visa" },
    description: "Pro plan",
    reference: "invoice-1042",
    createdAtMs: Date.now(),
    ...changes,
  };
}

export function operation(changes: Partial<OperationRequest> = {}): OperationRequest {
  return { chargeId: "ch_1", attemptId: "at_1", key: "op_1", reference: INTENT, object: INTENT, money: money(4200), ...changes };
}

/** A PaymentIntent as Stripe shows it, as far as it matters. */
export function intent(status: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: INTENT,
    object: "payment_intent",
    amount: 4200,
    amount_received: status === "succeeded" ? 4200 : 0,
    amount_capturable: status === "requires_capture" ? 4200 : 0,
    currency: "usd",
    status,
    last_payment_error: null,
    next_action: null,
    metadata: { charge_id: "ch_1", attempt_id: "at_1" },
    ...changes,
  };
}

export function errorBody(type: string, code?: string, more: Record<string, unknown> = {}): { error: Record<string, unknown> } {
  return { error: { type, message: `Secret words about ${SECRET} and pm_card_visa`, ...(code ? { code } : {}), ...more } };
}

export function commit(stripe: Provider, options: { replay?: boolean; timeoutMs?: number; request?: AttemptRequest } = {}) {
  return stripe.commit(options.request ?? attempt(), INTENT, newCall(options.timeoutMs), { replay: options.replay ?? false });
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
