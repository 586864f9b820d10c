/** A processor's webhook as it came over the wire. */
export interface WebhookDelivery {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Exactly the bytes that were signed. */
  readonly body: Buffer;
  readonly receivedAtMs: number;
}

/** What a delivery is. Only `event` was signed by the provider, for this account, inside the replay window. */
export type WebhookReading =
  | { readonly kind: "event"; readonly event: ProviderEvent }
  | { readonly kind: "refused"; readonly reason: WebhookRefusal; readonly detail: string }
  /** It could not be checked now (a certificate that cannot be fetched): the provider must send it again. */
  | { readonly kind: "unknown"; readonly detail: string };

export type WebhookRefusal =
  | "signature" // missing, malformed or wrong
  | "too_old" // outside of the replay window
  | "unreadable" // signed, and not an event that we can read
  | "other_account"; // signed, and about another account or the other mode (law 12)

export interface ProviderEvent {
  /** The provider's id of the event: the same for each delivery of it. */
  readonly id: string;
  /** The provider's own word: `payment_intent.succeeded`. */
  readonly type: string;
  /** Milliseconds since 1970, by the provider's clock. */
  readonly createdAtMs: number;
  readonly subject: EventSubject;
}

/** What an event is about. It is a hint: what became of it is asked of the provider. */
export type EventSubject = PaymentSubject | RefundSubject | DisputeSubject | InstrumentSubject | { readonly kind: "other" };

export interface PaymentSubject {
  readonly kind: "payment";
  /** The object of an attempt (PaymentIntent, order), where the event names it. */
  readonly object: string | null;
  /** What the money is known by (PaymentIntent, capture, authorization). */
  readonly reference: string | null;
  readonly attemptId: string | null;
  readonly chargeId: string | null;
  /** The event says that money moved or is held: one that we do not know is worth a finding. */
  readonly money: { readonly amount: bigint; readonly currency: string } | null;
}

export interface RefundSubject {
  readonly kind: "refund";
  /** The provider's id of the refund. */
  readonly refund: string;
  /** What was refunded: `Approved.reference` of the payment. */
  readonly payment: string | null;
  /** Our key of the operation, where the provider keeps it. */
  readonly key: string | null;
  readonly money: { readonly amount: bigint; readonly currency: string } | null;
}

export interface DisputeSubject {
  readonly kind: "dispute";
  /** The provider's id of the dispute. */
  readonly dispute: string;
  /** `Approved.reference` of the disputed payment, and the object of its attempt; what the event has of them. */
  readonly payment: string | null;
  readonly object: string | null;
  readonly attemptId: string | null;
  readonly chargeId: string | null;
  readonly status: DisputeStatus;
  /** In words of ours where we know it: `fraudulent`, `duplicate`, `product_not_received` ... */
  readonly reason: string | null;
  readonly networkCode: string | null;
  readonly money: { readonly amount: bigint; readonly currency: string } | null;
  readonly evidenceDueByMs: number | null;
}

/** `open` as long as it may still cost money; `warning`: an inquiry, no money was taken yet. */
export type DisputeStatus = "warning" | "open" | "won" | "lost" | "closed";

/** A saved instrument changed: `gone` can never be charged again. */
export interface InstrumentSubject {
  readonly kind: "instrument";
  /** `Provider.tokenReference` of its token. */
  readonly reference: string;
  readonly change: "gone" | "updated";
  readonly brand: string | null;
  readonly expires: { readonly month: number; readonly year: number } | null;
}
