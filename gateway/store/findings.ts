import type { Database } from "./database.ts";

export const FINDING_KINDS = [
  "unknown_payment",
  "missing_payment",
  "amount_differs",
  "paid_twice",
  "orphan_hold",
  "unknown_refund",
  "missing_refund",
  "unknown_dispute",
] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

/** A difference between a provider's records and ours. */
export interface NewFinding {
  readonly id: string;
  readonly account_id: string;
  readonly kind: FindingKind;
  readonly provider: string;
  /** What it is about, in the provider's words; for what the provider does not have, ours. */
  readonly subject: string;
  readonly charge_id: string | null;
  readonly attempt_id: string | null;
  readonly operation_id: string | null;
  /** Minor units, decimal. */
  readonly our_amount: string | null;
  readonly their_amount: string | null;
  readonly currency: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * Records findings, each with its event `reconciliation.finding`; the same difference is one row while it is open, seen again. One that a
 * person has resolved stays so as long as its amounts are the same: they know of it. Answers the ids of the new ones.
 */
export async function recordFindings(
  db: Pick<Database, "query">,
  findings: readonly NewFinding[],
  by: { readonly actor: string; readonly now: Date },
): Promise<string[]> {
  if (findings.length === 0) return [];
  const rows = await db.query<{ id: string }>({
    name: "record_findings",
    text: `with input as (
      select distinct on (provider, kind, subject) * from jsonb_to_recordset($1::jsonb) as f(
        id text, account_id text, kind text, provider text, subject text, charge_id text, attempt_id text, operation_id text,
        our_amount bigint, their_amount bigint, currency text, detail jsonb)
    ), settled as (
      update findings f set last_seen_at = $2 from input i
      where f.provider = i.provider and f.kind = i.kind and f.subject = i.subject and f.state = 'resolved' and f.closed_by like 'key:%'
        and f.our_amount is not distinct from i.our_amount and f.their_amount is not distinct from i.their_amount
      returning f.provider, f.kind, f.subject
    ), recorded as (
      insert into findings as f (id, account_id, kind, provider, subject, charge_id, attempt_id, operation_id, our_amount, their_amount,
        currency, detail, first_seen_at, last_seen_at)
      select id, account_id, kind, provider, subject, charge_id, attempt_id, operation_id, our_amount, their_amount, currency, detail, $2, $2
      from input i
      where not exists (select from settled s where s.provider = i.provider and s.kind = i.kind and s.subject = i.subject)
      order by provider, kind, subject
      on conflict (provider, kind, subject) where state = 'open' do update set last_seen_at = $2, our_amount = excluded.our_amount,
        their_amount = excluded.their_amount, detail = f.detail || excluded.detail
      returning f.*
    ), fresh as (
      select r.* from recorded r join input i on i.id = r.id
    ), told as (
      insert into events (at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, data)
      select $2, account_id, 'reconciliation.finding', $3, charge_id, attempt_id, provider, coalesce(their_amount, our_amount), currency,
        jsonb_build_object('id', id, 'kind', kind, 'subject', subject, 'our_amount', our_amount, 'their_amount', their_amount)
      from fresh
    )
    select id from fresh`,
    values: [JSON.stringify(findings), by.now, by.actor],
  });
  return rows.map((row) => row.id);
}

/** The author of what reconciliation does by itself. */
export const RECONCILIATION = "system:reconciliation";

const RESOLVE = `closed as (
    update findings f set state = 'resolved', closed_at = $2, closed_by = $3 from gone g where f.id = g.id and f.state = 'open'
    returning f.*
  ), told as (
    insert into events (at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, data)
    select $2, account_id, 'reconciliation.resolved', $3, charge_id, attempt_id, provider, coalesce(their_amount, our_amount), currency,
      jsonb_build_object('id', id, 'kind', kind, 'subject', subject) from closed
  )
  select id from closed`;

/** These differences are gone. Answers how many were still open. */
export async function resolveFindings(db: Pick<Database, "query">, ids: readonly string[], now: Date): Promise<number> {
  if (ids.length === 0) return 0;
  const rows = await db.query({
    name: "resolve_findings",
    text: `with gone as (select id from findings where id = any($1::text[]) and state = 'open' order by id for update), ${RESOLVE}`,
    values: [ids, now, RECONCILIATION],
  });
  return rows.length;
}

/**
 * What a whole look at [from, to) of a provider did not see again since `since` is gone: findings of this window (by `detail.window_at`) that no
 * charge of ours is compared for. And, of any time, what was unknown and has found its row in our books. `except`: could not be verified.
 */
export async function resolveUnseen(
  db: Pick<Database, "query">,
  seen: { provider: string; account: string; from: Date; to: Date; since: Date; except: readonly string[]; now: Date },
): Promise<number> {
  const rows = await db.query({
    name: "resolve_unseen_findings",
    text: `with gone as (
      select f.id from findings f
      where f.provider = $1 and f.state = 'open' and f.last_seen_at < $7 and not f.subject = any($8::text[]) and (
          (f.kind in ('unknown_refund', 'missing_refund') or f.kind = 'amount_differs' and f.operation_id is not null
            or f.kind in ('unknown_payment', 'orphan_hold') and f.attempt_id is null)
          and f.detail ->> 'window_at' is not null and (f.detail ->> 'window_at')::timestamptz >= $5 and (f.detail ->> 'window_at')::timestamptz < $6
        or f.kind = 'unknown_payment' and f.attempt_id is null and exists (
          select from attempts a where a.provider = $1 and a.provider_reference = f.subject and a.provider_account = $4 and a.outcome = 'approved')
        or f.kind = 'unknown_refund' and exists (
          select from operations o where o.provider_reference = f.subject and o.kind in ('refund', 'compensate') and o.state = 'succeeded'))
      order by f.id for update of f
    ), ${RESOLVE}`,
    values: [seen.provider, seen.now, RECONCILIATION, seen.account, seen.from, seen.to, seen.since, seen.except],
  });
  return rows.length;
}

/** An open finding that may be gone by now. */
export interface OpenFinding {
  readonly id: string;
  readonly kind: FindingKind;
  readonly provider: string;
  readonly subject: string;
  readonly charge_id: string | null;
  readonly attempt_id: string | null;
  readonly operation_id: string | null;
}

const OPEN = "id, kind, provider, subject, charge_id, attempt_id, operation_id";

/** Open findings of a provider about charges or refunds of ours that were not seen since `before`, the oldest first. */
export function openFindings(db: Pick<Database, "query">, provider: string, before: Date, limit: number): Promise<OpenFinding[]> {
  return db.query<OpenFinding>({
    name: "open_findings",
    text: `select ${OPEN} from findings where provider = $1 and state = 'open' and attempt_id is not null and kind <> 'unknown_dispute'
        and last_seen_at < $2
      order by last_seen_at, id limit $3`,
    values: [provider, before, limit],
  });
}

export function openFindingsOfCharge(db: Pick<Database, "query">, chargeId: string): Promise<OpenFinding[]> {
  return db.query<OpenFinding>({
    name: "open_findings_of_charge",
    text: `select ${OPEN} from findings where charge_id = $1 and state = 'open' and attempt_id is not null order by id`,
    values: [chargeId],
  });
}
