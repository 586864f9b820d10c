import type { Database } from "./database.ts";

export const DEAD_LETTER_STATES = ["open", "replayed", "settled"] as const;
export const DEAD_LETTER_KINDS = ["charge", "doubt", "compensation", "refund", "webhook", "job"] as const;

/** What the machine gave up on; the thing itself keeps its state and waits for a person. */
export interface DeadLetter {
  readonly id: string;
  readonly kind: (typeof DEAD_LETTER_KINDS)[number];
  readonly charge_id: string | null;
  readonly attempt_id: string | null;
  /** A refund, or a compensation. */
  readonly operation_id: string | null;
  readonly reason: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly state: (typeof DEAD_LETTER_STATES)[number];
  readonly created_at: Date;
  readonly closed_at: Date | null;
  readonly closed_by: string | null;
}

type Reader = Pick<Database, "query">;

const COLUMNS = "id, kind, charge_id, attempt_id, operation_id, reason, data, state, created_at, closed_at, closed_by";

export async function readDeadLetter(db: Reader, by: { accountId: string; id: string }): Promise<DeadLetter | null> {
  const rows = await db.query<DeadLetter>({
    name: "read_dead_letter",
    text: `select ${COLUMNS} from dead_letters where id = $1 and account_id = $2`,
    values: [by.id, by.accountId],
  });
  return rows[0] ?? null;
}

/** Newest first; `after` is the id of the last one seen. */
export function listDeadLetters(
  db: Reader,
  by: { accountId: string; state: string | null; kind: string | null; after: string | null; limit: number },
): Promise<DeadLetter[]> {
  return db.query<DeadLetter>({
    name: "list_dead_letters",
    text: `select ${COLUMNS} from dead_letters
      where account_id = $1 and ($2::text is null or state = $2) and ($3::text is null or kind = $3) and ($4::text is null or id < $4)
      order by id desc limit $5`,
    values: [by.accountId, by.state, by.kind, by.after, by.limit],
  });
}
