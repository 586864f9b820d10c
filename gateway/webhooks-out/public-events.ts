import type { SealedEvent } from "../store/dispatch-events.ts";
import type { ChargeLabels } from "../store/public-events.ts";

/** What callers hear of, at webhooks and in GET /v1/events. */
export interface PublicEvent {
  readonly type: string;
  /** RFC 3339, UTC: when it happened. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Fields that an event's `data` adds: by the public name, where the trail has it (the first one there). */
type Fields = Readonly<Record<string, readonly string[]>>;

const REFUND: Fields = { refund: ["refund"], failure_code: ["failure"] };
const DISPUTE: Fields = {
  dispute: ["id"],
  provider_dispute: ["dispute"],
  dispute_status: ["status"],
  reason: ["reason"],
  network_code: ["network_code"],
  evidence_due_at: ["evidence_due_at"],
};
const PROVIDER: Fields = { reason: ["reason"], one_instance_only: ["alone"] };
const PAYMENT_METHOD: Fields = { payment_method: ["payment_method"], reason: ["reason"] };
const REVENUE: Fields = { deferred: ["deferred"], in_doubt: ["in_doubt"] };
const FINDING: Fields = {
  finding: ["id"],
  kind: ["kind"],
  subject: ["subject"],
  our_amount: ["our_amount"],
  their_amount: ["their_amount"],
};

/**
 * The one table of events that callers see; they are called as in the trail. What is not in it is internal, and stays inside.
 */
const PUBLIC: Readonly<Record<string, Fields>> = {
  "charge.succeeded": {},
  "charge.authorized": {},
  "charge.captured": { amount_captured: ["amount"] },
  "charge.pending": {},
  "charge.requires_action": {},
  "charge.in_doubt": {},
  "charge.deferred": {},
  "charge.failed": { failure_code: ["failure"] },
  "charge.canceled": { failure_code: ["failure"] },
  "charge.authorization_expiring": { authorized_until: ["until"] },
  "refund.created": REFUND,
  "refund.pending": REFUND,
  "refund.in_doubt": REFUND,
  "refund.deferred": REFUND,
  "refund.succeeded": REFUND,
  "refund.failed": REFUND,
  "dispute.opened": DISPUTE,
  "dispute.updated": DISPUTE,
  "dispute.won": DISPUTE,
  "dispute.lost": DISPUTE,
  "dispute.closed": DISPUTE,
  "provider.opened": PROVIDER,
  "provider.closed": PROVIDER,
  "routing.all_down": { reasons: ["reasons"] },
  "routing.recovered": { providers: ["providers"], down_for_seconds: ["down_for_seconds"] },
  "revenue.at_risk": REVENUE,
  "revenue.recovered": REVENUE,
  "reconciliation.finding": FINDING,
  "payment_method.created": PAYMENT_METHOD,
  "payment_method.updated": PAYMENT_METHOD,
  "payment_method.expiring": { payment_method: ["payment_method"], exp_month: ["exp_month"], exp_year: ["exp_year"] },
  "payment_method.deleted": PAYMENT_METHOD,
  "payment_method.token_added": PAYMENT_METHOD,
  "payment_method.token_removed": PAYMENT_METHOD,
  "payment_method.token_gone": PAYMENT_METHOD,
};

export const PUBLIC_TYPES: readonly string[] = Object.keys(PUBLIC);

export function isPublic(type: string): boolean {
  return Object.hasOwn(PUBLIC, type);
}

/** The same at every reading: made of the sealed event, which never changes, and of what never changes on its charge. */
export function toPublicEvent(event: SealedEvent, labels: ChargeLabels | undefined, livemode: boolean): PublicEvent {
  const fields = Object.entries(PUBLIC[event.type] ?? {}).map(([name, from]) => [name, told(name, firstOf(event.data, from))]);
  return {
    type: event.type,
    timestamp: event.at.toISOString(),
    data: {
      id: eventId(event.seq),
      seq: Number(event.seq),
      livemode,
      charge: event.charge_id,
      reference: labels?.reference ?? null,
      metadata: labels?.metadata ?? {},
      status: event.to_status,
      // Below 10^12: exact.
      amount: event.amount === null ? null : Number(event.amount),
      currency: event.currency,
      provider: event.provider,
      ...Object.fromEntries(fields),
    },
  };
}

export function eventId(seq: bigint): string {
  return `evt_${seq}`;
}

function firstOf(data: SealedEvent["data"], names: readonly string[]): unknown {
  for (const name of names) if (data[name] !== undefined) return data[name];
  return null;
}

/** The trail writes some amounts as text. */
function told(name: string, value: unknown): unknown {
  return name.includes("amount") && typeof value === "string" ? Number(value) : value;
}

/** Whose order an event belongs to: two of the same subject reach an endpoint one after the other. */
export function subjectOf(event: SealedEvent): string | null {
  if (event.charge_id !== null) return event.charge_id;
  const [group] = event.type.split(".");
  if (group === "provider") return `provider:${event.provider}`;
  if (group === "routing" || group === "revenue") return group;
  if (group === "payment_method") return String(event.data.payment_method);
  return null;
}

/** What an endpoint may name: an event, all of a group (`refund.*`), or all (`*`). */
export const PATTERNS: readonly string[] = ["*", ...new Set(PUBLIC_TYPES.map((type) => `${type.split(".")[0]}.*`)), ...PUBLIC_TYPES];

export function wants(patterns: readonly string[], type: string): boolean {
  return patterns.some(
    (pattern) => pattern === "*" || pattern === type || (pattern.endsWith(".*") && type.startsWith(pattern.slice(0, -1))),
  );
}
