import type { Database } from "./database.ts";

type Sql = Pick<Database, "query">;

/** What a run compares of one provider. */
export interface Scope {
  readonly runId: string;
  readonly provider: string;
  readonly account: string;
  readonly from: Date;
  readonly to: Date;
}

/** A payment of the provider's list that does not plainly agree with ours. */
export interface SuspectPayment {
  readonly reference: string;
  readonly state: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly created_at: Date;
  readonly object: string | null;
  readonly named_attempt: string | null;
  readonly named_charge: string | null;
  /** Ours; null: we do not know it. */
  readonly charge_id: string | null;
  readonly suspect: boolean;
}

const IN_FLIGHT = "('processing', 'requires_action', 'pending', 'in_doubt')";

/**
 * A page of the payments in the list, by reference: those that do not plainly agree with ours, and always the last one, whose reference is
 * where the next page begins. What agrees (nearly all) never leaves the database. Compensated attempts and such as are in flight are ours
 * to resolve, and no suspects.
 */
export function suspectPayments(db: Sql, scope: Scope, after: string, limit: number): Promise<SuspectPayment[]> {
  return db.query<SuspectPayment>({
    name: "suspect_payments",
    text: `with page as (
      select * from reconciliation_records where run_id = $1 and provider = $2 and kind = 'payment' and reference > $3
      order by reference limit $6
    ), judged as (
      select p.*, coalesce(case
          when p.created_at < $4 or p.created_at >= $5 then false
          when p.attempt_id is null then p.state in ('captured', 'held')
          when exists (select from operations o where o.attempt_id = p.attempt_id and o.kind = 'compensate') then false
          when a.live and c.status in ${IN_FLIGHT} then false
          when a.live and c.status = 'authorized' then p.state = 'captured'
          when a.live and c.status = 'succeeded' and p.state = 'captured' then not (
            p.amount = c.amount_captured and p.currency = c.currency and (p.reference in (a.provider_reference, c.provider_reference)
              or exists (select from operations o where o.charge_id = c.id and o.kind = 'capture' and o.provider_reference = p.reference)))
          when a.live and c.status = 'succeeded' then not exists (
            select from reconciliation_records s where s.run_id = $1 and s.charge_id = p.charge_id and s.attempt_id = p.attempt_id
              and s.provider = $2 and s.kind = 'payment' and s.state = 'captured')
          else p.state in ('captured', 'held') end, true) as suspect
      from page p
      left join lateral (select * from attempts a where a.id = p.attempt_id limit 1) a on true
      left join lateral (select * from charges c where c.id = a.charge_id limit 1) c on true
    )
    select reference, state, amount, currency, created_at, object, named_attempt, named_charge, charge_id, suspect from judged
    where suspect or reference = (select max(reference) from page) order by reference`,
    values: [scope.runId, scope.provider, after, scope.from, scope.to, limit],
  });
}

/**
 * Charges that took their money in [from, to), by our trail, and are not in the provider's list. One slice of time per statement: what it
 * reads is bounded by that.
 */
export async function chargesWithoutRecord(db: Sql, scope: Scope, after: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ charge_id: string }>({
    name: "charges_without_record",
    text: `select distinct e.charge_id from events e
        join attempts a on a.charge_id = e.charge_id and a.live and a.outcome = 'approved' and a.provider = $2 and a.provider_account = $3
        join charges c on c.id = e.charge_id and c.status = 'succeeded'
      where e.at >= $4 and e.at < $5 and e.type = 'charge.succeeded' and e.charge_id > $6
        and not exists (
          select from reconciliation_records r where r.run_id = $1 and r.charge_id = a.charge_id and r.attempt_id = a.id
            and r.provider = $2 and r.kind = 'payment' and r.state = 'captured')
      order by e.charge_id limit $7`,
    values: [scope.runId, scope.provider, scope.account, scope.from, scope.to, after, limit],
  });
  return rows.map((row) => row.charge_id);
}

/** A refund of the provider's list that does not plainly agree with ours. */
export interface SuspectRefund {
  readonly reference: string;
  readonly state: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly created_at: Date;
  readonly payment: string | null;
  readonly attempt_id: string | null;
  readonly charge_id: string | null;
  /** Ours; null: we do not know it. */
  readonly operation_id: string | null;
  readonly suspect: boolean;
}

/** As `suspectPayments`. */
export function suspectRefunds(db: Sql, scope: Scope, after: string, limit: number): Promise<SuspectRefund[]> {
  return db.query<SuspectRefund>({
    name: "suspect_refunds",
    text: `with page as (
      select * from reconciliation_records where run_id = $1 and provider = $2 and kind = 'refund' and reference > $3
      order by reference limit $6
    ), judged as (
      select p.*, coalesce(case
          when p.created_at < $4 or p.created_at >= $5 or p.state = 'pending' then false
          when o.id is null then p.state = 'succeeded'
          when o.state = 'succeeded' then not (p.state = 'succeeded' and p.amount = o.amount and p.currency = o.currency)
          when o.state = 'failed' then p.state = 'succeeded'
          else false end, true) as suspect
      from page p
      left join lateral (select * from operations o where o.id = p.operation_id limit 1) o on true
    )
    select reference, state, amount, currency, created_at, payment, attempt_id, charge_id, operation_id, suspect from judged
    where suspect or reference = (select max(reference) from page) order by reference`,
    values: [scope.runId, scope.provider, after, scope.from, scope.to, limit],
  });
}

/** Refunds of ours (compensations too) that succeeded in [from, to) and are not in the provider's list. */
export async function refundsWithoutRecord(db: Sql, scope: Scope, after: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ id: string }>({
    name: "refunds_without_record",
    text: `select o.id from operations o join attempts a on a.id = o.attempt_id
      where o.updated_at >= $4 and o.updated_at < $5 and o.state = 'succeeded' and (o.kind = 'refund' or o.kind = 'compensate' and o.captured)
        and a.provider = $2 and a.provider_account = $3 and o.id > $6
        and not exists (
          select from reconciliation_records r where r.run_id = $1 and r.operation_id = o.id and r.provider = $2 and r.state <> 'pending')
      order by o.id limit $7`,
    values: [scope.runId, scope.provider, scope.account, scope.from, scope.to, after, limit],
  });
  return rows.map((row) => row.id);
}

/** A record of the provider's as a run keeps it. */
export interface KeptRecord {
  readonly provider: string;
  readonly kind: "payment" | "refund";
  readonly reference: string;
  readonly state: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly created_at: Date;
  readonly payment: string | null;
  readonly attempt_id: string | null;
}

/** What all providers have of one charge, as far as this run has read it. */
export function recordsOfCharge(db: Sql, runId: string, chargeId: string): Promise<KeptRecord[]> {
  return db.query<KeptRecord>({
    name: "records_of_charge",
    text: `select provider, kind, reference, state, amount, currency, created_at, payment, attempt_id from reconciliation_records
      where run_id = $1 and charge_id = $2 order by created_at, provider, reference`,
    values: [runId, chargeId],
  });
}

/** What we did to the money of an attempt. */
export interface OwnOperation {
  readonly id: string;
  readonly account_id: string;
  readonly charge_id: string;
  readonly attempt_id: string;
  readonly provider: string;
  readonly provider_account: string;
  readonly kind: "capture" | "void" | "refund" | "compensate";
  readonly state: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly captured: boolean;
  readonly object: string | null;
  readonly reference: string;
  readonly provider_key: string;
  readonly provider_reference: string | null;
  readonly updated_at: Date;
}

const OPERATION = `o.id, o.account_id, o.charge_id, o.attempt_id, a.provider, a.provider_account, o.kind, o.state, o.amount, o.currency,
  o.captured, coalesce(o.object, a.object) as object, o.reference, o.provider_key, o.provider_reference, o.updated_at`;

export function operationsOfCharge(db: Sql, chargeId: string): Promise<OwnOperation[]> {
  return db.query<OwnOperation>({
    name: "operations_of_charge",
    text: `select ${OPERATION} from operations o join attempts a on a.id = o.attempt_id where o.charge_id = $1 order by o.id`,
    values: [chargeId],
  });
}

export async function readOwnOperation(db: Sql, id: string): Promise<OwnOperation | null> {
  const rows = await db.query<OwnOperation>({
    name: "read_own_operation",
    text: `select ${OPERATION} from operations o join attempts a on a.id = o.attempt_id where o.id = $1`,
    values: [id],
  });
  return rows[0] ?? null;
}
