/** Why a processor did nothing: proof that no money moved. Goes on after its name. */
const NOT_SENT: Readonly<Record<string, string>> = {
  refused: "could not be reached",
  gate_closed: "was not asked in time",
  breaker_open: "was held back by Switchyard's own breaker",
  rate_limited: "asked us to slow down",
  unauthorized: "refused our credentials",
  token_unavailable: "gave us no access",
  rejected: "refused the request before doing anything",
  fenced: "confirmed that the payment is canceled for good",
  prepare_failed: "failed in the first step, which moves no money",
  duplicate_elsewhere: "takes this charge no more, and every earlier try there is proven unpaid",
};

/** Why nobody knows. */
const UNKNOWN: Readonly<Record<string, string>> = {
  timeout: "gave no answer in time",
  connection_lost: "was cut off before its answer came",
  server_error: "answered with an error of its own",
  unreadable: "gave an answer that makes no sense",
  in_progress: "says that the first request is still running",
  conflict: "says that another request for this payment exists",
  duplicate_invoice: "says that a payment for this charge may exist already",
  not_asked: "was not asked, because Switchyard's own breaker is open",
  unexpected: "gave an answer that proves nothing",
};

/** Why the customer's bank or the processor said no. */
const DECLINES: Readonly<Record<string, string>> = {
  processor_error: "a fault in the card network; the card itself was not judged",
  generic_decline: "no reason given",
  not_supported: "this card, currency or amount cannot be taken here",
  insufficient_funds: "not enough money",
  limit_exceeded: "over the customer's limit",
  authentication_required: "the customer has to confirm it",
  incorrect_number: "wrong card number",
  incorrect_cvc: "wrong security code",
  incorrect_address: "wrong address",
  incorrect_pin: "wrong PIN",
  expired_card: "the card has expired",
  card_replaced: "the bank has newer card data",
  lost_or_stolen: "card reported lost or stolen",
  card_restricted: "the card is restricted",
  invalid_account: "no such account",
  payment_stopped: "the customer stopped this payment",
  do_not_retry: "the bank asks not to try again",
  fraud: "suspected fraud",
};

export function notSentWords(cause: string | null): string {
  return NOT_SENT[cause ?? ""] ?? "did nothing with it";
}

export function unknownWords(cause: string | null): string {
  return UNKNOWN[cause ?? ""] ?? "gave no answer";
}

export function declineWords(reason: string | null): string {
  return DECLINES[reason ?? ""] ?? (reason ?? "no reason given").replaceAll("_", " ");
}

/** What works by itself, as an author. */
export const MACHINE = "Switchyard";

const SYSTEMS: Readonly<Record<string, string>> = {
  "system:webhook": "a processor's webhook",
  "system:health": "the health watch",
  "system:reconciliation": "reconciliation",
};

/** Who did it, from an event's actor: `key:<id>`, `key:<id>/console` or `system:<part>`. */
export function actorWords(actor: string): string {
  if (!actor.startsWith("key:")) return SYSTEMS[actor] ?? MACHINE;
  const [key = "", place] = actor.slice("key:".length).split("/");
  const who = key === "ADMIN_KEY" ? "the admin key" : `API key ${key}`;
  return place === undefined ? who : `${who} at the ${place}`;
}
