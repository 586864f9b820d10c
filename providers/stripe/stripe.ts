import { Stripe } from "stripe";
import type { Call } from "../contract/call.ts";
import type { Clock } from "../contract/clock.ts";
import type { Finding, Outcome, Prepared } from "../contract/outcome.ts";
import {
  type AttemptRequest,
  type Capabilities,
  type Identity,
  type LookupQuery,
  type OperationRequest,
  type Provider,
  stepKey,
} from "../contract/provider.ts";
import type { Records, RecordsQuery } from "../contract/records.ts";
import type { WebhookDelivery, WebhookReading } from "../contract/webhook.ts";
import { toStripeAmount } from "./amounts.ts";
import { type Ask, answerOf, doubtful, endedOutcome, needsLook, notSent, outcomeOf, unknown } from "./answer.ts";
import { DEFAULT_MAX_SOCKETS, GatedHttpClient } from "./http-client.ts";
import { captureOutcome, commitOutcome, expectedOf, findingOf, mismatch, settledOutcome } from "./judge.ts";
import { look, lookup } from "./look.ts";
import { records } from "./records.ts";
import { lookupRefund, refund } from "./refunds.ts";
import { createParams } from "./request.ts";
import { checkStripeToken, type StripeToken } from "./token.ts";
import { readWebhook, webhookSecrets } from "./webhook.ts";

export interface StripeOptions {
  /** The provider's id in this installation; default `stripe`. */
  readonly id?: string;
  readonly secretKey: string;
  /** Of the webhook endpoint, `whsec_...`; several, separated by commas, while it is rolled. Without it webhooks cannot be read. */
  readonly webhookSecret?: string;
  /** Another address of the API, scheme, host and port only. */
  readonly apiBase?: string;
  readonly clock: Clock;
  readonly maxSockets?: number;
}

/** Stripe prunes idempotency keys after 24 h, and a pruned key is a new request. */
const KEY_AGE_MS = 23 * 3600 * 1000;

const CAPABILITIES: Capabilities = {
  fence: true,
  prepareKeyAgeMs: KEY_AGE_MS,
  commitKeyAgeMs: KEY_AGE_MS,
  operationKeyAgeMs: KEY_AGE_MS,
  captureKeyAgeMs: Number.POSITIVE_INFINITY,
  holdMs: 7 * 24 * 3600 * 1000,
  // Depends on the account's country; Stripe refuses the others in prepare, where a refusal costs nothing.
  currencies: null,
};

export function createStripeProvider(options: StripeOptions): Provider {
  return new StripeProvider(options);
}

class StripeProvider implements Provider {
  readonly id: string;
  readonly kind = "stripe";
  readonly capabilities = CAPABILITIES;
  readonly readWebhook?: (delivery: WebhookDelivery, call: Call) => Promise<WebhookReading>;
  readonly #clock: Clock;
  readonly #http: GatedHttpClient;
  readonly #stripe: Stripe;
  readonly #livemode: boolean | null;

  constructor(options: StripeOptions) {
    this.id = options.id ?? "stripe";
    this.#clock = options.clock;
    const base = new URL(options.apiBase ?? "https://api.stripe.com");
    if (base.pathname !== "/" || !/^https?:$/.test(base.protocol)) throw new TypeError("apiBase must be http(s)://host[:port]");
    const secure = base.protocol === "https:";
    this.#http = new GatedHttpClient({ secure, maxSockets: options.maxSockets ?? DEFAULT_MAX_SOCKETS });
    this.#stripe = new Stripe(options.secretKey, {
      httpClient: this.#http,
      maxNetworkRetries: 0,
      telemetry: false,
      host: base.hostname.replace(/^\[|\]$/g, ""),
      port: base.port || (secure ? 443 : 80),
      protocol: secure ? "https" : "http",
    });
    this.#livemode = livemodeOf(options.secretKey);
    const check = { secrets: webhookSecrets(options.webhookSecret ?? ""), livemode: this.#livemode };
    if (check.secrets.length === 0) return;
    this.readWebhook = (delivery, call) =>
      this.#within<WebhookReading>(
        call,
        (ask) => readWebhook(delivery, check, ask),
        (ended) => ({ kind: "unknown", detail: "detail" in ended ? ended.detail : ended.kind }),
      );
  }

  checkToken(token: unknown): { path: string; message: string } | null {
    return checkStripeToken(token);
  }

  tokenReference(token: unknown): string {
    return (token as StripeToken).payment_method;
  }

  async identify(call: Call): Promise<Identity | { kind: "unknown"; detail: string }> {
    const livemode = this.#livemode;
    if (livemode === null) return { kind: "unknown", detail: "the key says neither live nor test" };
    return this.#within<Identity | { kind: "unknown"; detail: string }>(
      call,
      async (ask) => {
        const answer = await ask((stripe) => stripe.accounts.retrieveCurrent());
        if (answer.kind !== "ok") return { kind: "unknown", detail: answer.detail };
        const { id, object } = answer.body;
        if (object !== "account" || typeof id !== "string" || !/^acct_\w+$/.test(id)) return { kind: "unknown", detail: "not an account" };
        return { kind: "identity", account: id, livemode };
      },
      (ended) => ({ kind: "unknown", detail: "detail" in ended ? ended.detail : ended.kind }),
    );
  }

  /** Creates the PaymentIntent without confirming it: no money moves, whatever comes back. */
  async prepare(request: AttemptRequest, call: Call): Promise<Prepared | Outcome> {
    const body = createParams(request);
    if ("problem" in body) return notSent("rejected", false, body.problem);
    return this.#within<Prepared | Outcome>(call, async (ask) => {
      const answer = await ask((stripe) =>
        stripe.paymentIntents.create(body.params, { idempotencyKey: stepKey(request.attemptId, "prepare") }),
      );
      if (answer.kind !== "ok") return outcomeOf(answer, call, false);
      const wrong = mismatch(answer.body, expectedOf(request));
      // Whatever its state is: commit will be told by Stripe if it is not one to confirm.
      return wrong ? unknown("unexpected", `Stripe answered with ${wrong}`) : { kind: "prepared", object: answer.body.id as string };
    });
  }

  async commit(request: AttemptRequest, object: string, call: Call, options: { readonly replay: boolean }): Promise<Outcome> {
    const expected = { ...expectedOf(request), object };
    return this.#within<Outcome>(
      call,
      async (ask) => {
        const idempotencyKey = stepKey(request.attemptId, "commit");
        // A hold's charge says until when it stands. Asked for by the committed request alone: a replay must send the same.
        const params = { off_session: true, ...(request.capture === "manual" ? { expand: ["latest_charge"] } : {}) };
        const answer = await ask((stripe) => stripe.paymentIntents.confirm(object, params, { idempotencyKey }));
        if (answer.kind === "ok") return commitOutcome(answer.body, expected);
        if (needsLook(answer, object)) return settledOutcome(await look(ask, object, expected));
        return outcomeOf(answer, call, options.replay);
      },
      undefined,
      options.replay,
    );
  }

  async capture(request: OperationRequest, call: Call, options = { replay: false }): Promise<Outcome> {
    const amount = toStripeAmount(request.money);
    if ("problem" in amount) return notSent("rejected", false, amount.problem);
    const expected = { object: request.object, attemptId: request.attemptId };
    return this.#within<Outcome>(
      call,
      async (ask) => {
        const params = { amount_to_capture: amount.amount };
        // A PaymentIntent is captured once, whatever the key: a replay under the old key would meet a stored 500 for a day.
        const key = options.replay ? {} : { idempotencyKey: request.key };
        const answer = await ask((stripe) => stripe.paymentIntents.capture(request.object, params, key));
        if (answer.kind === "ok") return captureOutcome(commitOutcome(answer.body, expected), request);
        if (needsLook(answer, request.object)) {
          return captureOutcome(settledOutcome(await look(ask, request.object, expected)), request);
        }
        return outcomeOf(answer, call, options.replay);
      },
      undefined,
      options.replay,
    );
  }

  /**
   * The fence. Without an idempotency key of ours (the SDK makes one up per request): canceling is idempotent by the
   * PaymentIntent's state, while a stable key would replay a stored 500 for a day and the fence would never stand.
   */
  async cancel(object: string, call: Call): Promise<Finding> {
    return this.#within<Finding>(
      call,
      async (ask) => {
        const answer = await ask((stripe) => stripe.paymentIntents.cancel(object));
        let finding: Finding;
        if (answer.kind === "ok") finding = findingOf(answer.body, { object });
        else if (needsLook(answer, object)) finding = await look(ask, object, { object });
        else finding = doubtful(outcomeOf(answer, call, true));
        const open = finding.kind === "unpaid" || (finding.kind === "approved" && !finding.captured);
        return open ? unknown("unexpected", "not canceled") : finding;
      },
      doubtful,
      true,
    );
  }

  async refund(request: OperationRequest, call: Call, options = { replay: false }): Promise<Outcome> {
    return this.#within<Outcome>(call, (ask) => refund(ask, request, call, options.replay), undefined, options.replay);
  }

  async lookupRefund(request: OperationRequest, reference: string | null, call: Call): Promise<Outcome> {
    return this.#within<Outcome>(call, (ask) => lookupRefund(ask, request, reference, call), undefined, true);
  }

  async lookup(query: LookupQuery, call: Call): Promise<{ object: string | null; finding: Finding }> {
    let { object } = query;
    const learned = (found: string): void => {
      object = found;
    };
    return this.#within<{ object: string | null; finding: Finding }>(
      call,
      (ask) => lookup(ask, query, learned),
      (ended) => ({ object, finding: doubtful(ended) }),
      true,
    );
  }

  async records(query: RecordsQuery, call: Call): Promise<Records> {
    const ended = (outcome: Outcome): Records => (outcome.kind === "unknown" ? outcome : unknown("unexpected", outcome.kind));
    return this.#within<Records>(call, (ask) => records(ask, query, call), ended, true);
  }

  close(): void {
    this.#http.close();
  }

  /** Runs `work` under the call's deadline, with the gate around every request that it makes. */
  #within<T>(
    call: Call,
    work: (ask: Ask) => Promise<T>,
    ended: (outcome: Outcome) => T = (outcome) => outcome as T,
    replay = false,
  ): Promise<T> {
    const startedAt = this.#clock.monotonic();
    const ask: Ask = (sdkCall) => answerOf(() => this.#http.within(call, () => sdkCall(this.#stripe)));
    return call.run(
      () => work(ask),
      (bug) => ended(unknown("unexpected", `a bug: ${bug instanceof Error ? bug.name : typeof bug}`)),
      () => ended(endedOutcome(call, this.#clock.monotonic() - startedAt, replay)),
    );
  }
}

/** `sk_live_`, `rk_live_`, `sk_org_live_` and their test twins; null if the key does not say. */
function livemodeOf(secretKey: string): boolean | null {
  const match = /^(?:sk|rk)_(?:org_)?(live|test)_/.exec(secretKey);
  return match ? match[1] === "live" : null;
}
