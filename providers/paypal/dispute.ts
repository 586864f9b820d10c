import type { DisputeStatus, DisputeSubject } from "../contract/webhook.ts";
import { isRecord } from "./answer.ts";
import { type Json, moneyOf, wordOf } from "./resource.ts";
import { timeOf } from "./time.ts";

/** `reason` of a dispute in our words. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["CANCELED_RECURRING_BILLING", "subscription_canceled"],
  ["CREDIT_NOT_PROCESSED", "credit_not_processed"],
  ["DUPLICATE_TRANSACTION", "duplicate"],
  ["INCORRECT_AMOUNT", "incorrect_amount"],
  ["MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED", "product_unacceptable"],
  ["MERCHANDISE_OR_SERVICE_NOT_RECEIVED", "product_not_received"],
  ["OTHER", "general"],
  ["PAYMENT_BY_OTHER_MEANS", "paid_by_other_means"],
  ["PROBLEM_WITH_REMITTANCE", "problem_with_remittance"],
  ["UNAUTHORISED", "fraudulent"],
]);

/** `dispute_outcome.outcome_code`. Who was right is not said by the others: withdrawn, or paid by PayPal. */
const OUTCOMES: ReadonlyMap<string, DisputeStatus> = new Map([
  ["ACCEPTED", "lost"],
  ["DENIED", "won"],
  ["RESOLVED_BUYER_FAVOUR", "lost"],
  ["RESOLVED_SELLER_FAVOUR", "won"],
]);

/** The resource of CUSTOMER.DISPUTE.*. A dispute of several payments counts for the first: PayPal opens one for each. */
export function disputeOf(resource: Json): DisputeSubject | null {
  const dispute = wordOf(resource.dispute_id);
  if (dispute === null) return null;
  const transactions = Array.isArray(resource.disputed_transactions) ? resource.disputed_transactions : [];
  const payment = isRecord(transactions[0]) ? transactions[0] : {};
  const { reason, external_reason_code: networkCode } = resource;
  return {
    kind: "dispute",
    dispute,
    payment: wordOf(payment.seller_transaction_id),
    object: null,
    attemptId: wordOf(payment.custom),
    chargeId: wordOf(payment.invoice_number),
    status: statusOf(resource),
    reason: typeof reason === "string" ? (REASONS.get(reason) ?? wordOf(reason)?.toLowerCase() ?? null) : null,
    networkCode: wordOf(networkCode),
    money: moneyOf(resource.dispute_amount),
    evidenceDueByMs: timeOf(resource.seller_response_due_date),
  };
}

function statusOf(resource: Json): DisputeStatus {
  if (resource.status === "RESOLVED") {
    const { outcome_code: code } = isRecord(resource.dispute_outcome) ? resource.dispute_outcome : {};
    return OUTCOMES.get(String(code)) ?? "closed";
  }
  // A state that we do not know may still cost money. In an inquiry buyer and seller only talk.
  return resource.dispute_life_cycle_stage === "INQUIRY" ? "warning" : "open";
}
