import { count, money, providerName } from "../../parts/words.ts";
import type { Charge } from "../charges/charge.ts";
import type { DeadLetter, DeadLetterKind } from "./dead-letter.ts";

/** What replaying does to the money, by what it is about. `one` decides the grammar. */
const REPLAY: Readonly<Record<DeadLetterKind, (one: boolean) => string>> = {
  charge: (one) =>
    `${one ? "The charge is" : "The charges are"} due again at once, with all tries back: the money is collected as soon as a processor can be used, once. Until then ${one ? "it waits" : "they wait"} as before.`,
  doubt: (one) =>
    `The processor is asked again what became of the payment${one ? "" : "s"}. What it says is recorded. No second payment is begun: nobody can be charged twice by this.`,
  compensation: (one) =>
    `The surplus payment${one ? "" : "s"} that came in late will be sent back to the customer, by the same request as before: once.`,
  refund: (one) =>
    `The refund${one ? " is" : "s are"} looked up at the processor, and sent again only where it is certain that nothing went back. Never more goes back than was asked for.`,
  webhook: (one) => `The notification${one ? " is" : "s are"} sent to your endpoint again, for up to 72 hours. No money moves.`,
  job: (one) => `The background job${one ? "" : "s"} will run again. No money moves by it.`,
};

export const KIND_WORDS: Readonly<Record<DeadLetterKind, readonly [string, string]>> = {
  charge: ["uncollected charge", "uncollected charges"],
  doubt: ["payment in doubt", "payments in doubt"],
  compensation: ["surplus payment to send back", "surplus payments to send back"],
  refund: ["refund", "refunds"],
  webhook: ["webhook", "webhooks"],
  job: ["background job", "background jobs"],
};

/** One line for each kind among them. */
export function replayConsequences(
  letters: readonly DeadLetter[],
): { readonly kind: DeadLetterKind; readonly head: string; readonly text: string }[] {
  const kinds = [...new Set(letters.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const many = letters.filter((letter) => letter.kind === kind).length;
    return { kind, head: `${count(many)} ${KIND_WORDS[kind][many === 1 ? 0 : 1]}`, text: REPLAY[kind](many === 1) };
  });
}

/** What settling a doubt by hand does to the money; `reference` is what was typed so far. */
export function settleConsequence(
  charge: Pick<Charge, "amount" | "currency" | "provider">,
  outcome: "charged" | "not_charged",
  reference: string,
): string[] {
  const amount = money(charge.amount, charge.currency);
  const who = charge.provider === null ? "the processor" : providerName(charge.provider);
  if (outcome === "charged")
    return [
      `${capital(who)} is asked first. If it confirms the payment${reference === "" ? "" : ` ${reference}`}, or cannot be reached, the charge becomes succeeded, and ${amount} counts as collected. Your billing core will see it so.`,
      `If ${who} says something else, nothing changes, and you see what it said. Nobody is charged by this.`,
    ];
  return [
    `${capital(who)} is asked first, and the payment is canceled there where it can be. Then the charge ends as failed: ${amount} counts as not collected, and no other processor is tried. Your billing core will see it so.`,
    `If ${who} says that the customer has paid, nothing changes, and you see what it said. Should the payment show up later, it is recorded then.`,
  ];
}

/** The same for a refund. */
export function settleRefundConsequence(
  refund: { readonly amount: number; readonly currency: string; readonly provider: string },
  outcome: "refunded" | "not_refunded",
): string[] {
  const amount = money(refund.amount, refund.currency);
  const who = providerName(refund.provider);
  if (outcome === "refunded")
    return [
      `${who} is asked first. If it confirms, or cannot be reached, ${amount} counts as sent back to the customer.`,
      "Nothing is sent by this.",
    ];
  return [
    `${who} is asked first. Unless it says otherwise the refund ends as failed: ${amount} stays with you, and can be refunded again with a new request.`,
    "Be sure of it: should the first refund have arrived after all, a second one would send the money back twice.",
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
