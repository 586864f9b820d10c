/** What the issuer will say, as the caller's token has it. */
export type Card =
  | "good"
  | "declined_other"
  | "declined_never"
  | "declined_later"
  | "pending_good"
  | "pending_bad"
  | "action"
  | "action_never"
  /** A hold of it is refused when it is captured, most of the time. */
  | "capture_refused"
  /** A capture of its hold waits for a review (paypal). */
  | "capture_pending";

export type PaymentStatus =
  | "created"
  | "payer_approved"
  | "processing"
  | "requires_action"
  | "held"
  | "succeeded"
  | "declined"
  | "canceled";

export interface Refund {
  readonly id: string;
  /** The key that it was asked for with. */
  readonly key: string;
  readonly amount: bigint;
  status: "pending" | "succeeded" | "failed";
}

export interface Payment {
  readonly id: string;
  readonly attemptId: string;
  readonly chargeId: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly card: Card;
  /** Only authorized by its commit. */
  readonly manual: boolean;
  readonly createdAt: number;
  status: PaymentStatus;
  /** When its hold lapses, or lapsed. */
  heldUntil: number | null;
  /** Since when it is held. */
  heldAt: number | null;
  /** The processor's answers say until when it is held. */
  readonly saysUntil: boolean;
  /** What was captured of it, or is about to be. */
  captured: bigint;
  declined: Card | null;
  /** Somebody works at it now. */
  locked: boolean;
  /** When its review ended; null: there was none, or it goes on. */
  reviewedAt: number | null;
  readonly refunds: Refund[];
}

export type ErrorCode =
  | "in_progress"
  | "unexpected_state"
  | "already_captured"
  | "duplicate_invoice"
  | "not_found"
  | "too_much_refunded"
  | "not_refundable"
  | "too_much_captured"
  /** There is nothing to capture any more, or nothing yet. */
  | "hold_gone";

export type Reply =
  | { readonly kind: "ok"; readonly payment: Readonly<Payment>; readonly replayed: boolean }
  | { readonly kind: "error"; readonly code: ErrorCode }
  /** paypal's 422: the order does not show it afterwards. */
  | { readonly kind: "declined"; readonly card: Card }
  | { readonly kind: "server_error"; readonly replayed: boolean };

export interface Manner {
  /** How long the processor works at it. */
  readonly workMs: number;
  /** `before`: it fails before it did anything; `after`: it did it, and fails to say so. */
  readonly fails: "before" | "after" | null;
}
