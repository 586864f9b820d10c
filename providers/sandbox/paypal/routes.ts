import type { Operation } from "../fault.ts";
import type { Answer, WireRequest } from "../processor.ts";
import { decideDispute, escalateDispute } from "./change-dispute.ts";
import { captureAuthorization, refundCapture, voidAuthorization } from "./change-payment.ts";
import { newOrder, sourceOf } from "./create-order.ts";
import { type Dispute, showDispute } from "./dispute.ts";
import { badRequest, notFound } from "./error.ts";
import type { Json } from "./json.ts";
import type { Kept } from "./kept-requests.ts";
import type { Notifications } from "./notifications.ts";
import { merchantOf, type Oauth } from "./oauth.ts";
import { payerAnswered, payOrder } from "./pay-order.ts";
import { searchTransactions } from "./report.ts";
import type { PaypalStore } from "./store.ts";

const ORDER_KEY_MS = 6 * 3_600_000;
const PAYMENT_KEY_MS = 45 * 86_400_000;

export type ObjectKind = (Kept & { kind: "object" })["of"];
/** What an execution made or refused. `of` and `id` name the object that a replay shows. */
export type Made = { readonly of: ObjectKind; readonly id: string; readonly status: number } | { readonly answer: Answer };

export interface Route {
  readonly operation: Operation | "other";
  /** False for the token call, for pages and for certificates. */
  readonly needsToken: boolean;
  /** How long the request id is kept. */
  readonly keepMs: number;
  readonly run: (client: string, body: Json, decline: string | null) => Made;
}

export interface RouteParts {
  readonly store: PaypalStore;
  readonly notifications: Notifications;
  readonly oauth: Oauth;
  readonly show: (of: ObjectKind, id: string, client: string) => Answer;
}

/** PayPal's addresses. */
export class Routes {
  readonly #store: PaypalStore;
  readonly #notifications: Notifications;
  readonly #oauth: Oauth;
  readonly #show: RouteParts["show"];

  constructor(parts: RouteParts) {
    this.#store = parts.store;
    this.#notifications = parts.notifications;
    this.#oauth = parts.oauth;
    this.#show = parts.show;
  }

  find(request: WireRequest, body: Json): Route {
    const { method, path, query } = request;
    const [, version, area, collection, id, action, more] = path.split("/");
    if (version === "approve" && area) return page(() => this.#approval(area, query));
    const address = `${method} ${version}/${area}/${collection}${id ? "/{id}" : ""}${action ? `/${action}` : ""}`;
    const found =
      this.#accountRoute(request) ??
      this.#orderRoute(address, id ?? "", body) ??
      this.#paymentRoute(address, id ?? "") ??
      this.#afterwardsRoute(address, id ?? "", request);
    return found !== null && more === undefined ? found : page(() => notFound("path"));
  }

  #accountRoute({ method, path, headers }: WireRequest): Route | null {
    if (path === "/v1/oauth2/token" && method === "POST") {
      return { operation: "token", needsToken: false, keepMs: 0, run: () => ({ answer: this.#oauth.issue(headers.authorization) }) };
    }
    if (path === "/v1/identity/oauth2/userinfo" && method === "GET") return read("identify", (client) => ok(merchantOf(client)));
    return null;
  }

  #orderRoute(address: string, id: string, body: Json): Route | null {
    switch (address) {
      case "POST v2/checkout/orders": {
        // With a vaulted source the creation moves the money.
        const single = sourceOf(body) !== null;
        const operation = single ? "commit" : "prepare";
        return {
          operation,
          needsToken: true,
          keepMs: ORDER_KEY_MS,
          run: (client, json, decline) => this.#createOrder(client, json, decline),
        };
      }
      case "POST v2/checkout/orders/{id}/capture":
        return commit((client, json, decline) => this.#pay("CAPTURE", id, client, json, decline));
      case "POST v2/checkout/orders/{id}/authorize":
        return commit((client, json, decline) => this.#pay("AUTHORIZE", id, client, json, decline));
      case "GET v2/checkout/orders/{id}":
        return this.#lookup("order", id);
      default:
        return null;
    }
  }

  #paymentRoute(address: string, id: string): Route | null {
    switch (address) {
      case "GET v2/payments/captures/{id}":
        return this.#lookup("capture", id);
      case "GET v2/payments/refunds/{id}":
        return this.#lookup("refund", id);
      case "GET v2/payments/authorizations/{id}":
        return this.#lookup("authorization", id);
      case "POST v2/payments/captures/{id}/refund":
        return write("refund", (client, json) => this.#refund(id, client, json));
      case "POST v2/payments/authorizations/{id}/capture":
        return write("capture", (client, json) => this.#captureHeld(id, client, json));
      case "POST v2/payments/authorizations/{id}/void":
        return write("cancel", (client) => this.#void(id, client));
      default:
        return null;
    }
  }

  /** What comes after a payment: disputes, webhooks, reports, and the end of a saved instrument. */
  #afterwardsRoute(address: string, id: string, { query, body: text }: WireRequest): Route | null {
    switch (address) {
      case "GET v1/reporting/transactions":
        return read("lookup", (client) => searchTransactions(this.#store, client, new URLSearchParams(query)));
      case "GET v1/notifications/certs/{id}":
        return page(() => this.#notifications.certificate(id));
      case "GET v1/notifications/webhooks-events/{id}":
        return read("lookup", (client) => this.#notifications.event(id, client));
      case "POST v1/notifications/verify-webhook-signature":
        return { ...read("lookup", () => notFound("path")), run: (_, body) => ({ answer: this.#notifications.verify(body, text) }) };
      case "GET v1/customer/disputes/{id}":
        return this.#dispute(id, () => null);
      case "POST v1/customer/disputes/{id}/escalate":
        return this.#dispute(id, (dispute) => escalateDispute(this.#store, dispute));
      case "POST v1/customer/disputes/{id}/accept-claim":
        return this.#dispute(id, (dispute) => decideDispute(this.#store, dispute, "BUYER_FAVOR"));
      case "POST v1/customer/disputes/{id}/adjudicate":
        return this.#dispute(id, (dispute, body) => decideDispute(this.#store, dispute, body.adjudication_outcome));
      case "DELETE v3/vault/payment-tokens/{id}":
        return read("other", (client) => {
          this.#store.removeToken(client, decodeURIComponent(id));
          return { status: 204, body: "", executed: true };
        });
      default:
        return null;
    }
  }

  #dispute(id: string, act: (dispute: Dispute, body: Json) => Answer | null): Route {
    const run: Route["run"] = (client, body) => {
      const dispute = this.#store.dispute(id, client);
      if (!dispute) return { answer: notFound("dispute_id") };
      return { answer: act(dispute, body) ?? ok(showDispute(dispute)) };
    };
    return { operation: "other", needsToken: true, keepMs: 0, run };
  }

  #lookup(of: ObjectKind, id: string): Route {
    return read("lookup", (client) => this.#show(of, id, client));
  }

  #createOrder(client: string, body: Json, decline: string | null): Made {
    const made = newOrder(this.#store, client, body);
    if ("problem" in made) return { answer: made.problem };
    const { order } = made;
    const source = sourceOf(body);
    const refused = source ? payOrder(this.#store, order, source, decline) : null;
    if (refused && order.status !== "PAYER_ACTION_REQUIRED") return { answer: refused };
    this.#store.orders.put(order.id, order);
    return { of: "order", id: order.id, status: 201 };
  }

  #pay(intent: "CAPTURE" | "AUTHORIZE", id: string, client: string, body: Json, decline: string | null): Made {
    const order = this.#store.order(id, client);
    if (!order) return { answer: notFound("order_id") };
    if (order.intent !== intent) return { answer: badRequest("ACTION_DOES_NOT_MATCH_INTENT") };
    const refused = payOrder(this.#store, order, sourceOf(body), decline);
    return refused ? { answer: refused } : { of: "order", id, status: 201 };
  }

  #refund(id: string, client: string, body: Json): Made {
    const capture = this.#store.capture(id, client);
    if (!capture) return { answer: notFound("capture_id") };
    const made = refundCapture(this.#store, capture, body);
    return "problem" in made ? { answer: made.problem } : { of: "refund", id: made.refund.id, status: 201 };
  }

  #captureHeld(id: string, client: string, body: Json): Made {
    const held = this.#store.authorization(id, client);
    if (!held) return { answer: notFound("authorization_id") };
    const made = captureAuthorization(this.#store, held, body);
    return "problem" in made ? { answer: made.problem } : { of: "capture", id: made.capture.id, status: 201 };
  }

  #void(id: string, client: string): Made {
    const held = this.#store.authorization(id, client);
    if (!held) return { answer: notFound("authorization_id") };
    const refused = voidAuthorization(this.#store, held);
    return refused ? { answer: refused } : { of: "authorization", id, status: 200 };
  }

  /** The page that `approve` and `payer-action` links send the payer to. */
  #approval(id: string, query: string): Answer {
    const headers = { "content-type": "text/plain" };
    const order = this.#store.orders.get(id);
    if (!order) return { status: 404, body: "no such order\n", headers, executed: false };
    payerAnswered(this.#store, order, new URLSearchParams(query).get("result") !== "fail");
    return { status: 200, body: `${order.status}\n`, headers, executed: true };
  }
}

function commit(run: Route["run"]): Route {
  return write("commit", run);
}

function write(operation: Operation, run: Route["run"]): Route {
  return { operation, needsToken: true, keepMs: PAYMENT_KEY_MS, run };
}

function read(operation: Route["operation"], answer: (client: string) => Answer): Route {
  return { operation, needsToken: true, keepMs: 0, run: (client) => ({ answer: answer(client) }) };
}

function page(answer: () => Answer): Route {
  return { operation: "other", needsToken: false, keepMs: 0, run: () => ({ answer: answer() }) };
}

function ok(shown: unknown): Answer {
  return { status: 200, body: JSON.stringify(shown), executed: true };
}
