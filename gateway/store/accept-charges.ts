import type { StoredRequest } from "../charges/charge.ts";
import { type Database, violatedConstraint } from "./database.ts";
import { EVENT_COLUMNS, EVENT_RECORD, type TrailEvent } from "./event.ts";

/** A new charge and its first attempt (or none: deferred at once), as one row of the intent statement. */
export interface Acceptance {
  readonly id: string;
  readonly account_id: string;
  readonly livemode: boolean;
  readonly status: "processing" | "deferred";
  readonly amount: string;
  readonly currency: string;
  readonly reference: string | null;
  readonly allow_duplicate_reference: boolean;
  readonly idempotency_key: string;
  /** Hex. */
  readonly fingerprint: string;
  readonly payment_method: object;
  readonly providers: readonly string[];
  readonly description: string | null;
  readonly metadata: object;
  readonly defer: boolean;
  readonly defer_until: string;
  readonly lease_until: string | null;
  readonly next_action_at: string;
  readonly deferred: object | null;
  readonly now: string;
  readonly attempt: NewAttempt | null;
  readonly events: readonly TrailEvent[];
}

export interface NewAttempt {
  readonly id: string;
  readonly no: number;
  readonly provider: string;
  readonly provider_account: string;
  readonly request: StoredRequest;
  readonly decision: unknown;
  readonly started_at: string;
}

export const ATTEMPT_RECORD =
  "id text, no integer, provider text, provider_account text, request jsonb, decision jsonb, started_at timestamptz";

/**
 * The intent (law 2), for any number of charges at once. A key that is taken inserts nothing for its row; so does a
 * reference that an unfinished charge has. A key that is taken at this very moment by another transaction is a unique violation:
 * it rolls back, and the row, tried alone, meets it again and is answered `false`.
 * Each lookup is a lateral one with a limit, and the second one spares `=` on the account: so there is only one index to choose,
 * and no plan that reads a table. Without statistics (a new database) the planner chose so, and kept that plan as tables grew.
 */
const TEXT = `
with input as (
  select * from jsonb_to_recordset($1::jsonb) as i(
    id text, account_id text, livemode boolean, status text, amount bigint, currency text, reference text,
    allow_duplicate_reference boolean, idempotency_key text, fingerprint text, payment_method jsonb, providers text[],
    description text, metadata jsonb, defer boolean, defer_until timestamptz, lease_until timestamptz,
    next_action_at timestamptz, deferred jsonb, now timestamptz, attempt jsonb, events jsonb)
), fresh as (
  insert into charges (id, account_id, livemode, status, amount, currency, reference, allow_duplicate_reference, idempotency_key,
    payment_method, providers, description, metadata, defer, defer_until, lease_no, lease_until, next_action_at, deferred,
    created_at, updated_at)
  select id, account_id, livemode, status, amount, currency, reference, allow_duplicate_reference, idempotency_key,
    payment_method, providers, description, metadata, defer, defer_until, 1, lease_until, next_action_at, deferred, now, now
  from input i
  left join lateral (
    select true as taken from idempotency_keys k where k.account_id = i.account_id and k.key = i.idempotency_key limit 1) k on true
  -- The unique index sees only those that allowed no duplicate themselves; it is for two at the same moment.
  left join lateral (
    select true as taken from charges o where o.reference = i.reference and o.account_id is not distinct from i.account_id
      and not i.allow_duplicate_reference
      and o.status in ('processing', 'requires_action', 'pending', 'in_doubt', 'deferred', 'authorized') limit 1) r on true
  where k.taken is null and r.taken is null
  order by account_id, idempotency_key
  on conflict do nothing
  returning id
), keyed as (
  insert into idempotency_keys (account_id, key, operation, fingerprint, charge_id, created_at)
  select i.account_id, i.idempotency_key, 'charge', decode(i.fingerprint, 'hex'), i.id, i.now
  from input i join fresh f on f.id = i.id
  order by i.account_id, i.idempotency_key
), begun as (
  insert into attempts (id, charge_id, no, provider, provider_account, request, live, decision, started_at)
  select a.id, i.id, a.no, a.provider, a.provider_account, a.request, true, a.decision, a.started_at
  from input i join fresh f on f.id = i.id cross join lateral jsonb_to_record(i.attempt) as a(${ATTEMPT_RECORD})
  where i.attempt is not null
), told as (
  insert into events (${EVENT_COLUMNS})
  select e.* from input i join fresh f on f.id = i.id cross join lateral jsonb_to_recordset(i.events) as e(${EVENT_RECORD})
)
select id from fresh`;

/** Whether each was accepted, in order; not accepted: its key or its reference is taken. */
export async function acceptCharges(db: Database, charges: readonly Acceptance[]): Promise<boolean[]> {
  try {
    const rows = await db.query<{ id: string }>({ name: "accept_charges", text: TEXT, values: [JSON.stringify(charges)] });
    const accepted = new Set(rows.map((row) => row.id));
    return charges.map((charge) => accepted.has(charge.id));
  } catch (error) {
    if (charges.length === 1 && violatedConstraint(error) === "idempotency_keys_pkey") return [false];
    throw error;
  }
}
