import type { Database } from "./database.ts";

/**
 * The fleet's one drain: whoever advances the row may drain what its new state grants for this second. A compare-and-set on
 * `granted_at`, so that no second is granted twice however many workers there are.
 */
export async function readPace<State>(db: Database): Promise<{ grantedAt: Date; state: Partial<State> }> {
  const rows = await db.query<{ granted_at: Date; state: Partial<State> }>({
    name: "read_pace",
    text: "select granted_at, state from drain_pace",
  });
  const row = rows[0];
  if (!row) throw new Error("the table drain_pace has lost its row");
  return { grantedAt: row.granted_at, state: row.state };
}

/** Whether this worker won the second. */
export async function advancePace(db: Database, from: Date, to: Date, state: object): Promise<boolean> {
  const rows = await db.query({
    name: "advance_pace",
    text: "update drain_pace set granted_at = $2, state = $3 where granted_at = $1 returning granted_at",
    values: [from, to, JSON.stringify(state)],
  });
  return rows.length > 0;
}

/** Whether anything waits to be drained: one index probe, so that an idle fleet writes nothing. */
export async function hasDeferred(db: Database, now: Date): Promise<boolean> {
  const rows = await db.query({
    name: "has_deferred",
    text: "select from charges where status = 'deferred' and next_action_at <= $1 limit 1",
    values: [now],
  });
  return rows.length > 0;
}
