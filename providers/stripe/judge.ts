import { isCurrency, type Money } from "../contract/money.ts";
import type { Declined, Finding, Outcome } from "../contract/outcome.ts";
import type { AttemptRequest } from "../contract/provider.ts";
import { fromStripeAmount } from "./amounts.ts";
import { notSent, unknown } from "./answer.ts";
import { type CardError, declinedBy, judgeCardError } from "./declines.ts";

/** What the answer must be about. What is left out is not compared. */
export interface Expected {
  readonly object?: string;
  readonly money?: Money;
  readonly attemptId?: string;
}

export function expectedOf(request: AttemptRequest): Expected {
  return { money: request.money, attemptId: request.attemptId };
}

type Body = Record<string, unknown>;

/** Why this body is not the PaymentIntent that we asked about, or null. */
export function mismatch(body: Body, expected: Expected): string | null {
  if (body.object !== "payment_intent" || typeof body.id !== "string" || !body.id.startsWith("pi_")) return "not a PaymentIntent";
  if (expected.object !== undefined && body.id !== expected.object) return "another PaymentIntent";
  const money = fromStripeAmount(body.amount, body.currency);
  if (!money) return "no readable amount";
  if (expected.money && (money.amount !== expected.money.amount || money.currency !== expected.money.currency)) return "another amount";
  const attemptId = record(body.metadata).attempt_id;
  if (expected.attemptId !== undefined && attemptId !== undefined && attemptId !== expected.attemptId)
    return "another attempt's PaymentIntent";
  return null;
}

/** What a PaymentIntent's state says. An unpaid one is `unpaid`, also after a decline: a request in flight might pay it. */
export function findingOf(body: Body, expected: Expected): Finding {
  const wrong = mismatch(body, expected);
  if (wrong) return unknown("unexpected", `Stripe answered with ${wrong}`);
  const id = body.id as string;
  switch (body.status) {
    case "succeeded":
      return approved(id, positive(body.amount_received) ?? body.amount, body.currency, true);
    case "requires_capture":
      return { ...approved(id, positive(body.amount_capturable) ?? body.amount, body.currency, false), ...heldUntil(body) };
    case "processing":
      return { kind: "pending", reference: id, reason: "processing" };
    case "requires_action":
      return { kind: "requires_action", url: actionUrl(body) };
    case "requires_payment_method":
    case "requires_confirmation":
      return { kind: "unpaid", object: id };
    case "canceled":
      return { kind: "fenced", object: id, decline: lastDecline(body) };
    default:
      return unknown("unexpected", "a PaymentIntent in a state that we do not know");
  }
}

/** The same as the result of the step that moves money, when Stripe answered 200 to it. */
export function commitOutcome(body: Body, expected: Expected): Outcome {
  const finding = findingOf(body, expected);
  if (finding.kind === "fenced") return fencedOutcome();
  if (finding.kind !== "unpaid") return finding;
  const error = body.last_payment_error;
  if (body.status === "requires_payment_method" && error) return judgeCardError(record(error) as CardError);
  return unknown("unexpected", "confirmed, but neither paid nor declined");
}

/** Found after a refusal by state: what is not settled proves nothing. */
export function settledOutcome(finding: Finding): Outcome {
  if (finding.kind === "fenced") return fencedOutcome();
  if (finding.kind === "unpaid") return unknown("unexpected", "refused by its state, and still unpaid");
  return finding;
}

function fencedOutcome(): Outcome {
  return notSent("fenced", false, "the PaymentIntent is canceled");
}

/** A capture's result. Another amount than ours was taken by someone else's capture. */
export function captureOutcome(outcome: Outcome, request: { readonly money: Money }): Outcome {
  if (outcome.kind !== "approved") return outcome;
  if (!outcome.captured) return unknown("unexpected", "still only authorized");
  return outcome.amount === request.money.amount ? outcome : unknown("conflict", "captured, but with another amount");
}

/** A refund's state. `reference` is what was refunded. */
export function refundOutcome(body: Body, expected: { reference: string; money: Money; refund?: string }): Outcome {
  const money = fromStripeAmount(body.amount, body.currency);
  const { id } = body;
  if (body.object !== "refund" || typeof id !== "string" || body.payment_intent !== expected.reference) {
    return unknown("unexpected", "Stripe answered with another object than the refund");
  }
  if (expected.refund !== undefined && id !== expected.refund) return unknown("unexpected", "Stripe answered with another refund");
  if (money?.amount !== expected.money.amount || money.currency !== expected.money.currency) {
    return unknown("unexpected", "Stripe answered with a refund of another amount");
  }
  switch (body.status) {
    case "succeeded":
      return { kind: "approved", reference: id, amount: money.amount, captured: true };
    case "pending":
    case "requires_action":
      return { kind: "pending", reference: id, reason: body.status };
    case "failed":
    case "canceled":
      return refundFailed(body.failure_reason ?? body.status);
    default:
      return unknown("unexpected", "a refund in a state that we do not know");
  }
}

/** A refund that Stripe refuses or that failed: firm, nothing was given back. */
export function refundFailed(code: unknown): Declined {
  const providerCode = declinedBy({ code }).providerCode;
  return {
    kind: "declined",
    reason: "refund_failed",
    source: "provider",
    advice: "never",
    retryAfterS: null,
    providerCode,
    networkCode: null,
  };
}

/** Where the answer brings the charge, it may say when the hold lapses. */
function heldUntil(body: Body): { heldUntilMs?: number } {
  const { card } = record(record(body.latest_charge).payment_method_details);
  const { capture_before: seconds } = record(card);
  return typeof seconds === "number" && Number.isSafeInteger(seconds) && seconds > 0 ? { heldUntilMs: seconds * 1000 } : {};
}

function approved(reference: string, amount: unknown, currency: unknown, captured: boolean): Finding {
  const money = fromStripeAmount(amount, currency);
  if (!money) return unknown("unexpected", "paid, but with an unreadable amount");
  return { kind: "approved", reference, amount: money.amount, captured };
}

function positive(amount: unknown): number | null {
  return typeof amount === "number" && amount > 0 ? amount : null;
}

function lastDecline(body: Body): Declined | null {
  return body.last_payment_error ? declinedBy(record(body.last_payment_error) as CardError) : null;
}

function actionUrl(body: Body): string | null {
  const url = record(record(body.next_action).redirect_to_url).url;
  return typeof url === "string" && URL.canParse(url) ? url : null;
}

export function record(value: unknown): Body {
  return typeof value === "object" && value !== null ? (value as Body) : {};
}

/** An id or a short word from the wire; anything else is not one. */
export function wordOf(value: unknown): string | null {
  return typeof value === "string" && /^[\w:.-]{1,255}$/.test(value) ? value : null;
}

/** Money that may be nobody's of ours: a currency that we do not know stays as Stripe states it. */
export function foreignMoney(amount: unknown, currency: unknown): { amount: bigint; currency: string } | null {
  if (typeof currency !== "string" || !/^[a-z]{3,10}$/.test(currency)) return null;
  if (isCurrency(currency)) return fromStripeAmount(amount, currency);
  return typeof amount === "number" && Number.isSafeInteger(amount) && amount >= 0 ? { amount: BigInt(amount), currency } : null;
}
