// Made by `npm run client` from the schemas that the gateway checks with. A test says when it is stale.

export type ChargeStatus =
  | "processing"
  | "requires_action"
  | "pending"
  | "in_doubt"
  | "deferred"
  | "authorized"
  | "succeeded"
  | "failed"
  | "canceled";

export type RefundStatus =
  | "processing"
  | "pending"
  | "in_doubt"
  | "deferred"
  | "succeeded"
  | "failed";

export type WebhookDeliveryState =
  | "pending"
  | "delivered"
  | "dead";

export type EventType =
  | "charge.succeeded"
  | "charge.authorized"
  | "charge.captured"
  | "charge.pending"
  | "charge.requires_action"
  | "charge.in_doubt"
  | "charge.deferred"
  | "charge.failed"
  | "charge.canceled"
  | "charge.authorization_expiring"
  | "refund.created"
  | "refund.pending"
  | "refund.in_doubt"
  | "refund.deferred"
  | "refund.succeeded"
  | "refund.failed"
  | "dispute.opened"
  | "dispute.updated"
  | "dispute.won"
  | "dispute.lost"
  | "dispute.closed"
  | "provider.opened"
  | "provider.closed"
  | "routing.all_down"
  | "routing.recovered"
  | "revenue.at_risk"
  | "revenue.recovered"
  | "reconciliation.finding"
  | "payment_method.created"
  | "payment_method.updated"
  | "payment_method.expiring"
  | "payment_method.deleted"
  | "payment_method.token_added"
  | "payment_method.token_removed"
  | "payment_method.token_gone";

export type EventPattern =
  | "*"
  | "charge.*"
  | "refund.*"
  | "dispute.*"
  | "provider.*"
  | "routing.*"
  | "revenue.*"
  | "reconciliation.*"
  | "payment_method.*"
  | "charge.succeeded"
  | "charge.authorized"
  | "charge.captured"
  | "charge.pending"
  | "charge.requires_action"
  | "charge.in_doubt"
  | "charge.deferred"
  | "charge.failed"
  | "charge.canceled"
  | "charge.authorization_expiring"
  | "refund.created"
  | "refund.pending"
  | "refund.in_doubt"
  | "refund.deferred"
  | "refund.succeeded"
  | "refund.failed"
  | "dispute.opened"
  | "dispute.updated"
  | "dispute.won"
  | "dispute.lost"
  | "dispute.closed"
  | "provider.opened"
  | "provider.closed"
  | "routing.all_down"
  | "routing.recovered"
  | "revenue.at_risk"
  | "revenue.recovered"
  | "reconciliation.finding"
  | "payment_method.created"
  | "payment_method.updated"
  | "payment_method.expiring"
  | "payment_method.deleted"
  | "payment_method.token_added"
  | "payment_method.token_removed"
  | "payment_method.token_gone";

export type ProblemCode =
  | "invalid_json"
  | "invalid_request"
  | "webhook_refused"
  | "idempotency_key_missing"
  | "idempotency_key_invalid"
  | "unauthorized"
  | "forbidden"
  | "csrf_token_invalid"
  | "not_found"
  | "method_not_allowed"
  | "not_acceptable"
  | "idempotency_key_in_use"
  | "reference_in_use"
  | "charge_in_flight"
  | "charge_final"
  | "charge_not_refundable"
  | "charge_disputed"
  | "refund_exceeds_captured"
  | "charge_not_in_doubt"
  | "refund_not_in_doubt"
  | "resolution_in_progress"
  | "provider_disagrees"
  | "dead_letter_closed"
  | "finding_superseded"
  | "routing_rules_changed"
  | "webhook_endpoint_limit"
  | "webhook_endpoint_disabled"
  | "payment_method_gone"
  | "last_admin_key"
  | "body_too_large"
  | "unsupported_media_type"
  | "validation_failed"
  | "card_number_not_allowed"
  | "idempotency_key_reused"
  | "too_many_requests"
  | "too_many_sign_ins"
  | "internal_error"
  | "webhook_not_taken"
  | "no_provider_available"
  | "not_ready"
  | "database_unavailable"
  | "outcome_unknown_retry_same_key";

/** RFC 9457. `code` is stable; `money` says whether money may have moved. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  /** none: no money moved for this request. unknown: repeat with the same key, or read the charge. as_shown: read the charge. */
  readonly money: "none" | "unknown" | "as_shown";
  /** The same, as a sentence for a person */
  readonly action: string;
  /** Each invalid field: its JSON pointer in the body, or `?name` of a query parameter */
  readonly errors?: readonly {
    readonly pointer: string;
    readonly detail: string;
  }[] | undefined;
  /** The charge that it is about */
  readonly charge?: string | undefined;
  readonly request_id: string;
}

export interface ChargeRequest {
  readonly amount: number;
  /** ISO 4217, lower case */
  readonly currency: string;
  /** Yours: an invoice, an order. Two unfinished charges cannot share it */
  readonly reference?: string | undefined;
  readonly allow_duplicate_reference?: boolean | undefined;
  readonly payment_method: string | {
    /** By the provider's id: its token */
    readonly [provider: string]: object | string | undefined;
    /** the method's type */
    readonly type?: string | undefined;
    /** the card's brand */
    readonly brand?: string | undefined;
    /** ISO 3166-1 alpha-2 of the card's issuer or the customer */
    readonly country?: string | undefined;
  };
  /** manual: only authorize; POST /v1/charges/{id}/capture takes the money */
  readonly capture?: "automatic" | "manual" | undefined;
  /** authorize_first: authorize, then capture; an authorization without an answer is left to the next provider at once */
  readonly failover?: "proven" | "authorize_first" | undefined;
  /** What to do while no provider can be used: keep the charge (default: 72 hours), or refuse it (false) */
  readonly defer?: false | {
    readonly until: string;
  } | undefined;
  /** For the customer's statement at the provider, where it shows one */
  readonly description?: string | undefined;
  /** Yours; it is given back as it is. No key holds a quotation mark, a backslash or a control character */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface Charge {
  readonly id: string;
  readonly object: "charge";
  readonly livemode: boolean;
  readonly status: ChargeStatus;
  readonly amount: number;
  readonly amount_captured: number;
  readonly amount_refunded: number;
  readonly currency: string;
  readonly capture: "automatic" | "manual";
  readonly failover: "proven" | "authorize_first";
  /** When the hold of an authorized charge lapses */
  readonly authorized_until: string | null;
  /** The capture or void that is under way */
  readonly settlement: {
    readonly kind: "capture" | "void";
    readonly state: "processing" | "pending" | "in_doubt" | "deferred";
    readonly amount: number;
  } | null;
  /** A dispute about it is open, or was lost: it is not refunded */
  readonly disputed: boolean;
  readonly reference: string | null;
  /** The stored one that it was made with */
  readonly payment_method: string | null;
  readonly provider: string | null;
  readonly provider_reference: string | null;
  readonly failure: {
    /** `retry_forbidden` and `retry_limit_reached`: refused before anything was sent */
    readonly code: string;
    readonly source: "issuer" | "provider" | "gateway" | "operator";
    readonly message: string;
    /** never, same_later, other_provider, authenticate or fix_data */
    readonly advice: string | null;
    /** Seconds; not before that may this payment method be tried again */
    readonly retry_after: number | null;
    readonly provider_code: string | null;
    readonly network_code: string | null;
  } | null;
  readonly deferred: {
    readonly reason: string;
    readonly since: string;
    readonly until: string;
  } | null;
  readonly next_action: {
    readonly type: "redirect";
    readonly url: string | null;
  } | null;
  readonly attempts: readonly Attempt[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface Attempt {
  readonly id: string;
  readonly provider: string;
  /** null while it runs */
  readonly outcome: string | null;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly latency_ms: number | null;
  readonly provider_reference: string | null;
  readonly reason: string | null;
}

export interface CaptureRequest {
  readonly amount?: number | undefined;
}

export interface ChargeWithEvents {
  readonly id: string;
  readonly object: "charge";
  readonly livemode: boolean;
  readonly status: ChargeStatus;
  readonly amount: number;
  readonly amount_captured: number;
  readonly amount_refunded: number;
  readonly currency: string;
  readonly capture: "automatic" | "manual";
  readonly failover: "proven" | "authorize_first";
  /** When the hold of an authorized charge lapses */
  readonly authorized_until: string | null;
  /** The capture or void that is under way */
  readonly settlement: {
    readonly kind: "capture" | "void";
    readonly state: "processing" | "pending" | "in_doubt" | "deferred";
    readonly amount: number;
  } | null;
  /** A dispute about it is open, or was lost: it is not refunded */
  readonly disputed: boolean;
  readonly reference: string | null;
  /** The stored one that it was made with */
  readonly payment_method: string | null;
  readonly provider: string | null;
  readonly provider_reference: string | null;
  readonly failure: {
    /** `retry_forbidden` and `retry_limit_reached`: refused before anything was sent */
    readonly code: string;
    readonly source: "issuer" | "provider" | "gateway" | "operator";
    readonly message: string;
    /** never, same_later, other_provider, authenticate or fix_data */
    readonly advice: string | null;
    /** Seconds; not before that may this payment method be tried again */
    readonly retry_after: number | null;
    readonly provider_code: string | null;
    readonly network_code: string | null;
  } | null;
  readonly deferred: {
    readonly reason: string;
    readonly since: string;
    readonly until: string;
  } | null;
  readonly next_action: {
    readonly type: "redirect";
    readonly url: string | null;
  } | null;
  readonly attempts: readonly Attempt[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
  /** The newest 100, newest first */
  readonly refunds: readonly Refund[];
  readonly events: readonly {
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
  }[];
  readonly disputes: readonly Dispute[];
}

export interface Refund {
  readonly id: string;
  readonly object: "refund";
  readonly livemode: boolean;
  readonly charge: string;
  /** `pending`: the provider has it in work. `in_doubt`: it was sent, and nobody knows yet. `deferred`: it could not be sent, and will be. A `succeeded` refund may still become `failed` */
  readonly status: RefundStatus;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string | null;
  readonly provider: string;
  readonly provider_reference: string | null;
  readonly failure: {
    readonly code: string;
    readonly message: string;
    readonly provider_code: string | null;
  } | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface Dispute {
  readonly id: string;
  readonly object: "dispute";
  readonly charge: string;
  readonly attempt: string;
  readonly provider: string;
  /** The provider's id of it */
  readonly provider_dispute: string;
  /** `warning`: an inquiry, no money was taken yet. `open`: refunds of the charge are refused */
  readonly status: "warning" | "open" | "won" | "lost" | "closed";
  /** What is disputed */
  readonly amount: number | null;
  readonly currency: string | null;
  readonly reason: string | null;
  readonly network_code: string | null;
  /** Answer at the provider before */
  readonly evidence_due_at: string | null;
  readonly opened_at: string;
  readonly updated_at: string;
}

export interface RefundRequest {
  readonly charge: string;
  /** Minor units of the charge's currency; default: what is left of it */
  readonly amount?: number | undefined;
  /** Why, for people */
  readonly reason?: string | undefined;
  /** Yours; it is given back as it is. No key holds a quotation mark, a backslash or a control character */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface PaymentMethod {
  readonly id: string;
  readonly object: "payment_method";
  readonly type: string;
  readonly brand: string | null;
  readonly country: string | null;
  readonly exp_month: number | null;
  readonly exp_year: number | null;
  /** Its last month is over, by UTC; the issuer may know a newer one */
  readonly expired: boolean;
  readonly tokens: readonly {
    readonly provider: string;
    /** `gone`: the provider says that it can never be charged again */
    readonly state: "active" | "gone";
    /** Why it is gone */
    readonly reason: string | null;
    readonly updated_at: string;
  }[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
  readonly deleted_at: string | null;
}

export interface WebhookEndpoint {
  readonly id: string;
  readonly object: "webhook_endpoint";
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string | null;
  readonly enabled: boolean;
  /** `gone`: it answered 410 */
  readonly disabled_reason: "operator" | "gone" | null;
  /** Since when every try failed */
  readonly failing_since: string | null;
  /** Until when the secret before this one signs as well */
  readonly previous_secret_until: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface WebhookDelivery {
  /** The `webhook-id` header of each try */
  readonly id: string;
  readonly object: "webhook_delivery";
  readonly event: string;
  readonly type: string;
  /** Whose order it belongs to: a charge, a provider, … */
  readonly subject: string | null;
  readonly state: WebhookDeliveryState;
  readonly tries: number;
  readonly last_tried_at: string | null;
  readonly last_status: number | null;
  /** `status`, `redirect`, `timeout`, `address_not_allowed`, `ECONNREFUSED`, … */
  readonly last_error: string | null;
  /** The first characters of the last answer */
  readonly last_answer: string | null;
  /** null while pending: it waits for the one before it of its subject */
  readonly next_try_at: string | null;
  readonly gives_up_at: string;
  readonly created_at: string;
  readonly closed_at: string | null;
}

/** As webhooks carry it, byte for byte the same JSON value. */
export interface Event {
  readonly type: EventType;
  /** When it happened */
  readonly timestamp: string;
  /** And what the type adds */
  readonly data: {
    readonly id: string;
    /** Its number in the trail */
    readonly seq: number;
    readonly livemode: boolean;
    readonly charge: string | null;
    /** The charge's */
    readonly reference: string | null;
    /** The charge's */
    readonly metadata: Readonly<Record<string, string>>;
    /** What the charge became by it */
    readonly status: string | null;
    /** In the currency's smallest unit */
    readonly amount: number | null;
    readonly currency: string | null;
    readonly provider: string | null;
    readonly [more: string]: unknown;
  };
}

export interface ChargeQuery {
  /** 1 to 100, default 20 */
  readonly limit?: number | undefined;
  /** The `next_cursor` of the page before */
  readonly starting_after?: string | undefined;
  /** One or several, comma separated: processing, requires_action, pending, in_doubt, deferred, authorized, succeeded, failed, canceled */
  readonly status?: string | undefined;
  /** Exactly: an id or reference of the charge, of an attempt or a refund of it, ours or the provider's; an idempotency key */
  readonly q?: string | undefined;
  /** The provider that has, or last had, the charge */
  readonly provider?: string | undefined;
  /** Only those with this reference of yours */
  readonly reference?: string | undefined;
  /** Any key that acted on the charge */
  readonly idempotency_key?: string | undefined;
  /** Created at this time or later, RFC 3339 */
  readonly created_from?: string | undefined;
  /** Created before this time, RFC 3339 */
  readonly created_before?: string | undefined;
}

export interface RefundQuery {
  /** 1 to 100, default 20 */
  readonly limit?: number | undefined;
  /** The `next_cursor` of the page before */
  readonly starting_after?: string | undefined;
  /** Only those of this charge */
  readonly charge?: string | undefined;
}

export interface PaymentMethodQuery {
  /** 1 to 100, default 20 */
  readonly limit?: number | undefined;
  /** The `next_cursor` of the page before */
  readonly starting_after?: string | undefined;
  /** With `reference`: the provider that calls the instrument so */
  readonly provider?: string | undefined;
  /** What the provider calls the instrument: Stripe's payment method, PayPal's vault id */
  readonly reference?: string | undefined;
}

export interface NewPaymentMethod {
  /** By the provider's id: its token */
  readonly [provider: string]: object | string | number | undefined;
  /** the method's type */
  readonly type?: string | undefined;
  /** the card's brand */
  readonly brand?: string | undefined;
  /** ISO 3166-1 alpha-2 of the card's issuer or the customer */
  readonly country?: string | undefined;
  readonly exp_month?: number | undefined;
  readonly exp_year?: number | undefined;
  /** Yours; it is given back as it is. No key holds a quotation mark, a backslash or a control character */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface PaymentMethodChange {
  readonly brand?: string | null | undefined;
  readonly country?: string | null | undefined;
  readonly exp_month?: number | null | undefined;
  readonly exp_year?: number | null | undefined;
  /** Yours; it is given back as it is. No key holds a quotation mark, a backslash or a control character */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface WebhookEndpointQuery {
  /** 1 to 100, default 20 */
  readonly limit?: number | undefined;
  /** The `next_cursor` of the page before */
  readonly starting_after?: string | undefined;
}

export interface NewWebhookEndpoint {
  /** https; its address must be a public one */
  readonly url: string;
  /** Events, groups of them like `refund.*`, or `*` */
  readonly events: readonly EventPattern[];
  readonly description?: string | null | undefined;
}

export interface WebhookEndpointChange {
  /** https; its address must be a public one */
  readonly url?: string | undefined;
  /** Events, groups of them like `refund.*`, or `*` */
  readonly events?: readonly EventPattern[] | undefined;
  readonly enabled?: boolean | undefined;
  readonly description?: string | null | undefined;
}

export interface WebhookEndpointWithSecret {
  readonly id: string;
  readonly object: "webhook_endpoint";
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string | null;
  readonly enabled: boolean;
  /** `gone`: it answered 410 */
  readonly disabled_reason: "operator" | "gone" | null;
  /** Since when every try failed */
  readonly failing_since: string | null;
  /** Until when the secret before this one signs as well */
  readonly previous_secret_until: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  /** `whsec_…`, told in this answer only */
  readonly secret: string;
}

export interface WebhookEndpointDeleted {
  readonly id: string;
  readonly object: "webhook_endpoint";
  readonly deleted: true;
}

export interface SecretRotation {
  /** Seconds */
  readonly expires_in?: number | undefined;
}

export interface WebhookDeliveryQuery {
  /** 1 to 100, default 20 */
  readonly limit?: number | undefined;
  /** The `next_cursor` of the page before */
  readonly starting_after?: string | undefined;
  /** Only those in this state */
  readonly state?: WebhookDeliveryState | undefined;
}

export interface EventQuery {
  /** 1 to 100, default 20 */
  readonly limit?: number | undefined;
  /** The `next_cursor` of the page before; default: from the beginning */
  readonly after?: string | undefined;
  /** An event, all of a group like `refund.*`, or `*` */
  readonly type?: EventPattern | undefined;
}

export interface EventPage {
  readonly object: "list";
  readonly data: readonly Event[];
  readonly has_more: boolean;
  readonly next_cursor: string;
  /** The last number of the trail when this page was read */
  readonly head: number;
}
