import { dateTime, money, providerName } from "../../parts/words.ts";
import type { Attempt, Charge, ChargeInFull, Refund } from "./charge.ts";
import { declineWords, notSentWords, unknownWords } from "./reason-words.ts";

/** What a support person would tell the customer: where the money is now, and why. One to four sentences. */
export function summaryOf(charge: ChargeInFull): string[] {
  return [...state(charge), ...settling(charge), ...refunds(charge), ...disputes(charge)];
}

function state(charge: ChargeInFull): string[] {
  const amount = money(charge.amount, charge.currency);
  const who = charge.provider === null ? "A processor" : providerName(charge.provider);
  switch (charge.status) {
    case "succeeded":
      return [`${who} collected ${money(charge.amount_captured, charge.currency)}.`, ...rescue(charge)];
    case "authorized":
      return [
        `${who} holds ${amount} on the customer's card; nothing is collected yet.`,
        ...(charge.authorized_until === null ? [] : [`The hold lapses on ${dateTime(charge.authorized_until)}.`]),
      ];
    case "processing":
      return [`${amount} is being collected right now.`];
    case "pending":
      return [`${who} has the payment of ${amount} in work, and tells us when it is through. Nothing is collected yet.`];
    case "requires_action":
      return [`The customer has to confirm the payment of ${amount} at ${who}. Nothing is collected before that.`];
    case "in_doubt":
      return [
        `${who} was asked for ${amount}, and its answer was lost: nobody knows yet whether the customer paid.`,
        `Switchyard keeps asking ${who}. Nobody else is tried meanwhile, so that the customer cannot pay twice.`,
      ];
    case "deferred":
      return [
        `Nothing was charged: no processor could be used. Switchyard keeps the charge of ${amount}, and collects it when one returns` +
          (charge.deferred === null ? "." : `, until ${dateTime(charge.deferred.until)}.`),
      ];
    case "canceled":
      return [`Canceled. ${amount} was not collected, and will not be.`];
    case "failed":
      return [`Not collected. ${charge.failure?.message ?? ""}`.trim()];
  }
}

/** Whether it is revenue that one processor alone would have lost. */
function rescue(charge: ChargeInFull): string[] {
  const earlier = charge.attempts.slice(0, -1).filter((attempt) => attempt.provider !== charge.provider);
  const waited = charge.events.some(({ type }) => type === "charge.deferred");
  if (waited) return ["It was collected because Switchyard kept it while no processor could be used."];
  const last = earlier.at(-1);
  return last === undefined ? [] : [`It was collected because Switchyard tried a second processor: ${attemptWords(last)}.`];
}

/** One attempt in half a sentence: "Stripe could not be reached". */
export function attemptWords(attempt: Attempt): string {
  const who = providerName(attempt.provider);
  switch (attempt.outcome) {
    case null:
      return `${who} is being asked`;
    case "approved":
      return `${who} approved it`;
    case "declined":
      return `${who} declined it (${declineWords(attempt.reason)})`;
    case "not_sent":
      return `${who} ${notSentWords(attempt.reason)}`;
    case "fenced":
      return `${who} confirmed that this try is canceled for good`;
    case "settled":
      return `${who}: settled by hand`;
    default:
      return `${who} ${unknownWords(attempt.reason)}`;
  }
}

function settling({ settlement, currency }: Charge): string[] {
  if (settlement === null) return [];
  const amount = money(settlement.amount, currency);
  return [settlement.kind === "void" ? `The hold of ${amount} is being released.` : `${amount} of it is being captured.`];
}

function refunds(charge: ChargeInFull): string[] {
  const sumOf = (...states: readonly Refund["status"][]): number =>
    charge.refunds.reduce((sum, { status, amount }) => sum + (states.includes(status) ? amount : 0), 0);
  const say = (amount: number, words: string): string[] => (amount === 0 ? [] : [`${money(amount, charge.currency)} ${words}`]);
  return [
    ...say(charge.amount_refunded, "went back to the customer."),
    ...say(sumOf("processing", "pending", "deferred"), "is on its way back."),
    ...say(sumOf("in_doubt"), "was sent back, and nobody knows yet whether it arrived."),
  ];
}

/** One that was lost forbids refunds as well. */
function disputes({ disputed, disputes: all }: ChargeInFull): string[] {
  if (!disputed) return [];
  return all.some(({ status }) => status === "open")
    ? ["The customer disputes it: it cannot be refunded now."]
    : ["The customer disputed it, and the dispute was lost: the money is gone."];
}
