import type { Operation } from "../charges/operation.ts";
import { type Database, violatedConstraint } from "./database.ts";
import { OPERATION_COLUMNS, type OperationRow, rowToOperation } from "./operations.ts";

export interface RefundIntent {
  readonly id: Operation["id"];
  readonly accountId: string;
  readonly chargeId: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
  readonly actor: string;
  readonly now: Date;
  readonly leaseUntil: Date;
}

/**
 * The intent of a refund (law 2), under its first lease: reserves the amount, and with it inserts the operation, its key and its event; or
 * nothing (null) where the key is taken, or the charge does not have so much left, holds no money, or is disputed. The update of the
 * charge's row is the lock: whoever comes second sees what the first one reserved.
 */
export async function acceptRefund(db: Database, intent: RefundIntent): Promise<Operation | null> {
  try {
    const rows = await db.query<OperationRow>({
      name: "accept_refund",
      text: TEXT,
      values: [
        intent.id,
        intent.accountId,
        intent.chargeId,
        intent.amount,
        intent.reason,
        JSON.stringify(intent.metadata),
        intent.idempotencyKey,
        intent.fingerprint,
        intent.actor,
        intent.now,
        intent.leaseUntil,
      ],
    });
    return rows[0] ? rowToOperation(rows[0]) : null;
  } catch (error) {
    // Also the same key at the same moment: it waited for the other one, and rolled back what it had reserved.
    if (violatedConstraint(error) === "idempotency_keys_pkey") return null;
    throw error;
  }
}

// The money goes back from where it is: the live attempt that was approved, known by the charge's reference.
const TEXT = `
with reserved as (
  update charges c set amount_reserved = c.amount_reserved + $4::bigint, updated_at = $10
  from attempts a
  where c.id = $3 and c.account_id = $2 and c.status = 'succeeded' and not c.disputed and $4::bigint > 0
    and c.amount_reserved + $4::bigint <= c.amount_captured and c.provider_reference is not null
    and a.charge_id = c.id and a.live and a.outcome = 'approved'
  returning c.id as charge_id, c.livemode, c.disputed, c.currency, c.provider_reference, a.id as attempt_id, a.object, a.provider,
    a.provider_account, a.request
), opened as (
  insert into operations (id, account_id, charge_id, attempt_id, kind, state, provider_key, object, reference, amount, currency, captured,
    reason, metadata, lease_no, lease_until, next_action_at, first_sent_at, created_at, updated_at)
  select $1, $2, r.charge_id, r.attempt_id, 'refund', 'processing', $1, r.object, r.provider_reference, $4, r.currency, true,
    $5, $6::jsonb, 1, $11, $11, $10, $10, $10
  from reserved r
  returning *
), keyed as (
  insert into idempotency_keys (account_id, key, operation, fingerprint, charge_id, operation_id, created_at)
  select $2, $7, 'refund', $8::bytea, o.charge_id, o.id, $10 from opened o
), told as (
  insert into events (at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, data)
  select $10, $2, 'refund.created', $9, r.charge_id, r.attempt_id, r.provider, o.amount, o.currency, jsonb_build_object('refund', o.id)
  from opened o cross join reserved r
)
select ${OPERATION_COLUMNS}
from opened o cross join reserved a cross join (select livemode, disputed from reserved) c`;
