import type { AttemptId, ChargeId } from "../ids.ts";
import type { Database } from "./database.ts";

/**
 * Attempts that were given up without a fence, and such as answered late: looked at again, because a success may still show (law 8).
 */
export interface ClosedAttempt {
  readonly id: AttemptId;
  readonly chargeId: ChargeId;
  /** Set by whoever took the look. */
  readonly due: Date;
}

/** Those due for a look; `until` keeps other workers away meanwhile. */
export async function takeAttemptsToLookAt(db: Database, at: { now: Date; until: Date; limit: number }): Promise<ClosedAttempt[]> {
  const rows = await db.query<{ id: AttemptId; charge_id: ChargeId }>({
    name: "take_attempts_to_look_at",
    text: `with due as (
      select id from attempts where next_look_at <= $1 and not live order by next_look_at, id limit $3 for update skip locked)
      update attempts a set next_look_at = $2 from due where a.id = due.id returning a.id, a.charge_id`,
    values: [at.now, at.until, at.limit],
  });
  return rows.map((row) => ({ id: row.id, chargeId: row.charge_id, due: at.until }));
}

/**
 * Evidence came late that an attempt was paid. A closed one is looked at now; whoever holds its charge does not know of it, so they lose
 * their lease number, and with it the right to begin another attempt (its end stays: what they sent may still be under way). A live
 * one carries the mark until it is approved, so that closing it does not lose the evidence. An orphan (authorize_first) moves no money and
 * holds nothing back, so its charge's lease stays. The charge is locked first, as by every other writer.
 */
export async function hintAttempt(db: Database, id: AttemptId, now: Date): Promise<void> {
  await db.query({
    name: "hint_attempt",
    text: `with held as (
        select c.id from charges c where c.id = (select charge_id from attempts where id = $1) for update
      ), marked as (
        update attempts a set next_look_at = $2 from held h
        where a.id = $1 and a.charge_id = h.id and a.outcome is distinct from 'approved'
        returning a.charge_id, a.live or a.outcome is not distinct from 'unknown' as harmless
      )
      update charges c set lease_no = c.lease_no + 1 from marked m where c.id = m.charge_id and not m.harmless`,
    values: [id, now],
  });
}

/** Whether a live attempt carries late evidence that it was paid. */
export async function isMarked(db: Database, id: AttemptId): Promise<boolean> {
  const rows = await db.query({
    name: "is_marked",
    text: "select from attempts where id = $1 and live and next_look_at is not null",
    values: [id],
  });
  return rows.length > 0;
}

/** After a real look, that was `due` when it began; null: enough of them. Evidence that came meanwhile stays due. */
export async function countLook(db: Database, id: AttemptId, due: Date | null, next: Date | null): Promise<void> {
  await db.query({
    name: "count_look",
    text: `update attempts set next_look_at = $2, looks = looks + 1
      where id = $1 and not live and next_look_at is not distinct from $3`,
    values: [id, next, due],
  });
}

/** Without having seen anything. */
export async function putOffLook(db: Database, id: AttemptId, due: Date | null, until: Date): Promise<void> {
  await db.query({
    name: "put_off_look",
    text: "update attempts set next_look_at = $2 where id = $1 and not live and next_look_at is not distinct from $3",
    values: [id, until, due],
  });
}

/** What became of its money is settled: no further look. */
export async function endLooks(db: Database, id: AttemptId): Promise<void> {
  await db.query({ name: "end_looks", text: "update attempts set next_look_at = null where id = $1 and not live", values: [id] });
}
