import type { Tone } from "../../parts/tone.ts";
import { dateTime, money, plain, providerName } from "../../parts/words.ts";
import type { AttemptDecision, ChargeEvent, ChargeInFull } from "./charge.ts";
import { actorWords, declineWords, MACHINE, notSentWords, unknownWords } from "./reason-words.ts";

/** One thing that happened to a charge, in words for finance and support. */
export interface Chapter {
  readonly key: string;
  readonly at: string;
  readonly tone: Tone;
  readonly title: string;
  readonly detail: string | null;
  /** Why this processor: the decision that was kept with the attempt. */
  readonly decision: AttemptDecision["decision"];
  /** Who did it, where that is news: the machine is not, nor who did what came before. */
  readonly by: string | null;
}

interface Told {
  readonly tone: Tone;
  readonly title: string;
  readonly detail?: string;
}

/** The charge's life, oldest first. `decisions` is empty for who may not read them. */
export function storyOf(charge: ChargeInFull, decisions: readonly AttemptDecision[]): Chapter[] {
  return charge.events.map((event, index) => {
    const told = tell(event, charge);
    const begins = event.type === "attempt.started";
    return {
      key: `${index} ${event.type}`,
      at: event.at,
      tone: told.tone,
      title: told.title,
      detail: told.detail ?? null,
      decision: begins ? (decisions.find(({ attempt }) => attempt === event.attempt)?.decision ?? null) : null,
      by: event.actor === charge.events[index - 1]?.actor ? null : authorOf(event.actor),
    };
  });
}

function authorOf(actor: string): string | null {
  const words = actorWords(actor);
  return words === MACHINE ? null : words;
}

function tell(event: ChargeEvent, charge: ChargeInFull): Told {
  const who = event.provider === null ? "The processor" : providerName(event.provider);
  const [group] = event.type.split(".");
  if (event.type === "attempt.started") return { tone: "info", title: `${who} is asked for ${money(charge.amount, charge.currency)}` };
  if (event.type === "attempt.finished") return outcome(event, who, causeOf(event, charge));
  if (group === "charge") return OF_CHARGE[event.type]?.(event, charge, who) ?? { tone: "quiet", title: plain(event.type.slice(7)) };
  if (group === "operation") return ofOperation(event);
  if (group === "refund") return ofRefund(event, charge, who);
  if (group === "dispute") return ofDispute(event, who);
  return OTHERS[event.type]?.(event, who) ?? { tone: "quiet", title: `${plain(event.type.replace(".", ": "))}` };
}

/** What one attempt came to, when it did not decide the charge. */
function outcome(event: ChargeEvent, who: string, cause: string | null): Told {
  switch (event.outcome) {
    case "not_sent":
      return {
        tone: "warn",
        title: `${who} ${notSentWords(cause)}`,
        detail: "No money moved there, and none can: another processor may be tried safely.",
      };
    case "declined":
      return { tone: "bad", title: `${who} declined: ${declineWords(cause)}` };
    case "unknown":
      return {
        tone: "doubt",
        title: `${who} ${unknownWords(cause)}`,
        detail: "Nobody knows yet whether money moved. It is looked up there, and no other processor is tried before that is known.",
      };
    case "fenced":
      return {
        tone: "warn",
        title: `The try at ${who} was canceled for good`,
        detail: `${who} confirmed it: no money moved there, and none can.`,
      };
    case "approved":
      return { tone: "good", title: `${who} approved it` };
    default:
      return { tone: "quiet", title: `${who}: ${plain(event.outcome ?? "no answer yet")}` };
  }
}

const OF_CHARGE: Readonly<Record<string, (event: ChargeEvent, charge: ChargeInFull, who: string) => Told>> = {
  "charge.succeeded": (_, charge, who) => ({
    tone: "good",
    title: `${who} collected ${money(charge.amount_captured || charge.amount, charge.currency)}`,
  }),
  "charge.authorized": (_, charge, who) => ({
    tone: "info",
    title: `${who} holds ${money(charge.amount, charge.currency)} on the customer's card`,
    detail: "Nothing is collected before it is captured.",
  }),
  "charge.captured": (event, charge) => ({
    tone: "good",
    title: `${money(amountIn(event, charge), charge.currency)} of the hold was captured`,
  }),
  "charge.processing": (event) =>
    event.from_status === "deferred"
      ? { tone: "info", title: "Taken up again: a processor is back" }
      : { tone: "info", title: "The next processor is chosen" },
  "charge.deferred": (event, charge, who) => ({
    tone: "warn",
    title:
      event.outcome === "not_sent"
        ? `${who} ${notSentWords(causeOf(event, charge))}, and nobody else can be asked now`
        : "No processor could be used",
    detail: "The charge is kept, and collected when one returns. Nothing was charged.",
  }),
  "charge.in_doubt": (event, charge, who) => outcome({ ...event, outcome: "unknown" }, who, causeOf(event, charge)),
  "charge.pending": (_, __, who) => ({
    tone: "info",
    title: `${who} has it in work`,
    detail: "A bank transfer or a review takes time there; the answer comes by itself.",
  }),
  "charge.requires_action": () => ({
    tone: "warn",
    title: "The customer has to confirm the payment",
    detail: "Nothing is collected before that.",
  }),
  "charge.failed": (event, charge, who) => ({
    tone: "bad",
    title:
      event.outcome === "declined"
        ? `${who} declined: ${declineWords(failureOf(event))}`
        : `It failed: ${plain(failureOf(event) ?? "unknown reason")}`,
    detail: charge.status === "failed" ? (charge.failure?.message ?? "") : "",
  }),
  "charge.canceled": () => ({ tone: "quiet", title: "Canceled", detail: "Nothing was collected, and nothing will be." }),
  "charge.late_success": (event) => ({
    tone: "warn",
    title: "A payment that was given up has succeeded after all",
    detail:
      event.data.adopted === true
        ? "It counts: the charge is collected by it."
        : "The charge is paid already, or still under way elsewhere: this money is sent back.",
  }),
  "charge.resolved_by_hand": (event) => ({
    tone: "info",
    title: `Settled by hand: ${event.data.outcome === "charged" ? "the money was taken" : "no money was taken"}`,
    detail: `“${String(event.data.reason)}” – ${event.data.checked === true ? "the processor confirmed it" : "the processor could not confirm it"}.`,
  }),
  "charge.authorization_expiring": (event) => ({ tone: "warn", title: `The hold lapses on ${dateTime(String(event.data.until))}` }),
};

function ofOperation(event: ChargeEvent): Told {
  const what = event.data.kind === "void" ? "Releasing the hold" : "The capture";
  const state = event.type.slice("operation.".length);
  if (state === "started")
    return { tone: "info", title: event.data.kind === "void" ? "The hold is being released" : "The money is being captured" };
  const tone = state === "succeeded" ? "good" : state === "failed" ? "bad" : state === "in_doubt" ? "doubt" : "info";
  return { tone, title: `${what}: ${plain(state)}` };
}

const REFUND: Readonly<Record<string, readonly [Tone, string]>> = {
  created: ["info", "is to go back to the customer"],
  pending: ["info", "is on its way back"],
  in_doubt: ["doubt", "was sent back, and nobody knows yet whether it arrived"],
  deferred: ["warn", "cannot be sent back now; it will be"],
  succeeded: ["good", "went back to the customer"],
  failed: ["bad", "could not be sent back"],
  resolved_by_hand: ["info", "to go back was settled by hand"],
};

function ofRefund(event: ChargeEvent, charge: ChargeInFull, who: string): Told {
  const state = event.type.slice("refund.".length);
  const [tone, words] = REFUND[state] ?? ["quiet", plain(state)];
  const refund = charge.refunds.find(({ id }) => id === event.data.refund);
  const title = `${refund === undefined ? "A refund" : money(refund.amount, refund.currency)} ${words}`;
  if (state === "created") return { tone, title, detail: `By ${who}, which took it${refund?.reason ? `: “${refund.reason}”` : ""}.` };
  return { tone, title };
}

function ofDispute(event: ChargeEvent, who: string): Told {
  const reason = typeof event.data.reason === "string" ? ` (${plain(event.data.reason).toLowerCase()})` : "";
  switch (event.type) {
    case "dispute.opened":
      return { tone: "bad", title: `The customer disputes the payment at ${who}${reason}`, detail: "It cannot be refunded meanwhile." };
    case "dispute.won":
      return { tone: "good", title: "The dispute was won: the money stays" };
    case "dispute.lost":
      return { tone: "bad", title: "The dispute was lost: the money is gone" };
    default:
      return { tone: "info", title: `The dispute: ${plain(String(event.data.status ?? "updated"))}` };
  }
}

const OTHERS: Readonly<Record<string, (event: ChargeEvent, who: string) => Told>> = {
  "compensation.done": (_, who) => ({ tone: "good", title: `The surplus payment at ${who} was sent back` }),
  "dead_letter.opened": (event) => ({ tone: "warn", title: "A person is needed", detail: sentence(event.data.reason) }),
  "dead_letter.replayed": () => ({ tone: "info", title: "Put back to work from the queue" }),
  "payment_method.token_gone": (_, who) => ({ tone: "warn", title: `${who} can charge this card no more` }),
  "reconciliation.finding": (event) => ({
    tone: "warn",
    title: `Reconciliation found a difference: ${plain(String(event.data.kind ?? ""))}`,
  }),
  "reconciliation.resolved": () => ({ tone: "good", title: "The difference that reconciliation found is settled" }),
};

function sentence(text: unknown): string {
  const words = String(text ?? "");
  return words === "" ? "" : `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** The event's own; else the attempt's, as long as that has ended no other way since. */
function causeOf(event: ChargeEvent, charge: ChargeInFull): string | null {
  if (typeof event.data.cause === "string") return event.data.cause;
  const attempt = charge.attempts.find(({ id }) => id === event.attempt);
  return attempt?.outcome === event.outcome || (event.outcome === null && attempt?.outcome === "unknown")
    ? (attempt?.reason ?? null)
    : null;
}

function failureOf(event: ChargeEvent): string | null {
  return typeof event.data.failure === "string" ? event.data.failure : null;
}

function amountIn(event: ChargeEvent, charge: ChargeInFull): number {
  const amount = Number(event.data.amount);
  return Number.isSafeInteger(amount) && amount > 0 ? amount : charge.amount_captured;
}
