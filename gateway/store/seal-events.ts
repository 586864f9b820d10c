import { CANONICAL_SQL } from "../trail/canonical-event.ts";
import { snapshotBelow } from "../trail/snapshot.ts";
import { UNSEALED_EVENTS } from "./count-events.ts";
import type { Database } from "./database.ts";
import { rebaseTrail } from "./rebase-trail.ts";
import { lockHead, type UnsealedRow, writeSeals } from "./write-seals.ts";

/**
 * Numbers events, chains them by hash and counts them, each exactly once and none left out. What that rests on:
 *
 * - An event carries the number of its transaction (top level, also inside savepoints). `trail_head.done` is a snapshot, and
 *   an event of the head's epoch is sealed exactly if `done` sees its transaction: xid < xmax and not among those that were
 *   running. A round takes what is visible now and was not in `done`, and `done` becomes that very statement's snapshot.
 * - So nothing is passed by: a transaction that was running, however long and however low its number, is listed in `done`
 *   and is looked for by name each time; one that had no number yet gets one from xmax on. One that rolls back is never
 *   seen. Prepared transactions count as running. A transaction that never ends delays its own events and no others.
 * - Within a round the order is that of `id`: what was written after another event was visible has a higher id and is never
 *   sealed before it. (Only a backlog larger than a round is cut, by xid: there, two transactions that waited for each other's
 *   row locks may swap places.) Across rounds a late commit comes later: `seq` is the order of the trail, not of the clock.
 * - One sealer: the lock of the head's row, skipped by all others, and held to the end of the transaction that also writes
 *   seals, rollups and `done`. A lost connection leaves all of it or nothing; the next round reads which.
 * - Transaction numbers belong to a cluster. A dump restored elsewhere brings numbers that mean nothing there: seen by the
 *   cluster's identity (or by a `done` from the future), and answered by a new epoch (rebase-trail.ts). Promotion of a
 *   standby, point-in-time recovery and a restore into the same cluster keep the numbers in order, and need nothing.
 */
export interface Sealed {
  /** Events sealed by this call. */
  readonly sealed: number;
  /** There is more, or another instance holds the lock: come again. */
  readonly more: boolean;
  /** The trail was restored into another cluster, and now goes on in a new epoch. */
  readonly rebased: boolean;
}

/** Events of one round: 2,000 take about 50 ms. */
export const SEAL_BATCH = 2_000;

const NOTHING: Sealed = { sealed: 0, more: false, rebased: false };

/** One round of the sealer. Without work it is one cheap statement, and writes nothing. */
export async function sealEvents(db: Database, now: Date, batch = SEAL_BATCH): Promise<Sealed> {
  const [probe] = await db.query<{ work: boolean; elsewhere: boolean }>({
    name: "seal_probe",
    text: `select exists (select from ${UNSEALED_EVENTS} u) as work,
      h.cluster <> c.system_identifier or pg_snapshot_xmax(h.done) > pg_snapshot_xmax(pg_current_snapshot()) as elsewhere
      from trail_head h cross join pg_control_system() c`,
  });
  if (probe?.elsewhere) return { ...NOTHING, sealed: await rebaseTrail(db, now), more: true, rebased: true };
  if (!probe?.work) return NOTHING;
  return db.transaction(async (query) => {
    if (!(await lockHead(query))) return { ...NOTHING, more: true };
    const round = await readRound(query, batch);
    if (round.rows.length > 0) await writeSeals(query, round.rows, round.done, now);
    return { sealed: round.rows.length, more: round.cut, rebased: false };
  });
}

interface Round {
  readonly rows: UnsealedRow[];
  /** The snapshot that sees exactly what is sealed once these rows are. */
  readonly done: string;
  readonly cut: boolean;
}

interface CandidateRow extends UnsealedRow {
  readonly xid: string;
  readonly late: boolean;
}

async function readRound(query: Database["query"], batch: number): Promise<Round> {
  const found = await query<CandidateRow & { seen: string }>({
    name: "seal_read",
    text: `
    select pg_current_snapshot()::text as seen, e.id, e.xid::text as xid, e.late, ${CANONICAL_SQL} as canonical
    from (
      select n.*, false as late from trail_head h cross join lateral (
        select * from events n where n.epoch = h.epoch and n.xid >= pg_snapshot_xmax(h.done) order by n.epoch, n.xid, n.id limit $1::bigint + 1) n
      union all
      select n.*, true from trail_head h cross join lateral pg_snapshot_xip(h.done) as running(xid) cross join lateral (
        select * from events n where n.epoch = h.epoch and n.xid = running.xid order by n.id offset 0) n
    ) e
    order by e.late, e.xid, e.id`,
    values: [batch],
  });
  const seen = found[0]?.seen ?? "";
  const fresh = found.filter((row) => !row.late);
  const last = fresh[batch];
  if (!last) return { rows: found.sort(byId), done: seen, cut: false };
  // The last transaction's rows may not all be here: it waits for the next round, unless it alone fills this one.
  const whole = found.filter((row) => row.late || row.xid !== last.xid);
  if (whole.every((row) => row.late)) return readRound(query, batch * 4);
  return { rows: whole.sort(byId), done: snapshotBelow(seen, BigInt(last.xid)), cut: true };
}

function byId(a: UnsealedRow, b: UnsealedRow): number {
  return a.id < b.id ? -1 : 1;
}
