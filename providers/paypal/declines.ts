import type { DeclineReason } from "../contract/decline-reason.ts";
import type { Advice, Declined } from "../contract/outcome.ts";
import { TOKEN_GONE } from "./issues.ts";

interface Row {
  readonly reason: DeclineReason;
  readonly source: Declined["source"];
  readonly advice: Advice;
  readonly codes: string;
}

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

/**
 * `processor_response.response_code` of a declined capture, and the issues of a 422 that are a firm no. The codes' meaning
 * is PayPal's (Orders v2 reference); what to do about each is ours.
 */
export const DECLINES: readonly Row[] = [
  { reason: "processor_error", source: "provider", advice: "other_provider", codes: "0960 5920 8000 8100 8110 8220 9100 PPNT PPER" },
  { reason: "generic_decline", source: "issuer", advice: "other_provider", codes: "0500 5100" },
  { reason: "insufficient_funds", source: "issuer", advice: "same_later", codes: "5120" },
  { reason: "limit_exceeded", source: "issuer", advice: "same_later", codes: "5710" },
  { reason: "limit_exceeded", source: "provider", advice: "same_later", codes: "PPEL PPNL" },
  { reason: "authentication_required", source: "issuer", advice: "authenticate", codes: "5650" },
  { reason: "incorrect_number", source: "issuer", advice: "fix_data", codes: "1330" },
  { reason: "expired_card", source: "issuer", advice: "fix_data", codes: "1380 5400" },
  { reason: "expired_card", source: "provider", advice: "fix_data", codes: "PPEF" },
  { reason: "incorrect_cvc", source: "issuer", advice: "fix_data", codes: "5110" },
  { reason: "incorrect_address", source: "issuer", advice: "fix_data", codes: "5170" },
  { reason: "invalid_account", source: "issuer", advice: "never", codes: "5140 5150 6300" },
  { reason: "card_restricted", source: "issuer", advice: "never", codes: "5180 9540" },
  { reason: "do_not_retry", source: "provider", advice: "never", codes: "PP06 PPRN" },
  { reason: "fraud", source: "issuer", advice: "never", codes: "9500 9510 9520" },

  // Issues of a 422.
  {
    reason: "generic_decline",
    source: "issuer",
    advice: "other_provider",
    codes: "INSTRUMENT_DECLINED PAYMENT_SOURCE_DECLINED_BY_PROCESSOR",
  },
  { reason: "generic_decline", source: "provider", advice: "other_provider", codes: "TRANSACTION_REFUSED PAYMENT_DENIED" },
  { reason: "not_supported", source: "provider", advice: "other_provider", codes: "PAYER_CANNOT_PAY" },
  { reason: "card_restricted", source: "provider", advice: "never", codes: "COMPLIANCE_VIOLATION TRANSACTION_BLOCKED_BY_PAYEE" },
  { reason: "invalid_account", source: "provider", advice: "never", codes: "PAYER_ACCOUNT_LOCKED_OR_CLOSED PAYER_ACCOUNT_RESTRICTED" },
  { reason: "expired_card", source: "provider", advice: "fix_data", codes: "CARD_EXPIRED" },
  { reason: "invalid_account", source: "provider", advice: "fix_data", codes: "TOKEN_EXPIRED TOKEN_ID_NOT_FOUND" },
  { reason: "payment_stopped", source: "provider", advice: "fix_data", codes: "AGREEMENT_ALREADY_CANCELLED" },
];

/** A code that nobody taught us is an issuer's no, and nobody said that another provider may be tried. */
const UNTAUGHT: Row = { reason: "generic_decline", source: "issuer", advice: "never", codes: "" };

/** Processor codes for "you have paid this already": a payment may exist, so they prove nothing. */
const DUPLICATE: ReadonlySet<string> = new Set(["5200", "PPIF"]);

const BY_CODE: ReadonlyMap<string, Row> = new Map(DECLINES.flatMap((row) => row.codes.split(" ").map((code) => [code, row] as const)));

/** `payment_advice_code`, the card network's own advice; it overrides the table. */
const NETWORK_ADVICE: ReadonlyMap<string, { readonly advice: Advice; readonly retryAfterS?: number }> = new Map([
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

/** Whether this 422 issue is a firm no to this payment. */
export function isDecline(issue: string): boolean {
  return /^[A-Z]{2,}_/.test(issue) && BY_CODE.has(issue);
}

export function isDuplicate(processorCode: string | null): boolean {
  return processorCode !== null && DUPLICATE.has(processorCode);
}

export function declinedByIssue(issue: string): Declined {
  const found = declined(BY_CODE.get(issue) ?? UNTAUGHT, issue, null);
  return TOKEN_GONE.has(issue) ? { ...found, tokenGone: true } : found;
}

/** A declined capture. Both codes may be missing: PayPal's own refusals have no processor. */
export function declinedByProcessor(responseCode: unknown, adviceCode: unknown): Declined {
  const code = word(responseCode);
  return declined(BY_CODE.get(code ?? "") ?? UNTAUGHT, code, word(adviceCode));
}

function declined(row: Row, providerCode: string | null, networkCode: string | null): Declined {
  const said: { readonly advice: Advice; readonly retryAfterS?: number } = NETWORK_ADVICE.get(networkCode ?? "") ?? row;
  return {
    kind: "declined",
    reason: row.reason,
    source: row.source,
    advice: said.advice,
    retryAfterS: said.retryAfterS ?? null,
    providerCode,
    networkCode,
    ...(said === UNTAUGHT ? { untaught: true } : {}),
  };
}

/** A code from the wire is a short word; anything else is not repeated. */
export function word(value: unknown): string | null {
  return typeof value === "string" && /^\w{1,64}$/.test(value) ? value : null;
}
