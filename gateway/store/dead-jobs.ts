import type { Database } from "./database.ts";

/** A job that failed for good, as a dead letter's `data` keeps it. */
export interface DeadJob {
  readonly queue: string;
  /** Its id at pg-boss. */
  readonly job: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly error: string;
}

/** One dead letter per job, however often it is told; with its event. Answers the jobs that are new. */
export async function buryJobs(
  db: Database,
  jobs: readonly { readonly id: string; readonly accountId: string; readonly dead: DeadJob }[],
  now: Date,
): Promise<string[]> {
  const rows = await db.query<{ job: string }>({
    name: "bury_jobs",
    text: `
    with buried as (
      insert into dead_letters (id, account_id, kind, reason, data, created_at)
      select i.id, i.account_id, 'job', i.reason, i.data, $2
      from jsonb_to_recordset($1::jsonb) as i(id text, account_id text, reason text, data jsonb)
      on conflict do nothing
      returning id, account_id, reason, data
    ), told as (
      insert into events (at, account_id, type, actor, data)
      select $2, account_id, 'dead_letter.opened', 'system:jobs', jsonb_build_object('id', id, 'kind', 'job', 'reason', reason) from buried
    )
    select data ->> 'job' as job from buried`,
    values: [
      JSON.stringify(
        jobs.map(({ id, accountId, dead }) => ({
          id,
          account_id: accountId,
          reason: `${dead.queue}: ${dead.error}`.slice(0, 500),
          data: dead,
        })),
      ),
      now,
    ],
  });
  return rows.map((row) => row.job);
}

/** The jobs of these dead letters. */
export async function readDeadJobs(query: Database["query"], ids: readonly string[]): Promise<DeadJob[]> {
  const rows = await query<{ data: DeadJob }>({
    name: "read_dead_jobs",
    text: "select data from dead_letters where id = any($1::text[]) and kind = 'job' order by id",
    values: [ids],
  });
  return rows.map((row) => row.data);
}
