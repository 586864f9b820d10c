import type { Currency } from "../../providers/contract/money.ts";
import type {
  Attempt,
  AttemptOutcome,
  Charge,
  ChargeStatus,
  Deferred,
  Failover,
  Failure,
  NextAction,
  PaymentMethod,
  Settlement,
  StoredRequest,
} from "../charges/charge.ts";
import type { AttemptId, ChargeId } from "../ids.ts";
import type { Database } from "./database.ts";

type Reader = Pick<Database, "query">;

/**
 * What a statement selects so that `rowToCharge` understands it: every column of `charges` (as `c`), and the attempts
 * as one JSON array. One statement, so that a charge and its attempts are of the same moment.
 */
export const CHARGE_COLUMNS = `c.*, (
    select coalesce(json_agg(json_build_object(
      'id', a.id, 'no', a.no, 'provider', a.provider, 'provider_account', a.provider_account, 'live', a.live,
      'outcome', a.outcome, 'ambiguous', a.ambiguous, 'detail', a.detail, 'object', a.object,
      'provider_reference', a.provider_reference, 'request', a.request, 'next_look_at', a.next_look_at, 'looks', a.looks,
      'decision', a.decision, 'started_at', a.started_at, 'finished_at', a.finished_at, 'latency_ms', a.latency_ms) order by a.no), '[]')
    from attempts a where a.charge_id = c.id) as attempts, (
    select json_build_object('id', o.id, 'attempt_id', o.attempt_id, 'kind', o.kind, 'state', o.state, 'amount', o.amount::text,
      'ambiguous', o.ambiguous, 'tries', o.tries, 'first_sent_at', o.first_sent_at, 'created_at', o.created_at,
      'provider_reference', o.provider_reference)
    from operations o where o.charge_id = c.id and o.kind in ('capture', 'void') and o.state <> 'failed') as settlement`;

/** A row of `charges` as the driver returns it, with `attempts` as `CHARGE_COLUMNS` selects them. */
export interface ChargeRow {
  readonly id: string;
  readonly account_id: string;
  readonly livemode: boolean;
  readonly status: string;
  readonly amount: bigint;
  readonly amount_captured: bigint;
  readonly amount_refunded: bigint;
  readonly amount_reserved: bigint;
  readonly currency: string;
  readonly reference: string | null;
  readonly idempotency_key: string;
  readonly capture: Charge["capture"];
  readonly failover: Failover;
  readonly payment_method_id: string | null;
  readonly payment_method: PaymentMethod;
  readonly excluded: readonly string[];
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly defer: boolean;
  readonly defer_until: Date;
  readonly lease_no: number;
  readonly lease_until: Date | null;
  readonly next_action_at: Date | null;
  readonly tries: number;
  readonly provider: string | null;
  readonly provider_reference: string | null;
  readonly failure: Failure | null;
  readonly deferred: Deferred | null;
  readonly next_action: NextAction | null;
  readonly authorized_until: Date | null;
  readonly disputed: boolean;
  readonly settlement: SettlementRow | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly attempts: readonly AttemptRow[];
}

/** A row of `operations` as JSON: its amount and time are text. */
interface SettlementRow {
  readonly id: string;
  readonly attempt_id: string;
  readonly kind: Settlement["kind"];
  readonly state: Settlement["state"];
  readonly amount: string;
  readonly ambiguous: boolean;
  readonly tries: number;
  readonly first_sent_at: string;
  readonly created_at: string;
  readonly provider_reference: string | null;
}

/** A row of `attempts` as JSON: its times are text. */
export interface AttemptRow {
  readonly id: string;
  readonly no: number;
  readonly provider: string;
  readonly provider_account: string;
  readonly live: boolean;
  readonly outcome: string | null;
  readonly ambiguous: boolean;
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly object: string | null;
  readonly provider_reference: string | null;
  readonly request: StoredRequest;
  readonly next_look_at: string | Date | null;
  readonly looks: number;
  readonly decision: unknown;
  readonly started_at: string | Date;
  readonly finished_at: string | Date | null;
  readonly latency_ms: number | null;
}

export function rowToCharge(row: ChargeRow): Charge {
  return {
    id: row.id as ChargeId,
    accountId: row.account_id,
    livemode: row.livemode,
    status: row.status as ChargeStatus,
    amount: row.amount,
    amountCaptured: row.amount_captured,
    amountRefunded: row.amount_refunded,
    amountReserved: row.amount_reserved,
    currency: row.currency as Currency,
    reference: row.reference,
    idempotencyKey: row.idempotency_key,
    capture: row.capture,
    failover: row.failover,
    paymentMethodId: row.payment_method_id,
    paymentMethod: row.payment_method,
    excluded: row.excluded,
    description: row.description,
    metadata: row.metadata,
    defer: row.defer,
    deferUntil: row.defer_until,
    leaseNo: row.lease_no,
    leaseUntil: row.lease_until,
    nextActionAt: row.next_action_at,
    tries: row.tries,
    provider: row.provider,
    providerReference: row.provider_reference,
    failure: row.failure,
    deferred: row.deferred,
    nextAction: row.next_action,
    authorizedUntil: row.authorized_until,
    disputed: row.disputed,
    settlement: row.settlement && rowToSettlement(row.settlement),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    attempts: row.attempts.map(rowToAttempt),
  };
}

function rowToSettlement(row: SettlementRow): Settlement {
  return {
    id: row.id,
    attemptId: row.attempt_id as AttemptId,
    kind: row.kind,
    state: row.state,
    amount: BigInt(row.amount),
    ambiguous: row.ambiguous,
    tries: row.tries,
    firstSentAt: new Date(row.first_sent_at),
    createdAt: new Date(row.created_at),
    providerReference: row.provider_reference,
  };
}

export function rowToAttempt(row: AttemptRow): Attempt {
  return {
    id: row.id as AttemptId,
    no: row.no,
    provider: row.provider,
    providerAccount: row.provider_account,
    live: row.live,
    outcome: row.outcome as AttemptOutcome | null,
    ambiguous: row.ambiguous,
    detail: row.detail,
    object: row.object,
    providerReference: row.provider_reference,
    request: row.request,
    nextLookAt: toDate(row.next_look_at),
    looks: row.looks,
    decision: row.decision,
    startedAt: new Date(row.started_at),
    finishedAt: toDate(row.finished_at),
    latencyMs: row.latency_ms,
  };
}

function toDate(time: string | Date | null): Date | null {
  return time === null ? null : new Date(time);
}

/** `accountId: null` only for the machine itself; a caller's read always names its account. */
export async function readCharge(db: Reader, by: { accountId: string | null; id: string }): Promise<Charge | null> {
  const rows = await db.query<ChargeRow>({
    name: "read_charge",
    text: `select ${CHARGE_COLUMNS} from charges c where c.id = $1 and ($2::text is null or c.account_id = $2)`,
    values: [by.id, by.accountId],
  });
  return rows[0] ? rowToCharge(rows[0]) : null;
}

/** The charge that an idempotency key acted on, with what the key was used for. */
export async function readChargeByKey(
  db: Reader,
  by: { accountId: string; key: string },
): Promise<{ charge: Charge; operation: string; fingerprint: Buffer } | null> {
  const rows = await db.query<ChargeRow & { key_operation: string; key_fingerprint: Buffer }>({
    name: "read_charge_by_key",
    text: `select ${CHARGE_COLUMNS}, k.operation as key_operation, k.fingerprint as key_fingerprint
      from idempotency_keys k join charges c on c.id = k.charge_id
      where k.account_id = $1 and k.key = $2`,
    values: [by.accountId, by.key],
  });
  const row = rows[0];
  return row ? { charge: rowToCharge(row), operation: row.key_operation, fingerprint: row.key_fingerprint } : null;
}

/** Whether the provider's object or payment is known as another charge's. */
export async function isPaymentOfAnother(db: Reader, by: { provider: string; reference: string; chargeId: string }): Promise<boolean> {
  const rows = await db.query({
    name: "is_payment_of_another",
    text: `select from attempts where provider = $1 and provider_reference = $2 and charge_id <> $3
      union all select from attempts where provider = $1 and object = $2 and charge_id <> $3 limit 1`,
    values: [by.provider, by.reference, by.chargeId],
  });
  return rows.length > 0;
}
