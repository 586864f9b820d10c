import type { Operation } from "../fault.ts";
import type { Answer, Opened, Processor, WireRequest, World } from "../processor.ts";
import { captureAuthorization, refundCapture, voidAuthorization } from "./change-payment.ts";
import { type Json, jsonOf, newOrder, sourceOf } from "./create-order.ts";
import { badRequest, inProgress, notFound, rateLimit, serverError, unauthorized } from "./error.ts";
import { type Kept, KeptRequests } from "./kept-requests.ts";
import { merchantOf, Oauth } from "./oauth.ts";
import { showAuthorization, showCapture, showRefund } from "./order.ts";
import { payerAnswered, payOrder } from "./pay-order.ts";
import { PaypalStore } from "./store.ts";

const ORDER_KEY_MS = 6 * 3_600_000;
const PAYMENT_KEY_MS = 45 * 86_400_000;

type ObjectKind = (Kept & { kind: "object" })["of"];
/** What an execution made or refused. `of` and `id` name the object that a replay shows. */
type Made = { readonly of: ObjectKind; readonly id: string; readonly status: number } | { readonly answer: Answer };

interface Route {
  readonly operation: Operation | "other";
  /** Null for the token call and for pages. */
  readonly needsToken: boolean;
  /** How long the request id is kept. */
  readonly keepMs: number;
  readonly run: (client: string, body: Json, decline: string | null) => Made;
}

/** A PayPal whose request ids replay the latest state. */
export class PaypalProcessor implements Processor {
  readonly provider = "paypal";
  readonly #store: PaypalStore;
  readonly #kept: KeptRequests;
  readonly #oauth: Oauth;

  constructor(world: World) {
    this.#store = new PaypalStore(world);
    this.#kept = new KeptRequests(world);
    this.#oauth = new Oauth(world);
  }

  open(request: WireRequest): Opened {
    const { method, path, headers } = request;
    const header = headers["paypal-request-id"];
    const key = method === "POST" && typeof header === "string" && header !== "" ? header : null;
    const json = method === "POST" && request.body !== "" && headers["content-type"]?.includes("json") ? parseJson(request.body) : {};
    const body = json ?? {};
    const route = this.#route(request, body);
    const client = route.needsToken ? this.#oauth.clientOf(headers.authorization) : "";
    const id = key === null ? null : `${client} ${path} ${key}`;
    const full = headers.prefer?.includes("return=representation") ?? false;
    const kept = this.#kept;
    return {
      operation: route.operation,
      idempotencyKey: key,
      early: () => {
        if (client === null) return unauthorized();
        if (json === null) return badRequest("MALFORMED_REQUEST_JSON");
        if (id === null) return key === null && body.payment_source ? badRequest("PAYPAL_REQUEST_ID_REQUIRED") : null;
        if (kept.isRunning(id)) return inProgress();
        const earlier = kept.get(id);
        return earlier ? this.#replay(earlier, client, full) : null;
      },
      enter: () => id !== null && kept.enter(id),
      leave: () => id !== null && kept.leave(id),
      execute: (decline) => {
        const made = route.run(client ?? "", body, decline);
        if ("answer" in made) {
          if (id !== null && made.answer.executed && made.answer.status === 422) kept.keepAnswer(id, made.answer, route.keepMs);
          return made.answer;
        }
        if (id !== null) kept.keepObject(id, made.of, made.id, route.keepMs);
        return { ...this.#show(made.of, made.id, client ?? "", full, made.status), executed: true };
      },
      // PayPal keeps the object, not the answer: a 500 leaves nothing behind.
      fail: serverError,
    };
  }

  rateLimited(): Answer {
    return rateLimit();
  }

  reset(): void {
    this.#kept.reset();
  }

  #replay(earlier: Kept, client: string, full: boolean): Answer {
    if (earlier.kind === "answer") return { status: earlier.status, body: earlier.body, executed: false };
    return { ...this.#show(earlier.of, earlier.id, client, full, 200), executed: false };
  }

  #show(of: ObjectKind, id: string, client: string, full: boolean, status: number): Answer {
    const shown = this.#shown(of, id, client, full);
    if (shown === null) return notFound(`${of}_id`);
    // A void without representation has nothing to say.
    if (of === "authorization" && !full && status !== 201) return { status: 204, body: "", executed: true };
    return { status, body: JSON.stringify(shown), executed: true };
  }

  #shown(of: ObjectKind, id: string, client: string, full: boolean): Record<string, unknown> | null {
    const store = this.#store;
    const url = store.world.url();
    switch (of) {
      case "order": {
        const order = store.order(id, client);
        return order && store.showOrder(order, full);
      }
      case "capture": {
        const capture = store.capture(id, client);
        return capture && showCapture(capture, url, full);
      }
      case "authorization": {
        const held = store.authorization(id, client);
        return held && showAuthorization(held, url, full);
      }
      case "refund": {
        const refund = store.refund(id, client);
        return refund && showRefund(refund, url, full);
      }
    }
  }

  #route(request: WireRequest, body: Json): Route {
    const { method, path, headers, query } = request;
    const [, version, area, collection, id, action, more] = path.split("/");
    if (version === "approve" && area) return page(() => this.#approval(area, query));
    if (path === "/v1/oauth2/token" && method === "POST") {
      return { operation: "token", needsToken: false, keepMs: 0, run: () => ({ answer: this.#oauth.issue(headers.authorization) }) };
    }
    if (path === "/v1/identity/oauth2/userinfo" && method === "GET") return read("identify", (client) => ok(merchantOf(client)));
    const address = `${method} ${version}/${area}/${collection}${id ? "/{id}" : ""}${action ? `/${action}` : ""}`;
    const route = more === undefined ? (this.#orderRoute(address, id ?? "", body) ?? this.#paymentRoute(address, id ?? "")) : null;
    return route ?? page(() => notFound("path"));
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

  #lookup(of: ObjectKind, id: string): Route {
    return read("lookup", (client) => this.#show(of, id, client, true, 200));
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

function read(operation: Operation, answer: (client: string) => Answer): Route {
  return { operation, needsToken: true, keepMs: 0, run: (client) => ({ answer: answer(client) }) };
}

function page(answer: () => Answer): Route {
  return { operation: "other", needsToken: false, keepMs: 0, run: () => ({ answer: answer() }) };
}

function ok(shown: unknown): Answer {
  return { status: 200, body: JSON.stringify(shown), executed: true };
}

function parseJson(text: string): Json | null {
  try {
    return jsonOf(JSON.parse(text));
  } catch {
    return null;
  }
}
