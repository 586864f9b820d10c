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
 * Records findings, each with its event `reconciliation.finding`; the same difference is one row while it is open, seen again. Answers
 * the ids of the new ones.
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
    ), recorded as (
      insert into findings as f (id, account_id, kind, provider, subject, charge_id, attempt_id, operation_id, our_amount, their_amount,
        currency, detail, first_seen_at, last_seen_at)
      select id, account_id, kind, provider, subject, charge_id, attempt_id, operation_id, our_amount, their_amount, currency, detail, $2, $2
      from input order by provider, kind, subject
      on conflict (provider, kind, subject) where state = 'open' do update set last_seen_at = $2
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
