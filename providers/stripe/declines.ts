import type { DeclineReason } from "../contract/decline-reason.ts";
import type { Advice, Declined, Unknown } from "../contract/outcome.ts";

interface Row {
  readonly reason: DeclineReason;
  readonly source: Declined["source"];
  readonly advice: Advice;
  readonly codes: string;
  readonly retryAfterS?: number;
}

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

/** Stripe's decline codes (docs.stripe.com/declines/codes), and error codes where a decline has no decline code. */
export const DECLINES: readonly Row[] = [
  { reason: "processor_error", source: "provider", advice: "other_provider", codes: "processing_error" },
  {
    reason: "processor_error",
    source: "issuer",
    advice: "other_provider",
    codes: "reenter_transaction try_again_later issuer_not_available approve_with_id",
  },
  {
    reason: "generic_decline",
    source: "issuer",
    advice: "other_provider",
    codes: "generic_decline do_not_honor call_issuer no_action_taken not_permitted service_not_allowed",
  },
  {
    reason: "not_supported",
    source: "provider",
    advice: "other_provider",
    codes: "card_not_supported currency_not_supported invalid_amount",
  },
  { reason: "insufficient_funds", source: "issuer", advice: "same_later", codes: "insufficient_funds" },
  { reason: "limit_exceeded", source: "issuer", advice: "same_later", codes: "card_velocity_exceeded withdrawal_count_limit_exceeded" },
  { reason: "limit_exceeded", source: "provider", advice: "same_later", codes: "card_decline_rate_limit_exceeded", retryAfterS: DAY_S },
  {
    reason: "authentication_required",
    source: "issuer",
    advice: "authenticate",
    codes: "authentication_required payment_intent_authentication_failure",
  },
  { reason: "incorrect_number", source: "issuer", advice: "fix_data", codes: "incorrect_number invalid_number" },
  { reason: "incorrect_cvc", source: "issuer", advice: "fix_data", codes: "incorrect_cvc invalid_cvc" },
  { reason: "expired_card", source: "issuer", advice: "fix_data", codes: "expired_card invalid_expiry_month invalid_expiry_year" },
  { reason: "incorrect_address", source: "issuer", advice: "fix_data", codes: "incorrect_zip incorrect_address" },
  {
    reason: "incorrect_pin",
    source: "issuer",
    advice: "fix_data",
    codes: "incorrect_pin invalid_pin offline_pin_required online_or_offline_pin_required pin_try_exceeded",
  },
  { reason: "card_replaced", source: "issuer", advice: "fix_data", codes: "new_account_information_available" },
  { reason: "lost_or_stolen", source: "issuer", advice: "never", codes: "lost_card stolen_card pickup_card" },
  { reason: "card_restricted", source: "issuer", advice: "never", codes: "restricted_card transaction_not_allowed" },
  { reason: "invalid_account", source: "issuer", advice: "never", codes: "invalid_account" },
  { reason: "do_not_retry", source: "issuer", advice: "never", codes: "do_not_try_again" },
  {
    reason: "payment_stopped",
    source: "issuer",
    advice: "never",
    codes: "stop_payment_order revocation_of_authorization revocation_of_all_authorizations",
  },
  { reason: "fraud", source: "issuer", advice: "never", codes: "security_violation" },
  { reason: "fraud", source: "provider", advice: "never", codes: "fraudulent merchant_blacklist highest_risk_level" },
  { reason: "duplicate", source: "issuer", advice: "never", codes: "duplicate_transaction" },
];

/** A code that nobody taught us is an issuer's no, and nobody said that another provider may be tried. */
const UNKNOWN: Row = { reason: "generic_decline", source: "issuer", advice: "never", codes: "" };

const BY_CODE: ReadonlyMap<string, Row> = new Map(DECLINES.flatMap((row) => row.codes.split(" ").map((code) => [code, row] as const)));

type Override = { readonly advice: Advice; readonly retryAfterS?: number };

/** `advice_code`: Stripe's own advice, more specific than the table. */
const STRIPE_ADVICE: ReadonlyMap<string, Override> = new Map([
  ["do_not_try_again", { advice: "never" }],
  ["try_again_later", { advice: "same_later" }],
  ["confirm_card_data", { advice: "fix_data" }],
]);

/** `network_advice_code`: Mastercard's merchant advice codes. */
const NETWORK_ADVICE: ReadonlyMap<string, Override> = new Map([
  ["01", { advice: "fix_data" }],
  ["02", { advice: "same_later" }],
  ["03", { advice: "never" }],
  ["21", { advice: "never" }],
  ["24", { advice: "same_later", retryAfterS: HOUR_S }],
  ["25", { advice: "same_later", retryAfterS: DAY_S }],
  ["26", { advice: "same_later", retryAfterS: 2 * DAY_S }],
  ["27", { advice: "same_later", retryAfterS: 4 * DAY_S }],
  ["28", { advice: "same_later", retryAfterS: 6 * DAY_S }],
  ["29", { advice: "same_later", retryAfterS: 8 * DAY_S }],
  ["30", { advice: "same_later", retryAfterS: 10 * DAY_S }],
  ["99", { advice: "never" }],
]);

/** `network_decline_code`s after which Visa forbids another attempt with the same card, wherever it is sent. */
const NEVER_AGAIN: ReadonlySet<string> = new Set("04 07 12 14 15 41 43 46 57 R0 R1 R3".split(" "));

/** The fields of a card error, in an HTTP error as in `last_payment_error`. */
export interface CardError {
  readonly code?: unknown;
  readonly decline_code?: unknown;
  readonly advice_code?: unknown;
  readonly network_advice_code?: unknown;
  readonly network_decline_code?: unknown;
}

/** A card error as a decline. */
export function declinedBy(error: CardError): Declined {
  // stripe-node sets decline_code to "" where Stripe sent none (expired_card, incorrect_cvc, processing_error).
  const declineCode = word(error.decline_code);
  const code = word(error.code);
  const row = BY_CODE.get(declineCode ?? "") ?? BY_CODE.get(code ?? "") ?? UNKNOWN;
  const networkAdvice = word(error.network_advice_code);
  const networkDecline = word(error.network_decline_code);
  const said: Row | Override = NETWORK_ADVICE.get(networkAdvice ?? "") ?? STRIPE_ADVICE.get(word(error.advice_code) ?? "") ?? row;
  const { advice, retryAfterS } = said;
  // The scheme's ban is for this card's data; new data or the customer's authentication make it another attempt.
  const banned = NEVER_AGAIN.has(networkDecline ?? "") && (advice === "other_provider" || advice === "same_later");
  return {
    kind: "declined",
    reason: row.reason,
    source: row.source,
    advice: banned ? "never" : advice,
    retryAfterS: banned ? null : (retryAfterS ?? null),
    providerCode: declineCode ?? code,
    networkCode: networkDecline ?? networkAdvice,
    ...(said === UNKNOWN ? { untaught: true } : {}),
  };
}

/** What a card error means for the attempt: `duplicate_transaction` says that a payment may exist, so it proves nothing. */
export function judgeCardError(error: CardError): Declined | Unknown {
  const declined = declinedBy(error);
  if (declined.reason !== "duplicate") return declined;
  return { kind: "unknown", cause: "conflict", detail: "Stripe declined it as a duplicate: another payment may exist" };
}

/** A code from the wire is a short word; anything else is not repeated. */
function word(value: unknown): string | null {
  return typeof value === "string" && /^[\w-]{1,64}$/.test(value) ? value : null;
}
