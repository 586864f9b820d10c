import type { AuthorizationWithAdditionalData, CapturedPayment, Order, OrdersCapture, Refund } from "@paypal/paypal-server-sdk";
import type { Money } from "../contract/money.ts";
import type { Approved, Declined, Finding, Outcome, Pending, Unknown } from "../contract/outcome.ts";
import { fromPayPalAmount } from "./amounts.ts";
import { actionUrlOf } from "./answer.ts";
import { notSent, refundFailed, unknown } from "./classify.ts";
import { declinedByProcessor, isDuplicate, word } from "./declines.ts";
import { timeOf } from "./time.ts";

/** What the answer must be about. */
export interface Expected {
  readonly chargeId: string;
  readonly attemptId: string;
  readonly money: Money;
}

/** The order alone does not say; the capture, or the order read anew, may. */
export interface Unclear {
  readonly kind: "unclear";
  readonly capture: string | null;
}

type Payment = OrdersCapture | CapturedPayment;
type Hold = AuthorizationWithAdditionalData;
type Verdict = Approved | Pending | Declined | Unknown | Unclear;

/**
 * What became of the attempt, by its order. The order's own status never says that money moved: an order is COMPLETED
 * also when its capture was DECLINED. `order` is the id that was asked for, null where PayPal has just chosen it.
 */
export function judgeOrder(order: Order, id: string | null, expected: Expected): Finding | Unclear {
  if (!word(order.id) || (id !== null && order.id !== id)) return unknown("unexpected", "PayPal answered with another order");
  const units = order.purchaseUnits ?? [];
  const unit = units[0];
  const captures = unit?.payments?.captures ?? [];
  const authorizations = unit?.payments?.authorizations ?? [];
  if (order.status === "PAYER_ACTION_REQUIRED" && captures.length + authorizations.length === 0) {
    return { kind: "requires_action", url: actionUrlOf(order.links) };
  }
  if (!unit) return { kind: "unclear", capture: null };
  if (units.length > 1 || !isOurs([unit, ...captures, ...authorizations], expected)) {
    return unknown("unexpected", "PayPal answered with an order of another attempt");
  }
  if (authorizations.length > 0) return judgeHold(authorizations, captures, order.id as string, expected);
  if (captures.length > 0) return judgeCaptures(captures, expected);
  return judgeStatus(order);
}

/** Without any payment in it, the order is at most unpaid. */
function judgeStatus(order: Order): Finding | Unclear {
  switch (order.status) {
    case "CREATED":
    case "APPROVED":
    case "SAVED":
      return { kind: "unpaid", object: order.id as string };
    case "VOIDED":
      return { kind: "fenced", object: order.id as string, decline: null };
    case "COMPLETED":
      return { kind: "unclear", capture: null };
    default:
      return unknown("unexpected", "an order in a state that we do not know");
  }
}

function judgeCaptures(captures: readonly Payment[], expected: Expected): Verdict {
  const verdicts = captures.map((capture) => judgeCapture(capture, expected));
  for (const kind of ["approved", "pending", "unknown", "unclear"] as const) {
    const found = verdicts.find((verdict) => verdict.kind === kind);
    if (found) return found;
  }
  return verdicts.at(-1) ?? unknown("unexpected", "an order without captures");
}

/** One capture. Of an authorization, which may be taken in part, it carries our ids or none, and `any` part of the amount is right. */
export function judgeCapture(capture: Payment, expected: Expected, part: "all" | "any" = "all"): Verdict {
  const { id, status } = capture;
  if (!word(id) || !agrees(capture, expected)) return unknown("unexpected", "PayPal answered with a capture of another attempt");
  const amount = fromPayPalAmount(capture.amount, expected.money.currency);
  const wanted = expected.money.amount;
  const fits = part === "all" ? amount === wanted : amount !== null && amount > 0n && amount <= wanted;
  if (capture.amount !== undefined && !fits) return unknown("unexpected", "PayPal answered with a capture of another amount");
  switch (status) {
    case "COMPLETED":
    // Refunded money was captured first; giving it back is another operation's story.
    case "PARTIALLY_REFUNDED":
    case "REFUNDED":
      if (amount === null) return unknown("unexpected", "captured, but with an unreadable amount");
      return { kind: "approved", reference: id as string, amount, captured: true };
    case "PENDING":
      return { kind: "pending", reference: id as string, reason: reasonOf(capture.statusDetails?.reason) };
    case "DECLINED":
      return judgeDecline(capture);
    default:
      return { kind: "unclear", capture: id as string };
  }
}

/** PayPal's own record of a single capture, after the order left it unclear. */
export function judgeCaptureAgain(capture: Payment, expected: Expected, part: "all" | "any" = "all"): Exclude<Verdict, Unclear> {
  const verdict = judgeCapture(capture, expected, part);
  if (verdict.kind !== "unclear") return verdict;
  if (capture.status !== "FAILED") return unknown("unexpected", "a capture in a state that we do not know");
  // Final, but nobody says why: no other provider on that ground.
  return { ...declinedByProcessor(null, null), reason: "processor_error", source: "provider", providerCode: "FAILED" };
}

function judgeDecline(capture: Payment | Hold): Declined | Unknown {
  const { responseCode, paymentAdviceCode } = capture.processorResponse ?? {};
  if (isDuplicate(word(responseCode))) return unknown("duplicate_invoice", "declined as a duplicate: another payment may exist");
  return declinedByProcessor(responseCode, paymentAdviceCode);
}

/** A hold, and what was taken of it. A capture that was declined leaves the hold as it is. */
function judgeHold(holds: readonly Hold[], captures: readonly Payment[], order: string, expected: Expected): Finding | Unclear {
  const [hold, another] = holds;
  if (!hold || another || !word(hold.id)) return unknown("unexpected", "not one authorization");
  const [taken, more] = captures.filter(({ status }) => status !== "DECLINED" && status !== "FAILED");
  if (more) return unknown("unexpected", "an authorization that was captured more than once");
  if (taken) return judgeCapture(taken, expected, "any");
  const amount = fromPayPalAmount(hold.amount, expected.money.currency);
  if (amount !== expected.money.amount) return unknown("unexpected", "PayPal answered with an authorization of another amount");
  // PayPal's schema has no EXPIRED; its documents do.
  switch (hold.status as string | undefined) {
    case "CREATED":
      return { kind: "approved", reference: hold.id as string, amount, captured: false, ...heldUntil(hold.expirationTime) };
    case "PENDING":
      return { kind: "pending", reference: hold.id as string, reason: reasonOf(hold.statusDetails?.reason) };
    case "DENIED":
      return judgeDecline(hold);
    case "VOIDED":
    case "EXPIRED":
      return { kind: "fenced", object: order, decline: null };
    default:
      return unknown("unexpected", "an authorization in a state that we do not know");
  }
}

function heldUntil(expirationTime: string | undefined): Pick<Approved, "heldUntilMs"> {
  const heldUntilMs = timeOf(expirationTime);
  return heldUntilMs === null ? {} : { heldUntilMs };
}

/** The finding as the result of the step that moves money. */
export function commitOutcome(finding: Finding): Outcome {
  if (finding.kind === "fenced") return notSent("fenced", false, "the order is voided");
  if (finding.kind === "unpaid") return unknown("unexpected", "accepted, but neither paid nor declined");
  return finding;
}

/** A refund's state. The reference is the refund's own id. */
export function judgeRefund(refund: Refund, money: Money): Outcome {
  const amount = fromPayPalAmount(refund.amount, money.currency);
  if (!word(refund.id) || amount !== money.amount) return unknown("unexpected", "PayPal answered with a refund of another amount");
  switch (refund.status) {
    case "COMPLETED":
      return { kind: "approved", reference: refund.id as string, amount, captured: true };
    case "PENDING":
      return { kind: "pending", reference: refund.id as string, reason: reasonOf(refund.statusDetails?.reason) };
    case "FAILED":
    case "CANCELLED":
      return refundFailed(refund.status);
    default:
      return unknown("unexpected", "a refund in a state that we do not know");
  }
}

type WithOurIds = { readonly customId?: string; readonly invoiceId?: string };

/** Our ids must be there at least once, and nowhere others. */
function isOurs(parts: readonly WithOurIds[], expected: Expected): boolean {
  return parts.every((part) => agrees(part, expected)) && parts.some(({ customId }) => customId === expected.attemptId);
}

function agrees({ customId, invoiceId }: WithOurIds, expected: Expected): boolean {
  return (customId === undefined || customId === expected.attemptId) && (invoiceId === undefined || invoiceId === expected.chargeId);
}

function reasonOf(reason: unknown): string {
  return (word(reason) ?? "waiting").toLowerCase();
}
