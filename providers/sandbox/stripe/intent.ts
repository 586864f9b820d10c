/** The fake Stripe's rows. Amounts in Stripe's own smallest unit, times in seconds unless named otherwise. */
export interface Intent {
  readonly id: string;
  /** Of creation, for lists. */
  readonly seq: number;
  readonly account: string;
  readonly amount: number;
  readonly currency: string;
  readonly captureMethod: string;
  readonly customer: string | null;
  readonly description: string | null;
  readonly metadata: Record<string, string>;
  readonly created: number;
  status: IntentStatus;
  paymentMethod: string | null;
  amountCapturable: number;
  amountReceived: number;
  latestCharge: string | null;
  lastError: CardError | null;
  /** Set while `processing`. */
  settle: { readonly atMs: number; readonly succeeds: boolean } | null;
  canceledAt: number | null;
  cancellationReason: string | null;
  /** Of a hold: milliseconds since 1970 at which it lapses. */
  holdUntilMs?: number;
}

export type IntentStatus =
  | "requires_payment_method"
  | "requires_confirmation"
  | "requires_action"
  | "processing"
  | "requires_capture"
  | "succeeded"
  | "canceled";

export interface CardError {
  readonly type: "card_error";
  readonly code: string;
  readonly message: string;
  readonly decline_code?: string;
  readonly advice_code?: string;
  readonly network_decline_code?: string;
  readonly charge?: string;
  readonly payment_method?: unknown;
}

export interface Charge {
  readonly id: string;
  readonly intent: string;
  readonly paymentMethod: string;
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
  readonly failure: CardError | null;
  status: "succeeded" | "pending" | "failed";
  captured: boolean;
  amountCaptured: number;
  /** Of what was captured. */
  amountRefunded: number;
  /** Of what was held and never captured. Stripe calls that refunded as well. */
  released?: number;
  disputed?: boolean;
}

export interface Refund {
  readonly id: string;
  readonly account: string;
  readonly intent: string;
  readonly charge: string;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string | null;
  readonly metadata: Record<string, string>;
  readonly created: number;
  status: "pending" | "succeeded" | "failed";
  settle: { readonly atMs: number; readonly succeeds: boolean } | null;
}

/** A PaymentIntent as the API shows it. `charge` is given to expand `latest_charge`. */
export function showIntent(intent: Intent, baseUrl: string, charge: Charge | null = null): Record<string, unknown> {
  return {
    id: intent.id,
    object: "payment_intent",
    amount: intent.amount,
    amount_capturable: intent.amountCapturable,
    amount_received: intent.amountReceived,
    canceled_at: intent.canceledAt,
    cancellation_reason: intent.cancellationReason,
    capture_method: intent.captureMethod,
    client_secret: `${intent.id}_secret_sandbox`,
    confirmation_method: "automatic",
    created: intent.created,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    last_payment_error: intent.lastError,
    latest_charge: charge ? showCharge(charge, intent) : intent.latestCharge,
    livemode: false,
    metadata: intent.metadata,
    next_action:
      intent.status === "requires_action"
        ? { type: "redirect_to_url", redirect_to_url: { url: `${baseUrl}/authenticate/${intent.id}`, return_url: null } }
        : null,
    payment_method: intent.paymentMethod,
    payment_method_types: ["card"],
    status: intent.status,
  };
}

export function showCharge(charge: Charge, intent: Intent): Record<string, unknown> {
  const { failure } = charge;
  const refunded = charge.amountRefunded + (charge.released ?? 0);
  const { holdUntilMs } = intent;
  return {
    id: charge.id,
    object: "charge",
    amount: charge.amount,
    amount_captured: charge.amountCaptured,
    amount_refunded: refunded,
    captured: charge.captured,
    created: charge.created,
    currency: charge.currency,
    customer: intent.customer,
    disputed: charge.disputed === true,
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
    livemode: false,
    metadata: intent.metadata,
    outcome: {
      advice_code: failure?.advice_code ?? null,
      network_decline_code: failure?.network_decline_code ?? null,
      network_status: failure ? "declined_by_network" : "approved_by_network",
      reason: failure?.decline_code ?? failure?.code ?? null,
      seller_message: failure ? "The bank did not return any further details with this decline." : "Payment complete.",
      type: failure ? "issuer_declined" : "authorized",
    },
    paid: charge.status === "succeeded",
    payment_intent: charge.intent,
    payment_method: charge.paymentMethod,
    payment_method_details: {
      type: "card",
      card: { brand: "visa", last4: "4242", ...(holdUntilMs === undefined ? {} : { capture_before: Math.floor(holdUntilMs / 1000) }) },
    },
    refunded: refunded > 0 && refunded === charge.amount,
    status: charge.status,
  };
}

export function showRefund(refund: Refund): Record<string, unknown> {
  return {
    id: refund.id,
    object: "refund",
    amount: refund.amount,
    charge: refund.charge,
    created: refund.created,
    currency: refund.currency,
    ...(refund.status === "failed" ? { failure_reason: "expired_or_canceled_card" } : {}),
    metadata: refund.metadata,
    payment_intent: refund.intent,
    reason: refund.reason,
    status: refund.status,
  };
}
