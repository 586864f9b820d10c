/** The row of a dispute. Amounts in Stripe's own smallest unit, times in seconds. */
export interface Dispute {
  readonly id: string;
  readonly account: string;
  readonly intent: string;
  readonly charge: string;
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
  readonly reason: string;
  readonly networkReasonCode: string;
  readonly dueBy: number;
  status: DisputeStatus;
}

export type DisputeStatus = "warning_needs_response" | "warning_closed" | "needs_response" | "under_review" | "won" | "lost";

const DUE_AFTER_S = 9 * 24 * 3600;

const NEEDS_RESPONSE = { status: "needs_response" as const };

/** https://docs.stripe.com/testing#disputes: what each of Stripe's test cards is disputed with as soon as it has paid. */
const DISPUTED: Readonly<Record<string, Pick<Dispute, "reason" | "networkReasonCode" | "status">>> = {
  pm_card_createDispute: { ...NEEDS_RESPONSE, reason: "fraudulent", networkReasonCode: "10.4" },
  pm_card_createDisputeProductNotReceived: { ...NEEDS_RESPONSE, reason: "product_not_received", networkReasonCode: "13.1" },
  pm_card_createDisputeInquiry: { status: "warning_needs_response", reason: "fraudulent", networkReasonCode: "10.4" },
};

export type DisputedCharge = Pick<Dispute, "account" | "intent" | "charge" | "amount" | "currency">;

/** The dispute that a payment with this card brings, or null. */
export function disputeBy(token: string, id: string, created: number, of: DisputedCharge): Dispute | null {
  const kind = Object.hasOwn(DISPUTED, token) ? DISPUTED[token] : undefined;
  return kind ? { id, created, dueBy: created + DUE_AFTER_S, ...of, ...kind } : null;
}

/** While the money is away, or lost, there is nothing to refund. An inquiry has taken none. */
export function takesMoney({ status }: Dispute): boolean {
  return status === "needs_response" || status === "under_review" || status === "lost";
}

export function isClosed({ status }: Dispute): boolean {
  return status === "won" || status === "lost" || status === "warning_closed";
}

/** What evidence does, as with Stripe's test cards: `winning_evidence`, `losing_evidence`; any other is looked at for ever. */
export function statusAfter(evidence: string): DisputeStatus {
  if (evidence === "winning_evidence") return "won";
  return evidence === "losing_evidence" ? "lost" : "under_review";
}

export function showDispute(dispute: Dispute): Record<string, unknown> {
  return {
    id: dispute.id,
    object: "dispute",
    amount: dispute.amount,
    charge: dispute.charge,
    created: dispute.created,
    currency: dispute.currency,
    evidence_details: { due_by: isClosed(dispute) ? null : dispute.dueBy, has_evidence: false, past_due: false, submission_count: 0 },
    is_charge_refundable: !takesMoney(dispute),
    livemode: false,
    metadata: {},
    payment_intent: dispute.intent,
    payment_method_details: { type: "card", card: { brand: "visa", network_reason_code: dispute.networkReasonCode } },
    reason: dispute.reason,
    status: dispute.status,
  };
}
