import { dateTime, dayTime, plain, providerName } from "../../parts/words.ts";

/** As `GET /v1/audit` answers it. */
export interface TrailEvent {
  readonly seq: number | null;
  readonly id: number;
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  readonly charge: string | null;
  readonly provider: string | null;
  readonly amount: number | null;
  readonly currency: string | null;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly outcome: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

type Words = (event: TrailEvent, who: string) => string;

const WORDS: Readonly<Record<string, Words>> = {
  "attempt.started": (_, who) => `${who} is asked`,
  "attempt.finished": ({ outcome }, who) => `${who}: ${plain(outcome ?? "")}`,
  "override.set": ({ data }, who) =>
    `${who} set to ${text(data.mode)}: ${text(data.reason)}${data.expires_at ? `, until ${dateTime(text(data.expires_at))}` : ""}`,
  "override.removed": ({ data }, who) => `${who} no longer ${text(data.mode)}`,
  "provider.opened": ({ data }, who) => `${who} gets no charges: ${text(data.reason)}`,
  "provider.closed": (_, who) => `${who} gets charges again`,
  "routing.all_down": () => "No processor can be used",
  "routing.recovered": () => "A processor is back",
  "routing.rules_set": ({ data }) => `Routing rules, version ${text(data.version)}${data.comment ? `: ${text(data.comment)}` : ""}`,
  "key.created": ({ data }) => `API key ${text(data.name)} (${text(data.role)}) made`,
  "key.revoked": ({ data }) => `API key ${text(data.name)} (${text(data.role)}) revoked`,
  "console.signed_in": () => "Signed in at the console",
  "console.signed_out": () => "Signed out of the console",
  "dead_letter.opened": ({ data }) => `A person is needed: ${text(data.reason)}`,
  "dead_letter.replayed": ({ data }) => `Put back to work: ${text(data.kind)}`,
  "charge.resolved_by_hand": ({ data }) => `Settled by hand as ${plain(text(data.outcome))}: ${text(data.reason)}`,
  "refund.resolved_by_hand": ({ data }) => `Settled by hand as ${plain(text(data.outcome))}: ${text(data.reason)}`,
  "reconciliation.finding": ({ data }, who) => `Found at ${who}: ${plain(text(data.kind))}`,
  "reconciliation.resolved": ({ data }) => `Finding closed: ${plain(text(data.kind))}${data.note ? ` – ${text(data.note)}` : ""}`,
  "reconciliation.reopened": ({ data }) => `Finding opened again: ${plain(text(data.kind))}`,
  "reconciliation.changed": ({ data }) => `Finding: owner ${text(data.owner) || "nobody"}${data.note ? ` – ${text(data.note)}` : ""}`,
  "reconciliation.requested": ({ data }) => `A comparison is asked for: ${dayTime(text(data.from))} – ${dayTime(text(data.to))}`,
  "trail.broken": () => "The hash chain is broken",
};

/** What happened, for people; the event's own name stands beside it. */
export function trailWords(event: TrailEvent): string {
  const who = event.provider === null ? "A processor" : providerName(event.provider);
  const words = WORDS[event.type];
  if (words !== undefined) return words(event, who);
  if (event.to_status !== null) {
    const step = event.from_status === null ? plain(event.to_status) : `${plain(event.from_status)} → ${plain(event.to_status)}`;
    return event.provider === null ? step : `${step} (${providerName(event.provider)})`;
  }
  return capital(plain(event.type.replace(".", ": ")));
}

function text(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
