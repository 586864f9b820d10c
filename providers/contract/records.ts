import type { Unknown } from "./outcome.ts";

/** A page of the provider's own records, for reconciliation: those created in [fromMs, toMs). */
export interface RecordsQuery {
  readonly what: "payments" | "refunds";
  /** Milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  /** `RecordsPage.next` of the page before; null: the first. */
  readonly cursor: string | null;
}

export type Records = RecordsPage | Unknown;

export interface RecordsPage {
  readonly kind: "page";
  readonly records: readonly ProviderRecord[];
  /** null: there is no more. */
  readonly next: string | null;
}

export type ProviderRecord = PaymentRecord | RefundRecord;

export interface PaymentRecord {
  readonly kind: "payment";
  /** The object of the attempt (PaymentIntent, order); null where the record does not name it. */
  readonly object: string | null;
  /** `Approved.reference`: what the money is known by. */
  readonly reference: string;
  /** Our ids, as the provider keeps them. */
  readonly attemptId: string | null;
  readonly chargeId: string | null;
  /** `none`: no money moved and none is held. */
  readonly state: "captured" | "held" | "pending" | "none";
  /** Minor units: captured, or held. */
  readonly amount: bigint;
  readonly currency: string;
  readonly createdAtMs: number;
}

export interface RefundRecord {
  readonly kind: "refund";
  readonly reference: string;
  /** `Approved.reference` of the payment. */
  readonly payment: string | null;
  /** Our key of the operation, where the provider keeps it. */
  readonly key: string | null;
  readonly state: "succeeded" | "pending" | "failed";
  readonly amount: bigint;
  readonly currency: string;
  readonly createdAtMs: number;
}
