/**
 * Our stable words for a decline, the same for every provider (`Declined.reason`). Callers build on them: never rename
 * one. What to do about a decline is its `advice`, never its reason.
 */
export type DeclineReason =
  | "processor_error" // the processor or the network stumbled; the card was not judged
  | "generic_decline"
  | "not_supported" // this provider cannot take this card, currency or amount
  | "insufficient_funds"
  | "limit_exceeded"
  | "authentication_required"
  | "incorrect_number"
  | "incorrect_cvc"
  | "incorrect_address"
  | "incorrect_pin"
  | "expired_card" // also a wrong expiry date
  | "card_replaced" // the issuer has newer card data
  | "lost_or_stolen"
  | "card_restricted"
  | "invalid_account"
  | "payment_stopped" // the holder revoked or stopped it
  | "do_not_retry"
  | "fraud"
  | "duplicate" // another payment may exist: never a plain decline, see the adapters
  | "refund_failed"; // refunds only
