import type { UnknownCause } from "../contract/outcome.ts";

/** Issues (and names) after which money may have moved, or may yet: they win over everything else in the same answer. */
export const IN_DOUBT: ReadonlyMap<string, UnknownCause> = new Map([
  ["DUPLICATE_INVOICE_ID", "duplicate_invoice"],
  ["ORDER_ALREADY_CAPTURED", "conflict"],
  ["ORDER_ALREADY_AUTHORIZED", "conflict"],
  ["ORDER_ALREADY_COMPLETED", "conflict"],
  ["AUTHORIZATION_ALREADY_CAPTURED", "conflict"],
  ["PREVIOUSLY_CAPTURED", "conflict"],
  ["DUPLICATE_REQUEST_ID", "conflict"],
  ["ORDER_COMPLETION_IN_PROGRESS", "in_progress"],
  ["PREVIOUS_REQUEST_IN_PROGRESS", "in_progress"],
]);

/** Of a capture: the hold is no more. Whether it was captured before is another question. */
export const HOLD_GONE: ReadonlySet<string> = new Set(["AUTHORIZATION_DENIED", "AUTHORIZATION_EXPIRED", "AUTHORIZATION_VOIDED"]);

/** The saved instrument itself is gone for good; a card that expired may yet be renewed under the same token. */
export const TOKEN_GONE: ReadonlySet<string> = new Set([
  "AGREEMENT_ALREADY_CANCELLED",
  "BILLING_AGREEMENT_NOT_FOUND",
  "TOKEN_EXPIRED",
  "TOKEN_ID_NOT_FOUND",
]);

/** After these our order shows what became of it, so it is worth a look. */
export const WORTH_A_LOOK: ReadonlySet<UnknownCause> = new Set(["conflict", "in_progress"]);

/** The payer must do something. */
export const ACTION: ReadonlySet<string> = new Set(["PAYER_ACTION_REQUIRED", "ORDER_NOT_APPROVED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"]);

/**
 * Issues of a 422 that refuse the request before it is executed, for a reason of ours (set-up, request, order). An issue
 * that is in no table proves nothing.
 */
export const NOT_EXECUTED: ReadonlySet<string> = new Set([
  "ACTION_DOES_NOT_MATCH_INTENT",
  "AMOUNT_MISMATCH",
  "AUTH_CAPTURE_CURRENCY_MISMATCH",
  "BILLING_AGREEMENT_NOT_FOUND",
  "CANNOT_BE_NEGATIVE",
  "CANNOT_BE_ZERO_OR_NEGATIVE",
  "CARD_BRAND_NOT_SUPPORTED",
  "CURRENCY_NOT_SUPPORTED",
  "CURRENCY_NOT_SUPPORTED_FOR_COUNTRY",
  "DECIMAL_PRECISION",
  "DECIMALS_NOT_SUPPORTED",
  "INCOMPATIBLE_PARAMETER_VALUE",
  "INVALID_CURRENCY_CODE",
  "INVALID_RESOURCE_ID",
  "MAX_CAPTURE_AMOUNT_EXCEEDED",
  "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
  "NOT_ENABLED_FOR_CARD_PROCESSING",
  "NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE",
  "NOT_SUPPORTED",
  "ORDER_CANNOT_BE_CAPTURED",
  "ORDER_EXPIRED",
  "ORDER_VOIDED",
  "PAYEE_ACCOUNT_INVALID",
  "PAYEE_ACCOUNT_LOCKED_OR_CLOSED",
  "PAYEE_ACCOUNT_NOT_SUPPORTED",
  "PAYEE_ACCOUNT_NOT_VERIFIED",
  "PAYEE_ACCOUNT_RESTRICTED",
  "PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING",
  "PAYMENT_SOURCE_CANNOT_BE_USED",
  "PERMISSION_DENIED",
  "TRANSACTION_RECEIVING_LIMIT_EXCEEDED",
  "UNSUPPORTED_PAYMENT_INSTRUCTION",
]);

/** A refund that PayPal will not make: firm, nothing was given back by this request. */
export const REFUND_REFUSED: ReadonlySet<string> = new Set([
  "CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED",
  "CAPTURE_FULLY_REFUNDED",
  "CAPTURE_STATUS_NOT_VALID",
  "MAX_NUMBER_OF_REFUNDS_EXCEEDED",
  "PARTIAL_REFUND_NOT_ALLOWED",
  "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
  "PAYER_ACCOUNT_RESTRICTED",
  "PENDING_CAPTURE",
  "REFUND_AMOUNT_EXCEEDED",
  "REFUND_AMOUNT_TOO_LOW",
  "REFUND_CAPTURE_CURRENCY_MISMATCH",
  "REFUND_FAILED_INSUFFICIENT_FUNDS",
  "REFUND_NOT_ALLOWED",
  "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK",
  "REFUND_TIME_LIMIT_EXCEEDED",
  "TRANSACTION_REFUSED",
]);

/** On a replay these may be the work of the first send, still unknown to the second. */
export const PERHAPS_OUR_REFUND: ReadonlySet<string> = new Set(["CAPTURE_FULLY_REFUNDED", "REFUND_AMOUNT_EXCEEDED"]);
