import type { DisputeStatus } from "../../providers/contract/webhook.ts";
import type { Database } from "./database.ts";

export const DISPUTE_STATUSES = ["warning", "open", "won", "lost", "closed"] as const satisfies readonly DisputeStatus[];

export interface Dispute {
  readonly id: string;
  readonly provider: string;
  readonly provider_dispute: string;
  readonly charge_id: string;
  readonly attempt_id: string;
  /** Minor units; null: the provider did not say. */
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly status: DisputeStatus;
  readonly reason: string | null;
  readonly network_code: string | null;
  readonly evidence_due_at: Date | null;
  readonly opened_at: Date;
  readonly updated_at: Date;
}

type Reader = Pick<Database, "query">;

const COLUMNS = `id, provider, provider_dispute, charge_id, attempt_id, amount, currency, status, reason, network_code, evidence_due_at,
  opened_at, updated_at`;
/** A charge has one, or two; more would be a provider's mistake. */
const MAX_OF_A_CHARGE = 100;

export async function readDispute(db: Reader, by: { accountId: string; id: string }): Promise<Dispute | null> {
  const rows = await db.query<Dispute>({
    name: "read_dispute",
    text: `select ${COLUMNS} from disputes where id = $1 and account_id = $2`,
    values: [by.id, by.accountId],
  });
  return rows[0] ?? null;
}

/** Of one charge, oldest first. */
export function readChargeDisputes(db: Reader, by: { accountId: string; chargeId: string }): Promise<Dispute[]> {
  return db.query<Dispute>({
    name: "read_charge_disputes",
    text: `select ${COLUMNS} from disputes where charge_id = $1 and account_id = $2 order by id limit ${MAX_OF_A_CHARGE}`,
    values: [by.chargeId, by.accountId],
  });
}

/** Newest first; `after` is the id of the last one seen. */
export function listDisputes(
  db: Reader,
  by: { accountId: string; charge: string | null; status: DisputeStatus | null; after: string | null; limit: number },
): Promise<Dispute[]> {
  return db.query<Dispute>({
    name: "list_disputes",
    text: `select ${COLUMNS} from disputes
      where account_id = $1 and ($2::text is null or charge_id = $2) and ($3::text is null or status = $3) and ($4::text is null or id < $4)
      order by id desc limit $5`,
    values: [by.accountId, by.charge, by.status, by.after, by.limit],
  });
}
