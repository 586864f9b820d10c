import type { AttemptJson, ChargeJson } from "./charge-words.ts";
import { moneyText } from "./words.ts";

/** A charge with its trail, as GET /v1/charges/{id} shows it. */
export interface ToldCharge extends ChargeJson {
  readonly events: readonly EventJson[];
  readonly refunds: readonly { readonly id: string; readonly amount: number; readonly reason: string | null }[];
  readonly disputes: readonly { readonly id: string; readonly amount: number | null; readonly currency: string | null }[];
}

export interface EventJson {
  readonly type: string;
  readonly at: string;
  readonly actor: string;
  readonly attempt: string | null;
  readonly provider: string | null;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly outcome: string | null;
  readonly latency_ms: number | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Why an attempt went where it went, as GET /v1/routing/decisions/{charge} shows it. */
export interface DecidedJson {
  readonly attempt: string;
  readonly decision: { readonly reason: string } | null;
}

export interface Told {
  readonly at: string;
  readonly text: string;
  readonly actor: string;
  /** Belongs to the line above: why. */
  readonly why: string | null;
}

/** The trail of a charge in words, oldest first: one entry for each event. */
export function storyOf(charge: ToldCharge, decided: readonly DecidedJson[]): Told[] {
  const reasons = new Map(decided.map(({ attempt, decision }) => [attempt, decision?.reason ?? null]));
  return charge.events.map((event) => ({
    at: event.at,
    actor: actorText(event.actor),
    text: sentence(charge, event),
    why: event.type === "attempt.started" && event.attempt !== null ? (reasons.get(event.attempt) ?? null) : null,
  }));
}

function sentence(charge: ToldCharge, event: EventJson): string {
  const [group = "", what = ""] = event.type.split(".");
  if (group === "attempt" && what === "started") return begun(charge, event);
  const outcome = outcomeText(charge, event);
  if (group === "attempt") return outcome ?? "the attempt has ended";
  if (group === "charge") return [outcome, chargeText(charge, event, what)].filter(Boolean).join("; ");
  return otherText(charge, event, group, what);
}

function begun(charge: ToldCharge, event: EventJson): string {
  const no = charge.attempts.findIndex(({ id }) => id === event.attempt) + 1;
  const accepted = event.from_status === null && event.to_status === "processing";
  return `${accepted ? `accepted: ${moneyText(charge.amount, charge.currency)}; ` : ""}attempt ${no} begins at ${event.provider}`;
}

/** What the provider did, and what follows from that. */
const OUTCOMES: Readonly<Record<string, readonly [did: string, so: string]>> = {
  approved: ["said yes", ""],
  pending: ["has it in work, and waits itself", ""],
  requires_action: ["wants the customer to authenticate", ""],
  declined: ["said no", ""],
  not_sent: ["executed nothing", ": that is proven"],
  unknown: ["gave no answer that can be trusted", ": the money may have moved"],
  fenced: ["can never execute the attempt any more", ": it is fenced"],
  settled: ["did not charge, by a person's word", ""],
};

function outcomeText(charge: ToldCharge, event: EventJson): string | null {
  if (event.outcome === null) return null;
  const attempt: AttemptJson | undefined = charge.attempts.find(({ id }) => id === event.attempt);
  const cause = event.data.cause ?? (attempt?.outcome === event.outcome ? attempt.reason : null);
  const aside = [
    typeof cause === "string" ? cause.replaceAll("_", " ") : null,
    event.latency_ms === null ? null : `after ${event.latency_ms} ms`,
  ].filter((one) => one !== null);
  const [did, so] = OUTCOMES[event.outcome] ?? [event.outcome, ""];
  return `${event.provider ?? "the provider"} ${did}${aside.length > 0 ? ` (${aside.join(", ")})` : ""}${so}`;
}

function chargeText(charge: ToldCharge, { data, from_status, provider }: EventJson, what: string): string {
  const reference = data.reference ? ` (${data.reference})` : "";
  switch (what) {
    case "processing":
      return from_status === "deferred" ? "its turn in the queue has come" : "it is taken up again";
    case "succeeded":
      return "the charge is paid";
    case "authorized":
      return "the money is held";
    case "captured":
      return `${moneyText(Number(data.amount), charge.currency)} of the hold was taken${reference}`;
    case "failed":
      return `the charge has failed${data.failure ? ` (${data.failure})` : ""}`;
    case "canceled":
      return "the charge is withdrawn";
    case "deferred":
      return "nobody can take it now: it is kept, and collected when a processor returns";
    case "in_doubt":
      return "nobody knows whether it was charged: it is looked up until that is known";
    case "pending":
      return `${provider ?? "the processor"} will say later`;
    case "requires_action":
      return "the customer has to act";
    case "late_success":
      return data.adopted === true
        ? `an attempt that was given up was paid after all${reference}: it is the charge's payment now`
        : `an attempt that was given up was paid after all${reference}: it goes back`;
    case "resolved_by_hand":
      return `settled by a person as ${String(data.outcome).replaceAll("_", " ")}${reference}: ${data.reason ?? "-"}`;
    case "authorization_expiring":
      return `the hold lapses soon (${data.until})`;
    default:
      return what.replaceAll("_", " ");
  }
}

function otherText(charge: ToldCharge, { data, type }: EventJson, group: string, what: string): string {
  const state = what === "failed" || what === "succeeded" ? `done: it ${what}` : what.replaceAll("_", " ");
  switch (group) {
    case "refund": {
      const refund = charge.refunds.find(({ id }) => id === data.refund);
      const money = refund ? ` of ${moneyText(refund.amount, charge.currency)}` : "";
      if (what === "created") return `a refund${money} begins${refund?.reason ? ` (${refund.reason})` : ""}: ${data.refund}`;
      if (what === "resolved_by_hand") return `the refund${money} is settled by a person as ${String(data.outcome).replaceAll("_", " ")}`;
      return `the refund${money} is ${state}${data.failure ? ` (${data.failure})` : ""}`;
    }
    case "operation":
      return what === "started" ? `a ${data.kind} begins` : `the ${data.kind} is ${state}`;
    case "compensation":
      if (what === "done") return `what was paid by an attempt that was given up has gone back (${data.state ?? data.reference ?? "done"})`;
      return what === "refunds" ? "a hold that should be released was captured first: the money is refunded instead" : state;
    case "dispute":
      return what === "opened" ? `the customer's bank disputes it (${data.reason ?? "no reason given"})` : `the dispute is ${state}`;
    case "dead_letter":
      return what === "opened"
        ? `the machine gave up, and a person has to look: ${data.reason ?? data.kind}`
        : `the dead letter was ${state}`;
    default:
      return type.replaceAll(/[._]/g, " ");
  }
}

/** `key:key_1` is a key; `system:worker` one of our own parts. */
export function actorText(actor: string): string {
  const [kind, name = ""] = actor.split(/:(.*)/s);
  if (kind === "key") return `key ${name}`;
  return kind === "system" ? `the ${name}` : actor;
}
