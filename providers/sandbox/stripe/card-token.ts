/** What a test payment method does when it is charged. */
export type CardBehaviour =
  | { readonly kind: "charge" }
  | { readonly kind: "decline"; readonly code: string; readonly adviceCode: string | null; readonly networkCode: string | null }
  | { readonly kind: "pending"; readonly succeeds: boolean }
  | { readonly kind: "requires_action" }
  | { readonly kind: "authentication_required" };

// Stripe's own test tokens say their decline in camel case.
const DOCUMENTED_DECLINES: Readonly<Record<string, string>> = {
  "": "generic_decline",
  InsufficientFunds: "insufficient_funds",
  LostCard: "lost_card",
  StolenCard: "stolen_card",
  ExpiredCard: "expired_card",
  IncorrectCvc: "incorrect_cvc",
  ProcessingError: "processing_error",
  Fraudulent: "fraudulent",
  VelocityLimitExceeded: "card_velocity_exceeded",
};

const DOCUMENTED = /^pm_card_(?:visa_)?chargeDeclined(\w*)$/;
const OURS = /^pm_card_decline_/;

/** Unknown tokens charge. */
export function cardBehaviour(token: string): CardBehaviour {
  if (token.startsWith("pm_card_pending") && token !== "pm_card_pendingRefund") {
    return { kind: "pending", succeeds: token !== "pm_card_pending_fails" };
  }
  if (token === "pm_card_requires_action") return { kind: "requires_action" };
  if (token === "pm_card_authenticationRequired") return { kind: "authentication_required" };
  if (token === "pm_card_radarBlock") return declineBehaviour("fraudulent");
  const documented = DOCUMENTED.exec(token);
  if (documented) return declineBehaviour(DOCUMENTED_DECLINES[documented[1]!] ?? "generic_decline");
  if (OURS.test(token)) return declineBehaviour(token.replace(OURS, ""));
  return { kind: "charge" };
}

/** `<decline code>`, `<decline code>__advice_<advice code>__network_<code>`; "" is generic_decline. */
export function declineBehaviour(text: string): CardBehaviour & { kind: "decline" } {
  const [code, ...more] = text.split("__");
  const tagged = (tag: string): string | null => more.find((part) => part.startsWith(tag))?.slice(tag.length) ?? null;
  return { kind: "decline", code: code || "generic_decline", adviceCode: tagged("advice_"), networkCode: tagged("network_") };
}

// These are the error's own code; Stripe sends no decline_code with them. All others come as card_declined + decline_code.
const OWN_CODE = new Set([
  "expired_card",
  "incorrect_address",
  "incorrect_cvc",
  "incorrect_number",
  "incorrect_zip",
  "invalid_cvc",
  "invalid_expiry_month",
  "invalid_expiry_year",
  "invalid_number",
  "processing_error",
]);

const MESSAGES: Readonly<Record<string, string>> = {
  authentication_required: "This transaction requires authentication.",
  expired_card: "Your card has expired.",
  incorrect_cvc: "Your card's security code is incorrect.",
  insufficient_funds: "Your card has insufficient funds.",
  processing_error: "An error occurred while processing your card. Try again in a little bit.",
};

/** A decline as Stripe's error fields. */
export function declineFields(decline: { code: string; adviceCode: string | null; networkCode: string | null }): {
  code: string;
  message: string;
  decline_code?: string;
  advice_code?: string;
  network_decline_code?: string;
} {
  const { code, adviceCode, networkCode } = decline;
  const own = OWN_CODE.has(code);
  return {
    code: own || code === "authentication_required" ? code : "card_declined",
    message: MESSAGES[code] ?? "Your card was declined.",
    ...(own ? {} : { decline_code: code }),
    ...(adviceCode === null ? {} : { advice_code: adviceCode }),
    ...(networkCode === null ? {} : { network_decline_code: networkCode }),
  };
}
