/** What the pages use of a charge, as `GET /v1/charges` answers it. Amounts in minor units. */
export interface Charge {
  readonly id: string;
  readonly status: ChargeStatus;
  readonly amount: number;
  readonly amount_captured: number;
  readonly amount_refunded: number;
  readonly currency: string;
  readonly capture: "automatic" | "manual";
  readonly authorized_until: string | null;
  readonly settlement: { readonly kind: "capture" | "void"; readonly state: string; readonly amount: number } | null;
  readonly disputed: boolean;
  readonly reference: string | null;
  readonly payment_method: string | null;
  readonly provider: string | null;
  readonly provider_reference: string | null;
  readonly failure: Failure | null;
  readonly deferred: { readonly reason: string; readonly since: string; readonly until: string } | null;
  readonly attempts: readonly Attempt[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
}

export const CHARGE_STATUSES = [
  "processing",
  "requires_action",
  "pending",
  "in_doubt",
  "deferred",
  "authorized",
  "succeeded",
  "failed",
  "canceled",
] as const;
export type ChargeStatus = (typeof CHARGE_STATUSES)[number];

export interface Failure {
  readonly code: string;
  readonly source: "issuer" | "provider" | "gateway" | "operator";
  readonly message: string;
  readonly advice: string | null;
  readonly provider_code: string | null;
  readonly network_code: string | null;
}

export interface Attempt {
  readonly id: string;
  readonly provider: string;
  /** null while it runs. */
  readonly outcome: string | null;
  readonly started_at: string;
  readonly latency_ms: number | null;
  readonly provider_reference: string | null;
  readonly reason: string | null;
}

export interface ChargeEvent {
  readonly type: string;
  readonly at: string;
  readonly actor: string;
  readonly attempt: string | null;
  readonly provider: string | null;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly outcome: string | null;
  readonly latency_ms: number | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Refund {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string | null;
  readonly provider: string;
  readonly provider_reference: string | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly created_at: string;
}

export interface Dispute {
  readonly id: string;
  readonly provider: string;
  readonly provider_dispute: string;
  readonly status: string;
  readonly amount: number | null;
  readonly currency: string | null;
  readonly reason: string | null;
  readonly evidence_due_at: string | null;
  readonly opened_at: string;
}

/** One charge, as `GET /v1/charges/{id}` answers it; events oldest first. */
export interface ChargeInFull extends Charge {
  readonly refunds: readonly Refund[];
  readonly events: readonly ChargeEvent[];
  readonly disputes: readonly Dispute[];
}

/** What `GET /v1/routing/decisions/{charge}` says of one attempt. */
export interface AttemptDecision {
  readonly attempt: string;
  readonly decision: {
    readonly reason: string;
    readonly rule: string | null;
    readonly candidates: readonly { readonly provider: string; readonly eligible: boolean; readonly words: string }[];
  } | null;
}
