import type { ClaimedOperation, Operation, OperationFailure, OperationState } from "../charges/operation.ts";
import type { AttemptId } from "../ids.ts";
import type { Database } from "./database.ts";
import { EVENT_COLUMNS, EVENT_RECORD, type TrailEvent } from "./event.ts";

/**
 * Operations with a lease of their own: refunds and compensations. Invariants kept here:
 *   whoever sends or writes has claimed (+1 on lease_no), and writes by compare-and-set on that number and the state it found;
 *   first_sent_at is committed before the first send of a key, so that a crash shows; proof that nothing was executed clears it;
 *   a refund's state and the charge's amounts move in one statement: reserved is all but failed, refunded what succeeded.
 * Locks: the charge first, then the operation, as every other writer; the claim and the hint lock operations only.
 */

/** What a statement selects so that `rowToOperation` understands it: of `operations` (as `o`), its attempt (`a`) and charge (`c`). */
export const OPERATION_COLUMNS = `o.id, o.kind, o.state, o.account_id, c.livemode, o.charge_id, o.attempt_id, a.provider, a.provider_account,
  o.provider_key, o.object, o.reference, o.amount, o.currency, o.captured, (o.amount::text = a.request ->> 'amount') as whole, c.disputed,
  o.lease_no, o.lease_until, o.tries, o.first_sent_at, o.ambiguous, o.provider_reference, o.reason, o.metadata, o.failure, o.created_at,
  o.updated_at`;

export interface OperationRow {
  readonly id: Operation["id"];
  readonly kind: Operation["kind"];
  readonly state: OperationState;
  readonly account_id: string;
  readonly livemode: boolean;
  readonly charge_id: Operation["chargeId"];
  readonly attempt_id: AttemptId;
  readonly provider: string;
  readonly provider_account: string;
  readonly provider_key: string;
  readonly object: string | null;
  readonly reference: string;
  readonly amount: bigint;
  readonly currency: Operation["currency"];
  readonly captured: boolean;
  readonly whole: boolean;
  readonly disputed: boolean;
  readonly lease_no: number;
  readonly lease_until: Date | null;
  readonly tries: number;
  readonly first_sent_at: Date | null;
  readonly ambiguous: boolean;
  readonly provider_reference: string | null;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly failure: OperationFailure | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export function rowToOperation(row: OperationRow): Operation {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    accountId: row.account_id,
    livemode: row.livemode,
    chargeId: row.charge_id,
    attemptId: row.attempt_id,
    provider: row.provider,
    providerAccount: row.provider_account,
    providerKey: row.provider_key,
    object: row.object,
    reference: row.reference,
    amount: row.amount,
    currency: row.currency,
    captured: row.captured,
    whole: row.whole,
    disputed: row.disputed,
    leaseNo: row.lease_no,
    leaseUntil: row.lease_until,
    tries: row.tries,
    firstSentAt: row.first_sent_at,
    ambiguous: row.ambiguous,
    providerReference: row.provider_reference,
    reason: row.reason,
    metadata: row.metadata,
    failure: row.failure,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Those due, claimed. The claim also commits the intent to send, where the key was never sent: `first_sent_at`. */
export async function claimOperations(db: Database, at: { now: Date; leaseUntil: Date; limit: number }): Promise<ClaimedOperation[]> {
  const rows = await db.query<OperationRow & { sent_before: boolean }>({
    name: "claim_operations",
    text: `with due as (
      select id, first_sent_at is not null as sent_before from operations
      where next_action_at <= $1 and kind in ('refund', 'compensate') and (lease_until is null or lease_until <= $1)
      order by next_action_at, id limit $3 for update skip locked)
      update operations o set lease_no = o.lease_no + 1, lease_until = $2, next_action_at = $2, tries = o.tries + 1,
        first_sent_at = coalesce(o.first_sent_at, $1)
      from due, attempts a, charges c where o.id = due.id and a.id = o.attempt_id and c.id = o.charge_id
      returning ${OPERATION_COLUMNS}, due.sent_before`,
    values: [at.now, at.leaseUntil, at.limit],
  });
  return rows.map((row) => ({ ...rowToOperation(row), sentBefore: row.sent_before }));
}

/**
 * One refund, for a person who settles it: in doubt, or pending since `pendingSince` at least; null: there is none, or it is under a live
 * lease. Waits for a claim of the same moment, and then finds its lease.
 */
export async function claimRefund(
  db: Database,
  at: { now: Date; leaseUntil: Date; id: string; accountId: string; pendingSince: Date },
): Promise<Operation | null> {
  const [row] = await db.query<OperationRow>({
    name: "claim_refund",
    text: `with due as (
      select id from operations
      where id = $3 and account_id = $4 and kind = 'refund' and (lease_until is null or lease_until <= $1)
        and (state = 'in_doubt' or state = 'pending' and created_at <= $5)
      for update)
      update operations o set lease_no = o.lease_no + 1, lease_until = $2, next_action_at = $2
      from due, attempts a, charges c where o.id = due.id and a.id = o.attempt_id and c.id = o.charge_id
      returning ${OPERATION_COLUMNS}`,
    values: [at.now, at.leaseUntil, at.id, at.accountId, at.pendingSince],
  });
  return row ? rowToOperation(row) : null;
}

/** What a turn came to; written whole or not at all. */
export interface OperationWrite {
  readonly state: OperationState;
  readonly provider_key: string;
  readonly first_sent_at: string | null;
  /** The release of a hold becomes the refund of what was captured of it. Minor units. */
  readonly taken?: { readonly reference: string; readonly amount: string };
  readonly ambiguous: boolean;
  readonly provider_reference: string | null;
  readonly failure: OperationFailure | null;
  /** What was learned last, for people. */
  readonly detail: string;
  readonly tries: number;
  readonly next_action_at: string | null;
  readonly now: string;
  readonly dead_letter: { readonly id: string; readonly kind: "refund" | "compensation"; readonly reason: string } | null;
  /** Who closed the operation's open dead letters, if somebody did. */
  readonly settled_by: string | null;
  readonly events: readonly TrailEvent[];
}

/**
 * By compare-and-set on the claim's lease number and the state that it found; false: taken over. A hint that came meanwhile (the claim
 * leaves `next_action_at` at the lease's end, a hint sets it earlier) stays due. A dead letter that was open already is not told again.
 */
export async function writeOperation(db: Database, held: Operation, write: OperationWrite): Promise<boolean> {
  const rows = await db.query({
    name: "write_operation",
    text: `with w as (
      select * from jsonb_to_record($5::jsonb) as w(state text, provider_key text, first_sent_at timestamptz, ambiguous boolean,
        taken jsonb, provider_reference text, failure jsonb, detail text, tries integer, next_action_at timestamptz, now timestamptz,
        dead_letter jsonb, settled_by text, events jsonb)
    ), held as (
      select c.id from charges c where c.id = $3 for update
    ), moved as (
      update operations o set state = w.state, provider_key = w.provider_key, first_sent_at = w.first_sent_at,
        captured = o.captured or w.taken is not null, reference = coalesce(w.taken ->> 'reference', o.reference),
        amount = coalesce((w.taken ->> 'amount')::bigint, o.amount),
        ambiguous = o.ambiguous or w.ambiguous, provider_reference = w.provider_reference, failure = w.failure, detail = w.detail,
        tries = w.tries, next_action_at = case when o.next_action_at < o.lease_until then o.next_action_at else w.next_action_at end,
        lease_until = null, updated_at = case when w.state = o.state then o.updated_at else w.now end
      from w, held h where o.id = $1 and o.lease_no = $2 and o.state = $4 and o.charge_id = h.id
      returning o.id, o.account_id, o.charge_id, o.attempt_id, o.kind, o.amount, o.state
    ), paid as (
      update charges c set updated_at = w.now,
        amount_refunded = c.amount_refunded + m.amount * ((m.state = 'succeeded')::integer - ($4 = 'succeeded')::integer),
        amount_reserved = c.amount_reserved + m.amount * (($4 = 'failed')::integer - (m.state = 'failed')::integer)
      from moved m, w where c.id = m.charge_id and m.kind = 'refund'
        and ((m.state = 'succeeded') <> ($4 = 'succeeded') or (m.state = 'failed') <> ($4 = 'failed'))
    ), buried as (
      insert into dead_letters (id, account_id, kind, charge_id, attempt_id, operation_id, reason, created_at)
      select d.id, m.account_id, d.kind, m.charge_id, m.attempt_id, m.id, d.reason, w.now
      from moved m, w cross join lateral jsonb_to_record(w.dead_letter) as d(id text, kind text, reason text)
      where w.dead_letter is not null
      on conflict do nothing
      returning id
    ), settled as (
      update dead_letters d set state = 'settled', closed_at = w.now, closed_by = w.settled_by
      from moved m, w where w.settled_by is not null and d.charge_id = m.charge_id and d.state = 'open'
        and (d.operation_id = m.id or (m.kind = 'compensate' and d.kind = 'compensation' and d.attempt_id = m.attempt_id))
    ), told as (
      insert into events (${EVENT_COLUMNS})
      select e.* from moved m, w cross join lateral jsonb_to_recordset(w.events) as e(${EVENT_RECORD})
      where e.type <> 'dead_letter.opened' or exists (select from buried)
    )
    select id from moved`,
    values: [held.id, held.leaseNo, held.chargeId, held.state, JSON.stringify(write)],
  });
  return rows.length > 0;
}

/** Gives a claim back without having learned anything; one whose write was committed after all is left alone. */
export async function releaseOperation(db: Database, held: Pick<Operation, "id" | "leaseNo">, now: Date): Promise<void> {
  await db.query({
    name: "release_operation",
    text: "update operations set lease_until = null, next_action_at = $3 where id = $1 and lease_no = $2 and lease_until is not null",
    values: [held.id, held.leaseNo, now],
  });
}

/** Whether this attempt's late success is being sent back, or was. */
export async function isCompensated(db: Database, attemptId: AttemptId): Promise<boolean> {
  const rows = await db.query({
    name: "is_compensated",
    text: "select from operations where attempt_id = $1 and kind = 'compensate'",
    values: [attemptId],
  });
  return rows.length > 0;
}
