import { Stripe } from "stripe";
import { type Call, GateClosed } from "../contract/call.ts";
import type { Finding, NotSentCause, Outcome, Unknown, UnknownCause } from "../contract/outcome.ts";
import { type CardError, judgeCardError } from "./declines.ts";
import { WireError } from "./http-client.ts";

/** What came back for one request, with everything that stripe-node does to it undone. */
export type Answer =
  | { readonly kind: "ok"; readonly body: Record<string, unknown> }
  | {
      readonly kind: "error";
      readonly status: number;
      readonly error: StripeErrorBody;
      readonly detail: string;
      /** Stripe says that this is the stored answer to the key's first request. */
      readonly replayed: boolean;
    }
  | { readonly kind: "nothing"; readonly cause: UnknownCause | "gate_closed"; readonly detail: string };

export interface StripeErrorBody extends CardError {
  readonly type?: unknown;
  readonly param?: unknown;
  readonly message?: unknown;
  readonly payment_intent?: unknown;
}

type WithResponse = object & { lastResponse: { statusCode?: number } };

/** Asks Stripe one thing within a call. Never throws. */
export type Ask = (sdkCall: (stripe: Stripe) => Promise<WithResponse>) => Promise<Answer>;

/** Runs one SDK call. Never throws: whatever it throws is an answer. */
export async function answerOf(sdkCall: () => Promise<WithResponse>): Promise<Answer> {
  try {
    const body = await sdkCall();
    const status = body.lastResponse.statusCode ?? 0;
    // stripe-node resolves every JSON without `error` as success, whatever its status.
    if (status === 200) return { kind: "ok", body: { ...body } };
    return { kind: "nothing", cause: status >= 500 ? "server_error" : "unreadable", detail: `HTTP ${status} without an error object` };
  } catch (thrown) {
    return answerOfThrown(thrown);
  }
}

function answerOfThrown(thrown: unknown): Answer {
  if (!(thrown instanceof Stripe.errors.StripeError)) {
    return { kind: "nothing", cause: "unexpected", detail: thrown instanceof Error ? thrown.name : "not an error" };
  }
  if (typeof thrown.statusCode === "number") {
    const error = thrown.raw as unknown as StripeErrorBody;
    const replayed = (thrown.headers as Record<string, unknown> | undefined)?.["idempotent-replayed"] === "true";
    return { kind: "error", status: thrown.statusCode, error, detail: describe(thrown.statusCode, error, thrown.requestId), replayed };
  }
  const detail: unknown = thrown.detail;
  if (detail instanceof GateClosed) return { kind: "nothing", cause: "gate_closed", detail: "the call was closed" };
  if (detail instanceof WireError) return { kind: "nothing", cause: detail.evidence, detail: scrub(detail.message) };
  return { kind: "nothing", cause: "unreadable", detail: "the SDK could not read the answer" };
}

/** Types of error objects that Stripe's API sends. Another sender's JSON (a proxy, a firewall) proves nothing. */
const STRIPE_TYPES: ReadonlySet<unknown> = new Set([
  "api_error",
  "authentication_error",
  "card_error",
  "idempotency_error",
  "invalid_request_error",
  "permission_error",
  "rate_limit_error",
]);

/**
 * What an answer other than 200 says about a POST. `payment_intent_unexpected_state` is not decided here: it may mean
 * success, the caller looks first.
 */
export function outcomeOf(answer: Exclude<Answer, { kind: "ok" }>, call: Call, replay: boolean): Outcome {
  if (answer.kind === "nothing") return sticky(nothing(answer.cause, answer.detail, call), replay);
  const { status, error, detail } = answer;
  if (!STRIPE_TYPES.has(error.type)) return unknown(status >= 500 ? "server_error" : "unreadable", detail);
  if (status >= 500) return unknown("server_error", detail);
  if (error.type === "idempotency_error") return unknown(status === 409 ? "in_progress" : "conflict", detail);
  if (status === 409 || error.code === "lock_timeout") return unknown("in_progress", detail);
  if (status === 402) return error.type === "card_error" ? judgeCardError(error) : unknown("unexpected", detail);
  return sticky(refused(status, error, detail), replay);
}

/** Refusals before execution, the first send only. */
function refused(status: number, error: StripeErrorBody, detail: string): Outcome {
  if (status === 429 || (status === 400 && error.code === "rate_limit")) return notSent("rate_limited", true, detail);
  if (status === 401 || status === 403) return notSent("unauthorized", true, detail);
  if ((status === 400 || status === 404) && error.type === "invalid_request_error") {
    return { ...notSent("rejected", false, detail), ...(saysTokenGone(error) ? { tokenGone: true } : {}) };
  }
  return unknown("unexpected", detail);
}

/** Stripe gives a detached payment method no code, only these words. A hint about the token, never about money. */
const MAY_NOT_BE_USED_AGAIN = /PaymentMethod.*may not be used again/;

function saysTokenGone({ code, param, message }: StripeErrorBody): boolean {
  if (code === "resource_missing") return param === "payment_method";
  return typeof message === "string" && MAY_NOT_BE_USED_AGAIN.test(message);
}

function nothing(cause: UnknownCause | "gate_closed", detail: string, call: Call): Outcome {
  // The transport counts an attempt in the step in which it hands the request to a connected socket.
  if (call.wireAttempts > 0) return unknown(cause === "gate_closed" ? "timeout" : cause, detail);
  if (cause === "gate_closed") return notSent("gate_closed", false, detail);
  if (cause === "connection_lost") return notSent("refused", true, `no connection: ${detail}`);
  return notSent("rejected", false, `not sent: ${detail}`);
}

/** The call ended unanswered. Without a connection by then, the gate that closes in this same step makes it proof. */
export function endedOutcome(call: Call, elapsedMs: number, replay: boolean): Outcome {
  if (call.wireAttempts > 0) return unknown("timeout", `no answer after ${Math.round(elapsedMs)} ms`);
  // Closed from outside, or by its own deadline? That one finds it still open.
  if (call.closed) return sticky(notSent("gate_closed", false, "the call was closed"), replay);
  return sticky(notSent("refused", true, `no connection within ${call.timeoutMs} ms`), replay);
}

/** Doubt is sticky (law 5): "not executed" about a replay says nothing about the first send. */
function sticky(outcome: Outcome, replay: boolean): Outcome {
  if (!replay || outcome.kind !== "not_sent") return outcome;
  return unknown(outcome.cause === "refused" ? "connection_lost" : "unexpected", `replay: ${outcome.detail}`);
}

/** Refused because of the state that the PaymentIntent or its charge is in. */
const BY_STATE: ReadonlySet<unknown> = new Set([
  "payment_intent_unexpected_state",
  "charge_already_captured",
  "charge_expired_for_capture",
  "capture_charge_authorization_expired",
]);

/**
 * Refused because of the PaymentIntent's state: it may have succeeded, so look. The same when a card error brings a
 * PaymentIntent that is not the one we asked about, or that is paid.
 */
export function needsLook(answer: Answer, object: string): boolean {
  if (answer.kind !== "error") return false;
  if (BY_STATE.has(answer.error.code)) return true;
  const intent = answer.error.payment_intent as { id?: unknown; status?: unknown } | undefined | null;
  if (answer.status !== 402 || typeof intent !== "object" || intent === null) return false;
  return intent.id !== object || intent.status === "succeeded" || intent.status === "processing" || intent.status === "requires_capture";
}

/** Looks and fences know no `not_sent`: what was not executed proves nothing about the object. */
export function doubtful(outcome: Outcome): Finding {
  return outcome.kind === "not_sent" ? unknown(outcome.cause === "refused" ? "connection_lost" : "unexpected", outcome.detail) : outcome;
}

export function unknown(cause: UnknownCause, detail: string): Unknown {
  return { kind: "unknown", cause, detail: detail.slice(0, MAX_DETAIL_LENGTH) };
}

export function notSent(cause: NotSentCause, fault: boolean, detail: string): Outcome {
  return { kind: "not_sent", cause, fault, detail: detail.slice(0, MAX_DETAIL_LENGTH) };
}

const MAX_DETAIL_LENGTH = 300;

/** Stripe's `message` is left out: it repeats ids and parts of keys. */
function describe(status: number, error: StripeErrorBody, requestId: unknown): string {
  const words = [error.type, error.code, error.param].filter((word) => typeof word === "string").map((word) => scrub(word as string));
  return [`Stripe ${status}`, ...words, ...(typeof requestId === "string" ? [scrub(requestId)] : [])].join(" ");
}

/** Keeps short plain words; blanks what looks like a key, an instrument or a card number. */
export function scrub(text: string): string {
  return text
    .slice(0, 100)
    .replace(/[^\w .,:[\]()-]/g, "?")
    .replace(/(?:(?:sk|rk|pk)_(?:org_)?(?:live|test)|whsec|pm|cus|src|tok)_\w+/g, "[removed]")
    .replace(/card_(?=\w*[A-Z\d])\w+/g, "[removed]") // an id: Stripe's words (card_declined) have no digits
    .replace(/\d[\d -]{10,}\d/g, "[removed]");
}
