import type { Operation } from "../fault.ts";
import type { Answer, Opened, Processor, WireRequest, World } from "../processor.ts";
import type { Delivery } from "../webhooks.ts";
import { closeDispute, submitEvidence } from "./change-dispute.ts";
import { cancelIntent, captureIntent } from "./change-intent.ts";
import { detachMethod, renewMethod } from "./change-method.ts";
import { authenticate, confirmIntent } from "./confirm-intent.ts";
import { createIntent, methodProblem } from "./create-intent.ts";
import { type Dispute, showDispute } from "./dispute.ts";
import { invalid, missing, rateLimit, serverError, unauthorized } from "./error.ts";
import { signatureHeaders } from "./event.ts";
import { expands, type Form, parseForm, textOf } from "./form.ts";
import { showCharge } from "./intent.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { listDisputes, listIntents, listRefunds } from "./list.ts";
import { showPaymentMethod } from "./payment-method.ts";
import { createRefund } from "./refund.ts";
import { StripeStore } from "./store.ts";

const MAX_KEY_LENGTH = 255;
const ACCOUNT = "acct_sandbox";

type Run = (form: Form, account: string, decline: string | null) => Answer;
interface Route {
  readonly operation: Operation | "other";
  readonly run: Run;
}

/** A Stripe that keeps its promises, and its idempotency keys. */
export class StripeProcessor implements Processor {
  readonly provider = "stripe";
  readonly #store: StripeStore;
  readonly #kept: KeptAnswers;

  constructor(world: World) {
    this.#store = new StripeStore(world);
    this.#kept = new KeptAnswers(world);
  }

  open(request: WireRequest): Opened {
    const account = accountOf(request.headers.authorization);
    const header = request.method === "POST" ? request.headers["idempotency-key"] : undefined;
    const key = typeof header === "string" && header !== "" ? header : null;
    const id = key === null ? null : `${account} ${key}`;
    const { path, body } = request;
    const form = parseForm(request.method === "GET" ? request.query : body);
    const route = this.#route(request, form);
    const kept = this.#kept;
    const keep = (answer: Answer): Answer => {
      if (id !== null && answer.executed) kept.keep(id, path, body, answer);
      return { ...answer, headers: { "request-id": this.#store.world.ids.stripe("req"), ...answer.headers } };
    };
    return {
      operation: route.operation,
      idempotencyKey: key,
      early() {
        if (route.operation === "other") return null;
        if (account === null) return unauthorized("Invalid API Key provided: the sandbox takes keys that start with sk_test_");
        if (form === null) return invalid("Invalid request: the parameters are not a valid form.");
        if (key !== null && key.length > MAX_KEY_LENGTH) return invalid("Idempotency keys can have up to 255 characters.");
        return id === null ? null : kept.answer(id, key!, path, body);
      },
      enter: () => id !== null && kept.enter(id),
      leave: () => id !== null && kept.leave(id),
      execute: (decline) => keep(route.run(form ?? {}, account ?? "", decline)),
      fail: () => keep({ ...serverError(), executed: true }),
    };
  }

  rateLimited(): Answer {
    return rateLimit();
  }

  reset(): void {
    this.#kept.reset();
  }

  sign(delivery: Delivery): Record<string, string> {
    return signatureHeaders(delivery);
  }

  lapseHolds(): void {
    this.#store.lapseHolds();
  }

  renewInstrument(token: string, account: string | null): void {
    renewMethod(this.#store, account ?? ACCOUNT, token);
  }

  #route(request: WireRequest, form: Form | null): Route {
    const [, version, collection, id, action, more] = request.path.split("/");
    const post = request.method === "POST";
    const address = `${request.method} ${version}/${collection}`;
    if (version === "authenticate" && collection) return { operation: "other", run: () => this.#authenticated(collection, form ?? {}) };
    if (more !== undefined) return unknownAddress(request);
    if (id === undefined) return this.#collectionRoute(address, form) ?? unknownAddress(request);
    if (collection !== "payment_intents" && version === "v1") {
      return this.#objectRoute(`${address}/{id}${action === undefined ? "" : `/${action}`}`, id) ?? unknownAddress(request);
    }
    if (collection !== "payment_intents" || version !== "v1") return unknownAddress(request);
    if (!post && action === undefined) return { operation: "lookup", run: (query, account) => this.#intent(id, account, query) };
    return (post && this.#intentRoute(id, action)) || unknownAddress(request);
  }

  #collectionRoute(address: string, form: Form | null): Route | null {
    const store = this.#store;
    switch (address) {
      case "POST v1/payment_intents": {
        // With `confirm` the creation moves the money.
        const operation = form && textOf(form, "confirm") === "true" ? "commit" : "prepare";
        return { operation, run: (params, account, decline) => createIntent(store, account, params, decline) };
      }
      case "GET v1/payment_intents":
        return { operation: "lookup", run: (params, account) => listIntents(store, account, params) };
      case "POST v1/refunds":
        return { operation: "refund", run: (params, account) => createRefund(store, account, params) };
      case "GET v1/refunds":
        return { operation: "lookup", run: (params, account) => listRefunds(store, account, params) };
      case "GET v1/disputes":
        return { operation: "lookup", run: (params, account) => listDisputes(store, account, params) };
      case "GET v1/account":
        return {
          operation: "identify",
          run: (_, account) => ok({ id: account, object: "account", charges_enabled: true, type: "standard" }),
        };
      case "GET v1/balance":
        return { operation: "identify", run: () => ok({ object: "balance", available: [], livemode: false, pending: [] }) };
      default:
        return null;
    }
  }

  #objectRoute(address: string, id: string): Route | null {
    const store = this.#store;
    const onDispute = (run: (dispute: Dispute, form: Form) => Answer): Run => {
      return (form, account) => {
        const dispute = store.disputes.get(id);
        return dispute?.account === account ? run(dispute, form) : missing("dispute", id, "id");
      };
    };
    switch (address) {
      case "GET v1/refunds/{id}":
        return { operation: "lookup", run: (_, account) => this.#refund(id, account) };
      case "GET v1/charges/{id}":
        return { operation: "lookup", run: (_, account) => this.#charge(id, account) };
      case "GET v1/disputes/{id}":
        return { operation: "lookup", run: onDispute((dispute) => ok(showDispute(dispute))) };
      case "POST v1/disputes/{id}":
        return { operation: "other", run: onDispute((dispute, form) => submitEvidence(store, dispute, form)) };
      case "POST v1/disputes/{id}/close":
        return { operation: "other", run: onDispute((dispute) => closeDispute(store, dispute)) };
      case "GET v1/payment_methods/{id}":
        return { operation: "lookup", run: (_, account) => ok(showPaymentMethod(id, store.method(account, id))) };
      case "POST v1/payment_methods/{id}/detach":
        return { operation: "other", run: (_, account) => detachMethod(store, account, id) };
      default:
        return null;
    }
  }

  #intentRoute(id: string, action: string | undefined): Route | null {
    const store = this.#store;
    const on = (run: (intent: NonNullable<ReturnType<StripeStore["intent"]>>, form: Form, decline: string | null) => Answer): Run => {
      return (form, account, decline) => {
        const intent = store.intent(id, account);
        return intent ? run(intent, form, decline) : missing("payment_intent", id, "intent");
      };
    };
    switch (action) {
      case "confirm":
        return {
          operation: "commit",
          run: on((intent, form, decline) => {
            const token = textOf(form, "payment_method") ?? intent.paymentMethod;
            return methodProblem(store, intent.account, token) ?? confirmIntent(store, intent, form, decline);
          }),
        };
      case "capture":
        return { operation: "capture", run: on((intent, form) => captureIntent(store, intent, form)) };
      case "cancel":
        return { operation: "cancel", run: on((intent, form) => cancelIntent(store, intent, form)) };
      default:
        return null;
    }
  }

  #intent(id: string, account: string, query: Form): Answer {
    const intent = this.#store.intent(id, account);
    return intent ? ok(this.#store.show(intent, expands(query, "latest_charge"))) : missing("payment_intent", id, "intent");
  }

  #refund(id: string, account: string): Answer {
    const refund = this.#store.refund(id, account);
    return refund ? ok(this.#store.showRefund(refund)) : missing("refund", id, "id");
  }

  #charge(id: string, account: string): Answer {
    const charge = this.#store.charges.get(id);
    const intent = charge && this.#store.intent(charge.intent, account);
    return charge && intent ? ok(showCharge(charge, intent)) : missing("charge", id, "id");
  }

  /** The page that `next_action` sends the customer to. */
  #authenticated(id: string, query: Form): Answer {
    const intent = this.#store.intents.get(id);
    if (!intent) return { status: 404, body: "no such payment\n", headers: { "content-type": "text/plain" }, executed: false };
    authenticate(this.#store, intent, textOf(query, "result") !== "fail");
    return { status: 200, body: `${intent.status}\n`, headers: { "content-type": "text/plain" }, executed: true };
  }
}

function ok(shown: unknown): Answer {
  return { status: 200, body: JSON.stringify(shown), executed: true };
}

function unknownAddress(request: WireRequest): Route {
  const answer = invalid(`Unrecognized request URL (${request.method}: ${request.path}).`, {}, 404);
  return { operation: "other", run: () => answer };
}

/**
 * `sk_test_<name>_<secret>` belongs to the account `acct_sandbox_<name>`, so that rolled keys keep their account and two
 * accounts can be told apart; every other `sk_test_` key belongs to `acct_sandbox`. Null: not a key.
 */
function accountOf(header: string | undefined): string | null {
  const [scheme, credentials = ""] = (header ?? "").split(" ");
  const key = scheme?.toLowerCase() === "basic" ? Buffer.from(credentials, "base64").toString("utf8").split(":")[0]! : credentials;
  if (!/^sk_test_\w+$/.test(key)) return null;
  const name = /^sk_test_([A-Za-z0-9]+)_/.exec(key)?.[1];
  return name ? `${ACCOUNT}_${name}` : ACCOUNT;
}
