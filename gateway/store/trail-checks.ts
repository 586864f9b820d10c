import type { Database } from "./database.ts";
import type { ChainBreak } from "./verify-chain.ts";

/** What the hourly check of the chain remembers. */
export interface TrailCheck {
  /** The last number up to which the chain was found whole, and the hash it had then. */
  readonly seq: bigint;
  readonly hash: Buffer;
  readonly sweepSeq: bigint;
  readonly checkedAt: Date | null;
  readonly broken: { readonly seq: string; readonly kind: string } | null;
}

export async function readTrailCheck(db: Database): Promise<TrailCheck> {
  const [row] = await db.query<TrailCheck>({
    name: "trail_check_read",
    text: `select seq, hash, sweep_seq as "sweepSeq", checked_at as "checkedAt", broken from trail_checks`,
  });
  return row!;
}

/** Moves forward only: of two checks at the same time, the one that came further stands. */
export async function recordWhole(db: Database, check: { seq: bigint; hash: Buffer; sweepSeq: bigint; now: Date }): Promise<void> {
  await db.query({
    name: "trail_check_whole",
    text: `update trail_checks set hash = case when $1 >= seq then $2 else hash end, seq = greatest(seq, $1), sweep_seq = $3, checked_at = $4, broken = null`,
    values: [check.seq, check.hash, check.sweepSeq, check.now],
  });
}

/** Remembers the break; the first time, it becomes an event of the trail itself. */
export async function recordBroken(db: Database, broken: ChainBreak, accountId: string, now: Date): Promise<void> {
  await db.query({
    name: "trail_check_broken",
    text: `
    with before as (
      select broken from trail_checks for update
    ), noted as (
      update trail_checks set broken = $1::jsonb, checked_at = $2
    )
    insert into events (at, account_id, type, actor, data)
    select $2, $3, 'trail.broken', 'system:jobs', $1::jsonb from before where broken is distinct from $1::jsonb`,
    values: [JSON.stringify({ seq: broken.seq.toString(), kind: broken.kind, event: broken.eventId?.toString() ?? null }), now, accountId],
  });
}
