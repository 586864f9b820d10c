import type { Database } from "./database.ts";

/** Charges of one currency that wait. */
export interface Waiting {
  readonly currency: string;
  readonly count: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly oldest_at: Date;
  /** The earliest time at which one is due; null when all of them wait for a person. */
  readonly next_at: Date | null;
}

export interface OpenLetters {
  readonly kind: string;
  readonly count: bigint;
  readonly oldest_at: Date;
}

/** Over the partial index of what is neither final nor under way: its cost is theirs, not that of all charges. */
export function readWaiting(db: Pick<Database, "query">, by: { accountId: string; status: "deferred" | "in_doubt" }): Promise<Waiting[]> {
  return db.query<Waiting>({
    name: `waiting_${by.status}`,
    text: `select currency, count(*) as count, sum(amount)::bigint as amount, min(created_at) as oldest_at, min(next_action_at) as next_at
      from charges where account_id = $1 and status = '${by.status}' group by currency order by currency`,
    values: [by.accountId],
  });
}

export function readOpenLetters(db: Pick<Database, "query">, accountId: string): Promise<OpenLetters[]> {
  return db.query<OpenLetters>({
    name: "open_letters",
    text: `select kind, count(*) as count, min(created_at) as oldest_at from dead_letters
      where account_id = $1 and state = 'open' group by kind order by kind`,
    values: [accountId],
  });
}
