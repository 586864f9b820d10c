import type { Operation } from "../charges/operation.ts";
import type { Database } from "./database.ts";
import { OPERATION_COLUMNS, type OperationRow, rowToOperation } from "./operations.ts";

type Reader = Pick<Database, "query">;

const FROM = "operations o join attempts a on a.id = o.attempt_id join charges c on c.id = o.charge_id";

/** A refund; null: there is none with this id in this account. */
export async function readRefund(db: Reader, by: { accountId: string; id: string }): Promise<Operation | null> {
  const rows = await db.query<OperationRow>({
    name: "read_refund",
    text: `select ${OPERATION_COLUMNS} from ${FROM} where o.id = $1 and o.account_id = $2 and o.kind = 'refund'`,
    values: [by.id, by.accountId],
  });
  return rows[0] ? rowToOperation(rows[0]) : null;
}

/** What an idempotency key was used for; `refund`: null where it was something else. */
export interface RefundKey {
  readonly fingerprint: Buffer;
  readonly chargeId: string;
  readonly refund: Operation | null;
}

export async function readRefundByKey(db: Reader, by: { accountId: string; key: string }): Promise<RefundKey | null> {
  const [row] = await db.query<OperationRow & { id: Operation["id"] | null; key_fingerprint: Buffer; key_charge: string }>({
    name: "read_refund_by_key",
    text: `select k.fingerprint as key_fingerprint, k.charge_id as key_charge, r.*
      from idempotency_keys k left join lateral (
        select ${OPERATION_COLUMNS} from ${FROM} where o.id = k.operation_id and o.kind = 'refund') r on true
      where k.account_id = $1 and k.key = $2`,
    values: [by.accountId, by.key],
  });
  return row ? { fingerprint: row.key_fingerprint, chargeId: row.key_charge, refund: row.id === null ? null : rowToOperation(row) } : null;
}

/** Newest first; `after` is the id of the last one seen. */
export async function listRefunds(
  db: Reader,
  by: { accountId: string; chargeId: string | null; after: string | null; limit: number },
): Promise<Operation[]> {
  const ofCharge = by.chargeId === null ? "" : " and o.charge_id = $4";
  const rows = await db.query<OperationRow>({
    name: by.chargeId === null ? "list_refunds" : "list_refunds_of_charge",
    text: `select ${OPERATION_COLUMNS} from ${FROM}
      where o.account_id = $1 and o.kind = 'refund' and ($2::text is null or o.id < $2)${ofCharge} order by o.id desc limit $3`,
    values: [by.accountId, by.after, by.limit, ...(by.chargeId === null ? [] : [by.chargeId])],
  });
  return rows.map(rowToOperation);
}
