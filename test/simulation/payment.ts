/** What the issuer will say, as the caller's token has it. */
export type Card =
  | "good"
  | "declined_other"
  | "declined_never"
  | "declined_later"
  | "pending_good"
  | "pending_bad"
  | "action"
  | "action_never";

export type PaymentStatus = "created" | "payer_approved" | "processing" | "requires_action" | "succeeded" | "declined" | "canceled";

export interface Refund {
  readonly id: string;
  /** The key that it was asked for with. */
  readonly key: string;
  readonly amount: bigint;
  status: "pending" | "succeeded";
}

export interface Payment {
  readonly id: string;
  readonly attemptId: string;
  readonly chargeId: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly card: Card;
  readonly createdAt: number;
  status: PaymentStatus;
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
  | "not_refundable";

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
