import type { Database } from "./database.ts";

/** A kind of event that was committed since the last look. */
export interface ChangedKind {
  readonly account_id: string;
  readonly type: string;
  /** Of a charge that entered or left what waits: deferred, in doubt. */
  readonly waiting: boolean;
}

/** `seen`: the snapshot of this look, to be given to the next; null: the first one, which tells nothing. */
export interface Changes {
  readonly seen: string;
  readonly kinds: readonly ChangedKind[];
}

/**
 * What kinds of events became visible since `seen`, each exactly once: as the sealer finds them (seal-events.ts), so that one which
 * commits late is not passed by. Its cost is that of the new events.
 */
export async function readChanges(db: Pick<Database, "query">, seen: string | null): Promise<Changes> {
  if (seen === null) {
    const rows = await db.query<{ seen: string }>({ name: "changes_begin", text: "select pg_current_snapshot()::text as seen" });
    return { seen: rows[0]!.seen, kinds: [] };
  }
  const rows = await db.query<{ seen: string; account_id: string | null; type: string; waiting: boolean }>({
    name: "changes_read",
    text: `with fresh as (
        select e.* from trail_head h cross join lateral (
          select n.account_id, n.type, n.from_status, n.to_status from events n
          where n.epoch = h.epoch and n.xid >= pg_snapshot_xmax($1::pg_snapshot) order by n.epoch, n.xid, n.id offset 0) e
        union all
        select e.* from trail_head h cross join lateral pg_snapshot_xip($1::pg_snapshot) as late(xid) cross join lateral (
          select n.account_id, n.type, n.from_status, n.to_status from events n
          where n.epoch = h.epoch and n.xid = late.xid order by n.id offset 0) e
      )
      select pg_current_snapshot()::text as seen, f.* from (values (true)) as one(row) left join (
        select distinct account_id, type,
          coalesce(from_status in ('deferred', 'in_doubt'), false) or coalesce(to_status in ('deferred', 'in_doubt'), false) as waiting
        from fresh) f on true`,
    values: [seen],
  });
  const kinds = rows.flatMap(({ account_id, type, waiting }) => (account_id === null ? [] : [{ account_id, type, waiting }]));
  return { seen: rows[0]!.seen, kinds };
}
