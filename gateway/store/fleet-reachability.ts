import { DEFAULT_ACCOUNT } from "./append-event.ts";
import type { Database } from "./database.ts";

// One row for the whole fleet of instances. Each change is a compare-and-set that writes its event in the same statement: it is told once,
// however many instances see it. Nothing is written while nothing changes.

export interface FleetReachability {
  /** Some provider takes new attempts. */
  readonly reachable: boolean;
  readonly changedAt: Date;
  /** Since when some instance finds none, and nobody has contradicted it. */
  readonly suspectedAt: Date | null;
}

type Writer = Pick<Database, "query">;

export async function readReachability(db: Writer): Promise<FleetReachability> {
  const [row] = await db.query<{ reachable: boolean; changed_at: Date; suspected_at: Date | null }>({
    name: "read_reachability",
    text: "select reachable, changed_at, suspected_at from fleet_reachability",
  });
  if (!row) throw new Error("the table fleet_reachability has lost its row");
  return { reachable: row.reachable, changedAt: row.changed_at, suspectedAt: row.suspected_at };
}

/** Not soon after another instance denied it. */
export async function suspectOutage(db: Writer, now: Date, deniedBefore: Date): Promise<void> {
  await db.query({
    name: "suspect_outage",
    text: `update fleet_reachability set suspected_at = $1
      where reachable and suspected_at is null and (denied_at is null or denied_at < $2)`,
    values: [now, deniedBefore],
  });
}

export async function denyOutage(db: Writer, now: Date): Promise<void> {
  await db.query({
    name: "deny_outage",
    text: "update fleet_reachability set suspected_at = null, denied_at = $1 where reachable and suspected_at is not null",
    values: [now],
  });
}

/** Whether this wrote it. */
export async function declareOutage(db: Writer, now: Date, suspectedBefore: Date, data: object): Promise<boolean> {
  const rows = await db.query({
    name: "declare_outage",
    text: `with changed as (
        update fleet_reachability set reachable = false, changed_at = $1, suspected_at = null where reachable and suspected_at <= $2
        returning changed_at
      )
      insert into events (at, account_id, type, actor, data) select $1, $3, 'routing.all_down', 'system:health', $4::jsonb from changed
      returning id`,
    values: [now, suspectedBefore, DEFAULT_ACCOUNT, JSON.stringify(data)],
  });
  return rows.length > 0;
}

/** Whether this wrote it. */
export async function declareRecovery(db: Writer, now: Date, data: object): Promise<boolean> {
  const rows = await db.query({
    name: "declare_recovery",
    text: `with before as materialized (
        select changed_at from fleet_reachability where not reachable for update
      ), changed as (
        update fleet_reachability set reachable = true, changed_at = $1, denied_at = null from before where not reachable
        returning before.changed_at as since
      )
      insert into events (at, account_id, type, actor, data)
      select $1, $2, 'routing.recovered', 'system:health',
        $3::jsonb || jsonb_build_object('down_for_seconds', greatest(0, round(extract(epoch from $1::timestamptz - since)))) from changed
      returning id`,
    values: [now, DEFAULT_ACCOUNT, JSON.stringify(data)],
  });
  return rows.length > 0;
}
