import type { PaymentRecord, ProviderRecord, RefundRecord } from "../../providers/contract/records.ts";
import type { Database } from "./database.ts";
import type { RunLease } from "./reconciliation-runs.ts";

export type RecordList = "payments" | "refunds";

/** How far a provider's list has been read by a run. */
export interface ReadProgress {
  readonly provider: string;
  readonly what: RecordList;
  readonly cursor: string | null;
  readonly done: boolean;
  readonly records: bigint;
}

type Sql = Pick<Database, "query">;

export function readProgress(db: Sql, runId: string): Promise<ReadProgress[]> {
  return db.query<ReadProgress>({
    name: "reconciliation_progress",
    text: "select provider, what, cursor, done, records from reconciliation_reads where run_id = $1",
    values: [runId],
  });
}

/** A run that was left for long reads anew: what it has is old, and a provider's cursor is for now. */
export async function forgetProgress(db: Sql, runId: string): Promise<void> {
  await db.query({ name: "forget_progress", text: "delete from reconciliation_reads where run_id = $1", values: [runId] });
}

/** A page as it goes into the database. */
export interface StagedPage {
  readonly lease: RunLease;
  readonly until: Date;
  readonly provider: string;
  readonly account: string;
  readonly what: RecordList;
  readonly records: readonly ProviderRecord[];
  /** Only the last part of the provider's page moves it. `next` null: the list is read. */
  readonly cursor: { readonly moved: false } | { readonly moved: true; readonly next: string | null };
}

const HELD = `held as (
    update reconciliation_runs set lease_until = $3 where id = $1 and lease_no = $2 and state = 'running' returning id
  )`;
const MOVED = `moved as (
    insert into reconciliation_reads as d (run_id, provider, what, provider_account, cursor, done, records)
    select id, $4, $6, $5, $8, $10, $9 from held
    on conflict (run_id, provider, what) do update set cursor = case when $11 then excluded.cursor else d.cursor end, done = excluded.done,
      records = d.records + excluded.records
  )
  select id from held`;
const INTO = `insert into reconciliation_records (run_id, provider, kind, reference, state, amount, currency, created_at, object, named_attempt,
      named_charge, payment, refund_key, attempt_id, charge_id, operation_id)`;
// A record may come twice, when the provider's pages move while they are read: the later one is newer.
const KEPT = `on conflict (run_id, provider, kind, reference) do update set state = excluded.state, amount = excluded.amount,
      attempt_id = excluded.attempt_id, charge_id = excluded.charge_id, operation_id = excluded.operation_id`;

/**
 * Keeps a page of payments with what of ours each one is, and moves the cursor, in one statement; false: the run was taken over.
 * Our side is found by our own id, else by what the money is known by, else by the charge (its attempt with that object, its live one,
 * its last), each through an index, and only on the account whose list this is (law 12).
 */
const STAGE_PAYMENTS = `with ${HELD}, page as (
    select distinct on (reference) * from jsonb_to_recordset($7::jsonb) as p(reference text, state text, amount bigint, currency text,
      created_at timestamptz, object text, attempt text, charge text)
    limit $9
  ), kept as (
    ${INTO}
    select h.id, $4, 'payment', p.reference, p.state, p.amount, p.currency, p.created_at, p.object, p.attempt, p.charge, null, null,
      coalesce(n.id, r.id, o.id, g.id), coalesce(n.charge_id, r.charge_id, o.charge_id, g.charge_id), null
    from held h cross join page p
    left join lateral (
      select a.id, a.charge_id from attempts a where a.id = p.attempt and a.provider_account = $5 limit 1
    ) n on true
    left join lateral (
      select a.id, a.charge_id from attempts a
      where n.id is null and a.provider = $4 and a.provider_reference = p.reference and a.provider_account = $5 limit 1
    ) r on true
    left join lateral (
      select a.id, a.charge_id from operations k join attempts a on a.id = k.attempt_id
      where n.id is null and r.id is null and k.kind = 'capture' and k.provider_reference = p.reference and a.provider_account = $5 limit 1
    ) o on true
    left join lateral (
      select a.id, a.charge_id from attempts a
      where n.id is null and r.id is null and o.id is null and a.charge_id = p.charge and a.provider_account = $5
      order by (a.object is not distinct from coalesce(p.object, p.reference)) desc, a.live desc, a.no desc limit 1
    ) g on true
    ${KEPT}
  ), ${MOVED}`;

/** The same of refunds: by our key, else by the provider's id of it; and which payment it is of. */
const STAGE_REFUNDS = `with ${HELD}, page as (
    select distinct on (reference) * from jsonb_to_recordset($7::jsonb) as p(reference text, state text, amount bigint, currency text,
      created_at timestamptz, payment text, key text)
    limit $9
  ), kept as (
    ${INTO}
    select h.id, $4, 'refund', p.reference, p.state, p.amount, p.currency, p.created_at, null, null, null, p.payment, p.key,
      coalesce(k.attempt_id, r.attempt_id, m.attempt_id, b.id), coalesce(k.charge_id, r.charge_id, m.charge_id, b.charge_id),
      coalesce(k.id, r.id)
    from held h cross join page p
    left join lateral (
      select o.id, o.attempt_id, o.charge_id from operations o join attempts a on a.id = o.attempt_id
      where o.provider_key = p.key and o.kind in ('refund', 'compensate') and a.provider_account = $5 limit 1
    ) k on true
    left join lateral (
      select o.id, o.attempt_id, o.charge_id from operations o join attempts a on a.id = o.attempt_id
      where k.id is null and o.provider_reference = p.reference and o.kind in ('refund', 'compensate') and a.provider_account = $5 limit 1
    ) r on true
    left join lateral (
      select s.attempt_id, s.charge_id from reconciliation_records s
      where k.id is null and r.id is null and s.run_id = h.id and s.provider = $4 and s.kind = 'payment' and s.reference = p.payment
        and s.attempt_id is not null limit 1
    ) m on true
    left join lateral (
      select a.id, a.charge_id from attempts a
      where k.id is null and r.id is null and m.attempt_id is null and a.provider = $4 and a.provider_reference = p.payment
        and a.provider_account = $5 limit 1
    ) b on true
    ${KEPT}
  ), ${MOVED}`;

export async function stagePage(db: Sql, page: StagedPage): Promise<boolean> {
  const rows = await db.query({
    name: page.what === "payments" ? "stage_payments" : "stage_refunds",
    text: page.what === "payments" ? STAGE_PAYMENTS : STAGE_REFUNDS,
    values: [
      page.lease.id,
      page.lease.no,
      page.until,
      page.provider,
      page.account,
      page.what,
      JSON.stringify(page.records.map((record) => (record.kind === "payment" ? paymentRow(record) : refundRow(record)))),
      page.cursor.moved ? page.cursor.next : null,
      page.records.length,
      page.cursor.moved && page.cursor.next === null,
      page.cursor.moved,
    ],
  });
  return rows.length > 0;
}

function paymentRow(record: PaymentRecord): object {
  return { ...common(record), object: record.object, attempt: record.attemptId, charge: record.chargeId };
}

function refundRow(record: RefundRecord): object {
  return { ...common(record), payment: record.payment, key: record.key };
}

function common({ reference, state, amount, currency, createdAtMs }: ProviderRecord): object {
  return { reference, state, amount: amount.toString(), currency, created_at: new Date(createdAtMs).toISOString() };
}
