import { CANONICAL_SQL } from "../trail/canonical-event.ts";
import { UNSEALED_EVENTS } from "./count-events.ts";
import type { Database } from "./database.ts";
import { lockHead, type UnsealedRow, writeSeals } from "./write-seals.ts";

/** Writers wait behind this lock: rather come again than hold them up. */
const LOCK_TIMEOUT_MS = 2_000;
/** Events sealed by one statement. */
const BATCH = 2_000;

/**
 * After a restore into another cluster: seals what that cluster's numbers cannot tell apart, and starts a new epoch, in
 * which they can. Returns the number of events sealed. What is left to seal is at either of two places, both found by an index:
 * what was unsealed when the dump was taken (`done` does not see it), and what was written here since (the identity goes
 * on, so its ids are above every sealed one). The table lock makes sure that nothing of the old epoch is still being written;
 * in the new one, `done` is this cluster's own snapshot.
 */
export async function rebaseTrail(db: Database, now: Date): Promise<number> {
  return db.transaction(async (query) => {
    if (!(await lockHead(query))) return 0;
    await query({ name: "rebase_timeout", text: `set local lock_timeout = ${LOCK_TIMEOUT_MS}` });
    await query({ name: "rebase_lock", text: "lock table events in access exclusive mode" });
    const [head] = await query<{ epoch: number; elsewhere: boolean }>({
      name: "rebase_head",
      text: `select h.epoch, h.cluster <> c.system_identifier or pg_snapshot_xmax(h.done) > pg_snapshot_xmax(pg_current_snapshot()) as elsewhere
        from trail_head h cross join pg_control_system() c`,
    });
    if (!head?.elsewhere) return 0;
    let sealed = 0;
    for (;;) {
      const rows = await query<UnsealedRow>({
        name: "rebase_read",
        text: `select e.id, ${CANONICAL_SQL} as canonical from (
            select * from ${UNSEALED_EVENTS} u
            union
            select * from events where id > (select coalesce(max(event_id), 0) from event_seals)
          ) e
          where not exists (select from event_seals s where s.event_id = e.id) order by e.id limit $1`,
        values: [BATCH],
      });
      if (rows.length === 0) break;
      await writeSeals(query, rows, null, now);
      sealed += rows.length;
    }
    const epoch = head.epoch + 1;
    await query({ name: `rebase_default_${epoch}`, text: `alter table events alter column epoch set default ${epoch}` });
    await query({
      name: "rebase_done",
      text: "update trail_head set epoch = $1, done = pg_current_snapshot(), cluster = (select system_identifier from pg_control_system())",
      values: [epoch],
    });
    return sealed;
  });
}
