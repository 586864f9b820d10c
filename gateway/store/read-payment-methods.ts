import type { PaymentMethodId } from "../ids.ts";
import type { StoredMethod, StoredToken } from "../payment-methods/payment-method.ts";
import type { Database } from "./database.ts";

type Reader = Pick<Database, "query">;

interface Row {
  readonly id: string;
  readonly account_id: string;
  readonly type: string;
  readonly brand: string | null;
  readonly country: string | null;
  readonly exp_month: number | null;
  readonly exp_year: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
  readonly tokens: readonly TokenRow[];
}

/** As JSON: its time is text. */
interface TokenRow {
  readonly provider: string;
  readonly token: unknown;
  readonly state: StoredToken["state"];
  readonly reason: string | null;
  readonly updated_at: string;
}

/** One statement, so that a method and its tokens are of the same moment. */
const COLUMNS = `m.*, (
    select coalesce(json_agg(json_build_object('provider', t.provider, 'token', t.token, 'state', t.state, 'reason', t.reason,
      'updated_at', t.updated_at) order by t.provider), '[]')
    from payment_method_tokens t where t.payment_method_id = m.id) as tokens`;

/** Deleted ones too: charges name them. `accountId: null` only for the machine itself. */
export async function readMethod(db: Reader, by: { accountId: string | null; id: string }): Promise<StoredMethod | null> {
  const rows = await db.query<Row>({
    name: "read_payment_method",
    text: `select ${COLUMNS} from payment_methods m where m.id = $1 and ($2::text is null or m.account_id = $2)`,
    values: [by.id, by.accountId],
  });
  return rows[0] ? rowToMethod(rows[0]) : null;
}

/** Newest first, without the deleted ones; `after` is the id of the last one seen. */
export async function listMethods(db: Reader, by: { accountId: string; after: string | null; limit: number }): Promise<StoredMethod[]> {
  const rows = await db.query<Row>({
    name: "list_payment_methods",
    text: `select ${COLUMNS} from payment_methods m
      where m.account_id = $1 and m.deleted_at is null and ($2::text is null or m.id < $2) order by m.id desc limit $3`,
    values: [by.accountId, by.after, by.limit],
  });
  return rows.map(rowToMethod);
}

/**
 * Those that hold the instrument which a provider calls so. Materialized: the few ids first, else a planner without statistics
 * reads the account's methods in order until the limit is reached.
 */
export async function listMethodsByReference(
  db: Reader,
  by: { accountId: string; provider: string; reference: string; after: string | null; limit: number },
): Promise<StoredMethod[]> {
  const rows = await db.query<Row>({
    name: "list_payment_methods_by_reference",
    text: `with holding as materialized (
        select t.payment_method_id as id from payment_method_tokens t where t.provider = $4 and t.reference = $5
      )
      select ${COLUMNS} from holding h join payment_methods m on m.id = h.id
      where m.account_id = $1 and m.deleted_at is null and ($2::text is null or m.id < $2) order by m.id desc limit $3`,
    values: [by.accountId, by.after, by.limit, by.provider, by.reference],
  });
  return rows.map(rowToMethod);
}

function rowToMethod(row: Row): StoredMethod {
  return {
    id: row.id as PaymentMethodId,
    accountId: row.account_id,
    type: row.type,
    brand: row.brand,
    country: row.country,
    expMonth: row.exp_month,
    expYear: row.exp_year,
    metadata: row.metadata,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
    tokens: row.tokens.map(({ updated_at, ...token }) => ({ ...token, updatedAt: new Date(updated_at) })),
  };
}
