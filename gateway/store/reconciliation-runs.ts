import type { Database } from "./database.ts";

export const RUN_STATES = ["queued", "running", "finished", "failed"] as const;

/** One comparison of a window. The window is about the providers' own times, and about when money was ours by our clock. */
export interface Run {
  readonly id: string;
  readonly account_id: string;
  readonly actor: string;
  readonly state: (typeof RUN_STATES)[number];
  /** null: all that are configured. */
  readonly provider: string | null;
  /** `2026-11-02`: of the daily run. */
  readonly day: string | null;
  readonly from_at: Date;
  readonly to_at: Date;
  readonly lease_no: number;
  readonly error: string | null;
  readonly report: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

const COLUMNS =
  "id, account_id, actor, state, provider, day::text, from_at, to_at, lease_no, error, report, created_at, started_at, finished_at";

/** Rows of one statement that forgets records. */
const FORGET_BATCH = 5_000;

type NewRun = Pick<Run, "id" | "account_id" | "actor" | "provider" | "from_at" | "to_at">;
type Sql = Pick<Database, "query">;

/** Asked for by somebody; the event is what makes a job of it, on an instance that has workers. */
export async function requestRun(db: Sql, run: NewRun, now: Date): Promise<Run> {
  const rows = await db.query<Run>({
    name: "request_reconciliation",
    text: `with made as (
      insert into reconciliation_runs (id, account_id, actor, provider, from_at, to_at, created_at) values ($1, $2, $3, $4, $5, $6, $7)
      returning *
    ), told as (
      insert into events (at, account_id, type, actor, provider, data)
      select $7, account_id, 'reconciliation.requested', actor, provider, jsonb_build_object('run', id, 'from', from_at, 'to', to_at) from made
    )
    select ${COLUMNS} from made`,
    values: [run.id, run.account_id, run.actor, run.provider, run.from_at, run.to_at, now],
  });
  return rows[0] as Run;
}

/** One that its maker carries out: no event, and so no job. */
export async function createRun(db: Sql, run: NewRun, now: Date): Promise<void> {
  await db.query({
    name: "create_reconciliation",
    text: `insert into reconciliation_runs (id, account_id, actor, provider, from_at, to_at, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [run.id, run.account_id, run.actor, run.provider, run.from_at, run.to_at, now],
  });
}

/** The daily run of a day: the first who asks makes it, the others get the same. */
export async function ensureDailyRun(db: Sql, run: NewRun & { readonly day: string }, now: Date): Promise<Run> {
  await db.query({
    name: "insert_daily_reconciliation",
    text: `insert into reconciliation_runs (id, account_id, actor, provider, day, from_at, to_at, created_at)
      values ($1, $2, $3, $4, $5::date, $6, $7, $8) on conflict (day) do nothing`,
    values: [run.id, run.account_id, run.actor, run.provider, run.day, run.from_at, run.to_at, now],
  });
  const rows = await db.query<Run>({
    name: "read_daily_reconciliation",
    text: `select ${COLUMNS} from reconciliation_runs where day = $1::date`,
    values: [run.day],
  });
  return rows[0] as Run;
}

/** A run under our lease. */
export interface ClaimedRun extends Run {
  /** When it was left, if this is not its first claim. */
  readonly left_at: Date | null;
}

/** Takes a run up, anew or where it stopped. null: it is finished, or somebody is at it. */
export async function claimRun(db: Sql, by: { id: string; now: Date; until: Date }): Promise<ClaimedRun | null> {
  const rows = await db.query<ClaimedRun>({
    name: "claim_reconciliation",
    text: `with free as (
      select id as free_id, coalesce(lease_until, finished_at) as left_at from reconciliation_runs
      where id = $1 and state <> 'finished' and (lease_until is null or lease_until <= $2) for update
    )
    update reconciliation_runs r set state = 'running', lease_no = lease_no + 1, lease_until = $3, started_at = coalesce(started_at, $2),
      error = null from free where r.id = free_id returning ${COLUMNS}, left_at`,
    values: [by.id, by.now, by.until],
  });
  return rows[0] ?? null;
}

export interface RunLease {
  readonly id: string;
  readonly no: number;
}

/** false: it was taken over. */
export async function extendRun(db: Sql, lease: RunLease, until: Date): Promise<boolean> {
  const rows = await db.query({
    name: "extend_reconciliation",
    text: "update reconciliation_runs set lease_until = $3 where id = $1 and lease_no = $2 and state = 'running' returning id",
    values: [lease.id, lease.no, until],
  });
  return rows.length > 0;
}

/** Finished, or failed with an error: with its event, by compare-and-set on the lease. A failed one may be taken up again. */
export async function endRun(
  db: Sql,
  lease: RunLease,
  end: { readonly now: Date; readonly report: object; readonly error: string | null },
): Promise<boolean> {
  const rows = await db.query({
    name: "end_reconciliation",
    text: `with ended as (
      update reconciliation_runs set state = case when $5::text is null then 'finished' else 'failed' end, report = $4::jsonb, error = $5,
        lease_until = null, finished_at = $3
      where id = $1 and lease_no = $2 and state = 'running' returning *
    ), told as (
      insert into events (at, account_id, type, actor, provider, data)
      select $3, account_id, 'reconciliation.' || state, 'system:reconciliation', provider,
        jsonb_build_object('run', id, 'from', from_at, 'to', to_at, 'error', error, 'findings', report -> 'findings') from ended
    )
    select id from ended`,
    values: [lease.id, lease.no, end.now, JSON.stringify(end.report), end.error],
  });
  return rows.length > 0;
}

export async function readRun(db: Sql, by: { id: string; accountId: string | null }): Promise<Run | null> {
  const rows = await db.query<Run>({
    name: "read_reconciliation",
    text: `select ${COLUMNS} from reconciliation_runs where id = $1 and ($2::text is null or account_id = $2)`,
    values: [by.id, by.accountId],
  });
  return rows[0] ?? null;
}

/** Newest first; `after` is the id of the last one seen. */
export function listRuns(db: Sql, by: { accountId: string; state: string | null; after: string | null; limit: number }): Promise<Run[]> {
  return db.query<Run>({
    name: "list_reconciliations",
    text: `select ${COLUMNS} from reconciliation_runs
      where account_id = $1 and ($2::text is null or state = $2) and ($3::text is null or id < $3) order by id desc limit $4`,
    values: [by.accountId, by.state, by.after, by.limit],
  });
}

/** Records are needed as long as their run may be taken up again. Answers whether there may be more. */
export async function forgetRecords(db: Sql, before: Date): Promise<boolean> {
  const rows = await db.query<{ count: bigint }>({
    name: "forget_reconciliation_records",
    text: `with old as (
      select r.run_id, r.provider, r.kind, r.reference from reconciliation_runs u join reconciliation_records r on r.run_id = u.id
      where u.state = 'finished' or u.created_at < $1 limit $2
    ), gone as (
      delete from reconciliation_records r using old o
      where r.run_id = o.run_id and r.provider = o.provider and r.kind = o.kind and r.reference = o.reference returning r.run_id
    )
    select count(*) as count from gone`,
    values: [before, FORGET_BATCH],
  });
  return Number(rows[0]?.count ?? 0n) === FORGET_BATCH;
}
