/**
 * Every error that a caller can see: one catalogue. `money` answers the caller's first question:
 *   none     no money moved for this request
 *   unknown  money may have moved: repeat with the same key, or read the charge
 *   as_shown the charge's own state says it
 */
export const PROBLEMS = {
  invalid_json: { status: 400, title: "The body is not valid JSON", money: "none" },
  invalid_request: { status: 400, title: "The request is not valid", money: "none" },
  webhook_refused: { status: 400, title: "The webhook is not accepted", money: "none" },
  idempotency_key_missing: { status: 400, title: "The Idempotency-Key header is missing", money: "none" },
  idempotency_key_invalid: { status: 400, title: "The Idempotency-Key header must be 1 to 255 visible ASCII characters", money: "none" },
  unauthorized: { status: 401, title: "No valid API key", money: "none" },
  forbidden: { status: 403, title: "This key's role may not do this", money: "none" },
  csrf_token_invalid: { status: 403, title: "The console's cookie came without the console's token", money: "none" },
  not_found: { status: 404, title: "No such resource", money: "none" },
  method_not_allowed: { status: 405, title: "The resource does not take this method", money: "none" },
  not_acceptable: { status: 406, title: "This representation is not available", money: "none" },
  idempotency_key_in_use: { status: 409, title: "A request with this key is still running", money: "unknown" },
  reference_in_use: { status: 409, title: "Another unfinished charge has this reference", money: "none" },
  charge_in_flight: { status: 409, title: "The charge is in flight", money: "as_shown" },
  charge_final: { status: 409, title: "The charge is in a final state", money: "as_shown" },
  charge_not_refundable: { status: 409, title: "The charge holds no money that could be given back", money: "as_shown" },
  charge_disputed: { status: 409, title: "A dispute about the charge is open, or was lost", money: "none" },
  refund_exceeds_captured: { status: 409, title: "More than what is left of the charge", money: "none" },
  charge_not_in_doubt: { status: 409, title: "Only a charge in doubt can be resolved by hand", money: "as_shown" },
  refund_not_in_doubt: { status: 409, title: "Only a refund in doubt can be resolved by hand", money: "as_shown" },
  resolution_in_progress: { status: 409, title: "It is being resolved at this moment", money: "unknown" },
  provider_disagrees: { status: 409, title: "The provider says something else", money: "unknown" },
  dead_letter_closed: { status: 409, title: "The dead letter is not open", money: "none" },
  finding_superseded: { status: 409, title: "The same difference is open in a newer finding", money: "none" },
  routing_rules_changed: { status: 409, title: "The routing rules were changed meanwhile", money: "none" },
  webhook_endpoint_limit: { status: 409, title: "The account has no room for another webhook endpoint", money: "none" },
  webhook_endpoint_disabled: { status: 409, title: "The webhook endpoint is disabled", money: "none" },
  payment_method_gone: { status: 409, title: "The payment method is deleted, or no token of it can be charged", money: "none" },
  last_admin_key: { status: 409, title: "The last admin key cannot be revoked", money: "none" },
  body_too_large: { status: 413, title: "The body is too large", money: "none" },
  unsupported_media_type: { status: 415, title: "The body must be application/json", money: "none" },
  validation_failed: { status: 422, title: "The request has invalid fields", money: "none" },
  card_number_not_allowed: { status: 422, title: "Card numbers are not accepted, only provider tokens", money: "none" },
  idempotency_key_reused: { status: 422, title: "This key was used with another request", money: "none" },
  // Thrown before a key is looked up: it may have been used before.
  too_many_requests: { status: 429, title: "Too many requests", money: "unknown" },
  too_many_sign_ins: { status: 429, title: "Too many failed sign-ins", money: "none" },
  internal_error: { status: 500, title: "An unexpected error", money: "unknown" },
  webhook_not_taken: { status: 503, title: "The webhook cannot be taken now", money: "none" },
  no_provider_available: { status: 503, title: "No provider can be used now", money: "none" },
  not_ready: { status: 503, title: "This instance cannot take charges now", money: "unknown" },
  database_unavailable: { status: 503, title: "The database cannot be reached", money: "unknown" },
  outcome_unknown_retry_same_key: { status: 503, title: "The outcome could not be recorded; repeat with the same key", money: "unknown" },
} as const satisfies Record<string, { status: number; title: string; money: "none" | "unknown" | "as_shown" }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One invalid field: a JSON pointer into the body (RFC 6901), or `?name` for a query parameter. */
export interface FieldFault {
  readonly pointer: string;
  readonly message: string;
}

/** Thrown anywhere in a request; the HTTP layer alone turns it into problem+json (RFC 9457). */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly faults: readonly FieldFault[];
  readonly retryAfterS: number | null;
  /** The charge that it is about, when there is one. */
  readonly chargeId: string | null;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { faults?: readonly FieldFault[]; retryAfterS?: number; chargeId?: string; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.faults = more.faults ?? [];
    this.retryAfterS = more.retryAfterS ?? null;
    this.chargeId = more.chargeId ?? null;
  }
}
