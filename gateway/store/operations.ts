import type { Currency } from "../../providers/contract/money.ts";
import type { AttemptId, ChargeId } from "../ids.ts";
import type { Database } from "./database.ts";
import { EVENT_COLUMNS, EVENT_RECORD, type TrailEvent } from "./event.ts";

/** A compensation under a claim: void, else refund, of a late success that its charge could not adopt. */
export interface Operation {
  readonly id: string;
  /** The provider's idempotency key of it: the same for every send. */
  readonly providerKey: string;
  readonly chargeId: ChargeId;
  readonly attemptId: AttemptId;
  readonly accountId: string;
  readonly provider: string;
  readonly providerAccount: string;
  readonly object: string | null;
  readonly reference: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: Currency;
  readonly captured: boolean;
  readonly leaseNo: number;
  readonly tries: number;
  /** Of its key; committed before the first send. */
  readonly firstSentAt: Date;
  /** An earlier turn may have sent it. */
  readonly sentBefore: boolean;
  /** The provider's id of a refund that is pending there. */
  readonly refund: string | null;
}

interface Row {
  id: string;
  provider_key: string;
  charge_id: ChargeId;
  attempt_id: AttemptId;
  account_id: string;
  provider: string;
  provider_account: string;
  object: string | null;
  reference: string;
  amount: bigint;
  currency: Currency;
  captured: boolean;
  lease_no: number;
  tries: number;
  first_sent_at: Date;
  provider_reference: string | null;
}

/** Those due, claimed; the claim also commits the intent to send (`first_sent_at`). */
export async function claimOperations(db: Database, at: { now: Date; leaseUntil: Date; limit: number }): Promise<Operation[]> {
  const rows = await db.query<Row>({
    name: "claim_operations",
    text: `with due as (
      select id from operations where next_action_at <= $1 and (lease_until is null or lease_until <= $1)
      order by next_action_at, id limit $3 for update skip locked)
      update operations o set lease_no = o.lease_no + 1, lease_until = $2, next_action_at = $2, tries = o.tries + 1,
        first_sent_at = coalesce(o.first_sent_at, $1), updated_at = $1
      from due, attempts a where o.id = due.id and a.id = o.attempt_id
      returning o.id, o.provider_key, o.charge_id, o.attempt_id, o.account_id, a.provider, a.provider_account, o.object, o.reference, o.amount,
        o.currency, o.captured, o.lease_no, o.tries, o.first_sent_at, o.provider_reference`,
    values: [at.now, at.leaseUntil, at.limit],
  });
  return rows.map((row) => ({
    id: row.id,
    providerKey: row.provider_key,
    chargeId: row.charge_id,
    attemptId: row.attempt_id,
    accountId: row.account_id,
    provider: row.provider,
    providerAccount: row.provider_account,
    object: row.object,
    reference: row.reference,
    amount: row.amount,
    currency: row.currency,
    captured: row.captured,
    leaseNo: row.lease_no,
    tries: row.tries,
    firstSentAt: row.first_sent_at,
    sentBefore: row.first_sent_at.getTime() < at.now.getTime(),
    refund: row.provider_reference,
  }));
}

/** What the operation came to, with its event, by compare-and-set on its lease. */
export async function writeOperation(
  db: Database,
  write: {
    operation: Operation;
    now: Date;
    state: "processing" | "pending" | "succeeded" | "failed";
    nextActionAt: Date | null;
    reference: string | null;
    detail: string;
    deadLetterId: string | null;
    event: TrailEvent | null;
  },
): Promise<void> {
  const { operation } = write;
  await db.query({
    name: "write_operation",
    text: `with moved as (
      update operations set state = $3, next_action_at = $4, provider_reference = $5, detail = $6, lease_until = null, updated_at = $7
      where id = $1 and lease_no = $2 returning charge_id, attempt_id
    ), buried as (
      insert into dead_letters (id, account_id, kind, charge_id, attempt_id, reason, created_at)
      select $8, $9, 'compensation', charge_id, attempt_id, $6, $7 from moved where $8::text is not null on conflict do nothing
    )
    insert into events (${EVENT_COLUMNS})
    select e.* from moved cross join lateral jsonb_to_recordset($10::jsonb) as e(${EVENT_RECORD})`,
    values: [
      operation.id,
      operation.leaseNo,
      write.state,
      write.nextActionAt,
      write.reference,
      write.detail,
      write.now,
      write.deadLetterId,
      operation.accountId,
      JSON.stringify(write.event ? [write.event] : []),
    ],
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
