import type { ChargeStatus } from "../charges/charge.ts";
import type { ChargeId } from "../ids.ts";
import type { Database } from "./database.ts";

/**
 * Claiming: whoever writes a charge claims it first (+1 on `lease_no`) and then writes by compare-and-set on that number.
 * A claim also sets `next_action_at` to the lease's end, so that a crashed claimant's charge comes due by itself.
 */
export interface Claim {
  readonly id: ChargeId;
  readonly leaseNo: number;
}

interface Row {
  id: ChargeId;
  lease_no: number;
}

const claim = (row: Row): Claim => ({ id: row.id, leaseNo: row.lease_no });

const TAKE = `update charges c set lease_no = c.lease_no + 1, lease_until = $2,
    next_action_at = case when c.status = 'deferred' then c.next_action_at else $2 end
  from due where c.id = due.id returning c.id, c.lease_no`;

/**
 * Crashed, in doubt, pending and waiting for the customer: whatever is due and under no live lease, the longest due first.
 * `for update skip locked`: workers on any number of nodes never wait for each other.
 */
export async function claimDue(db: Database, at: { now: Date; leaseUntil: Date; limit: number }): Promise<Claim[]> {
  const rows = await db.query<Row>({
    name: "claim_due",
    text: `with due as (
      select id from charges
      where status <> 'deferred' and next_action_at <= $1 and (lease_until is null or lease_until <= $1)
      order by next_action_at, id limit $3 for update skip locked) ${TAKE}`,
    values: [at.now, at.leaseUntil, at.limit],
  });
  return rows.map(claim);
}

/** Deferred charges whose time is over; not those put off a moment ago because late evidence is to be looked at first. */
export async function claimExpired(db: Database, at: { now: Date; leaseUntil: Date; limit: number }): Promise<Claim[]> {
  const rows = await db.query<Row>({
    name: "claim_expired",
    text: `with due as (
      select id from charges
      where status = 'deferred' and next_action_at <= $1 and defer_until <= $1 and (lease_until is null or lease_until <= $1)
      order by defer_until, id limit $3 for update skip locked) ${TAKE}`,
    values: [at.now, at.leaseUntil, at.limit],
  });
  return rows.map(claim);
}

/** A provider that takes new attempts; `currencies` null: all. */
export interface Usable {
  readonly provider: string;
  readonly currencies: readonly string[] | null;
}

/** Deferred charges, the oldest first, that one of `usable` can take: those that nobody can take do not stand in their way. */
export async function claimDeferred(
  db: Database,
  at: { now: Date; leaseUntil: Date; limit: number; usable: readonly Usable[] },
): Promise<Claim[]> {
  const rows = await db.query<Row>({
    name: "claim_deferred",
    text: `with due as (
      select id from charges c
      where status = 'deferred' and next_action_at <= $1 and defer_until > $1 and (lease_until is null or lease_until <= $1)
        and exists (select from jsonb_to_recordset($4::jsonb) as u(provider text, currencies text[])
          where (u.provider = any(c.providers) or c.payment_method_id is not null and exists (
              -- a token that its stored method got since it was accepted
              select from payment_method_tokens t
              where t.payment_method_id = c.payment_method_id and t.provider = u.provider and t.state = 'active'))
            and u.provider <> all(c.excluded)
            and (u.currencies is null or c.currency = any(u.currencies)))
      order by created_at, id limit $3 for update skip locked) ${TAKE}`,
    values: [at.now, at.leaseUntil, at.limit, JSON.stringify(at.usable)],
  });
  return rows.map(claim);
}

/** One charge, for a person's command or a late success; null: it does not exist, has another status, or is under a live lease. */
export async function claimOne(
  db: Database,
  at: { now: Date; leaseUntil: Date; id: ChargeId; accountId: string | null; statuses: readonly ChargeStatus[] },
): Promise<Claim | null> {
  const rows = await db.query<Row>({
    name: "claim_one",
    text: `with due as (
      select id from charges
      where id = $3 and ($4::text is null or account_id = $4) and status = any($5::text[]) and (lease_until is null or lease_until <= $1)
      for update)
      update charges c set lease_no = c.lease_no + 1, lease_until = $2,
        next_action_at = case when c.status in ('deferred', 'succeeded', 'failed', 'canceled', 'authorized') then c.next_action_at else $2 end
      from due where c.id = due.id returning c.id, c.lease_no`,
    values: [at.now, at.leaseUntil, at.id, at.accountId, at.statuses],
  });
  const row = rows[0];
  return row ? claim(row) : null;
}

/**
 * Gives a claim back: due again at `nextActionAt` (null: as it was; a charge at rest never is). One whose claimant's write was
 * committed after all has no lease any more, and is left alone.
 */
export async function releaseClaim(db: Database, held: Claim, nextActionAt: Date | null): Promise<void> {
  await db.query({
    name: "release_claim",
    text: `update charges set lease_until = null,
        next_action_at = case when status in ('succeeded', 'failed', 'canceled') then null else coalesce($3, next_action_at) end
      where id = $1 and lease_no = $2 and lease_until is not null`,
    values: [held.id, held.leaseNo, nextActionAt],
  });
}

/** What a hint sets to work. An authorized one may have been captured, voided or lapsed at the provider. */
export const HINTED = "('processing', 'in_doubt', 'pending', 'requires_action', 'authorized')";

/** A hint (a webhook, a person, a late answer): look now. Writes no outcome. */
export async function hintCharge(db: Database, id: ChargeId, now: Date): Promise<void> {
  await db.query({
    name: "hint_charge",
    text: `update charges set next_action_at = $2
      where id = $1 and status in ${HINTED} and next_action_at > $2`,
    values: [id, now],
  });
}
