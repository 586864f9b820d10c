import type { Answer, Opened, Processor, WireRequest, World } from "../processor.ts";
import type { Delivery } from "../webhooks.ts";
import { badRequest, inProgress, notFound, rateLimit, serverError, unauthorized } from "./error.ts";
import { type Json, jsonOf } from "./json.ts";
import { type Kept, KeptRequests } from "./kept-requests.ts";
import { Notifications } from "./notifications.ts";
import { Oauth } from "./oauth.ts";
import { showAuthorization, showCapture, showRefund } from "./order.ts";
import { type ObjectKind, Routes } from "./routes.ts";
import { PaypalStore } from "./store.ts";

/** A PayPal whose request ids replay the latest state. */
export class PaypalProcessor implements Processor {
  readonly provider = "paypal";
  readonly #store: PaypalStore;
  readonly #kept: KeptRequests;
  readonly #oauth: Oauth;
  readonly #notifications: Notifications;
  readonly #routes: Routes;

  constructor(world: World) {
    this.#notifications = new Notifications(world);
    this.#store = new PaypalStore(world, this.#notifications);
    this.#kept = new KeptRequests(world);
    this.#oauth = new Oauth(world);
    this.#routes = new Routes({
      store: this.#store,
      notifications: this.#notifications,
      oauth: this.#oauth,
      show: (of, id, client) => this.#show(of, id, client, true, 200),
    });
  }

  /** PEM of the authority that vouches for the signatures of webhooks. */
  get webhookAuthority(): string {
    return this.#notifications.authority;
  }

  sign(delivery: Delivery): Readonly<Record<string, string>> {
    return this.#notifications.headers(delivery);
  }

  lapseHolds(): void {
    this.#store.lapseHolds();
  }

  open(request: WireRequest): Opened {
    const { method, path, headers } = request;
    const header = headers["paypal-request-id"];
    const key = method === "POST" && typeof header === "string" && header !== "" ? header : null;
    const json = method === "POST" && request.body !== "" && headers["content-type"]?.includes("json") ? parseJson(request.body) : {};
    const body = json ?? {};
    const route = this.#routes.find(request, body);
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
}

function parseJson(text: string): Json | null {
  try {
    return jsonOf(JSON.parse(text));
  } catch {
    return null;
  }
}
