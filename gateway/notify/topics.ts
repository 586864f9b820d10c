import type { SealedEvent } from "../store/dispatch-events.ts";
import type { Pace } from "./condition.ts";
import type { Happening } from "./digest.ts";

const MINUTE_MS = 60_000;

/** What holds for a time. `money`: finance is told as well, not operations alone. */
export const CONDITIONS = {
  // Agreed upon by all instances, after 10 s of it: nobody has to wait once more.
  all_down: { money: true, pace: { onAfterMs: 0, offAfterMs: 2 * MINUTE_MS } },
  // The others take over, and most end by themselves.
  provider_down: { money: false, pace: { onAfterMs: 2 * MINUTE_MS, offAfterMs: 5 * MINUTE_MS } },
  revenue_at_risk: { money: true, pace: { onAfterMs: MINUTE_MS, offAfterMs: 2 * MINUTE_MS } },
} as const satisfies Readonly<Record<string, { readonly money: boolean; readonly pace: Pace }>>;

export type Condition = keyof typeof CONDITIONS;

/** What happens, and is counted. */
export const HAPPENINGS = {
  dead_letters: { money: false },
  late_successes: { money: true },
  findings: { money: true },
  disputes: { money: true },
  failed_refunds: { money: true },
  expiring_authorizations: { money: true },
  reconciliation_failed: { money: true },
  disabled_endpoints: { money: false },
  broken_trail: { money: true },
} as const satisfies Readonly<Record<string, { readonly money: boolean }>>;

export type HappeningTopic = keyof typeof HAPPENINGS;

/** The queues of what is sent: their own dead letters raise no notification, which would fail as they did. */
export const QUEUES = "notify.";

interface Counted {
  readonly topic: HappeningTopic;
  /** The kind, for the count; '' for one. */
  label(event: SealedEvent): string | null;
  /** Whether the event's amount means something in a sum. */
  readonly amounts: boolean;
}

const COUNTED: Readonly<Record<string, Counted>> = {
  "dead_letter.opened": { topic: "dead_letters", label: letterKind, amounts: false },
  "charge.late_success": { topic: "late_successes", label: ({ data }) => (data.adopted === true ? "adopted" : "sent_back"), amounts: true },
  "reconciliation.finding": { topic: "findings", label: ({ data }) => String(data.kind), amounts: true },
  "dispute.opened": { topic: "disputes", label: () => "", amounts: true },
  "refund.failed": { topic: "failed_refunds", label: ({ data }) => (data.from === "succeeded" ? "" : null), amounts: true },
  "charge.authorization_expiring": { topic: "expiring_authorizations", label: () => "", amounts: true },
  "reconciliation.failed": { topic: "reconciliation_failed", label: () => "", amounts: false },
  "webhook_endpoint.disabled": { topic: "disabled_endpoints", label: () => "", amounts: false },
  "trail.broken": { topic: "broken_trail", label: () => "", amounts: false },
};

export const COUNTED_TYPES: readonly string[] = Object.keys(COUNTED);

/** null: people are not told of this one. Nothing of a charge but its amount is taken. */
export function happeningOf(event: SealedEvent): (Happening & { readonly topic: HappeningTopic }) | null {
  // `like` takes the underscore of a type for any character.
  const counted = Object.hasOwn(COUNTED, event.type) ? COUNTED[event.type] : undefined;
  const label = counted?.label(event) ?? null;
  if (!counted || label === null) return null;
  return { topic: counted.topic, label, amount: counted.amounts ? event.amount : null, currency: event.currency };
}

function letterKind({ data }: SealedEvent): string | null {
  if (data.kind === "job" && String(data.reason).startsWith(QUEUES)) return null;
  return String(data.kind);
}
