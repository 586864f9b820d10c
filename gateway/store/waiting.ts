import type { Database } from "./database.ts";

/** Revenue at risk: charges that are not collected, or not known to be, in one currency. */
export interface Waiting {
  readonly status: "deferred" | "in_doubt";
  readonly currency: string;
  readonly count: bigint;
  /** Minor units. */
  readonly amount: bigint;
  /** When the oldest of them was accepted. */
  readonly oldest: Date;
  /** The earliest time at which one is due; null when all of them wait for a person. */
  readonly next: Date | null;
  /** Of `count`: given up by the machine (a dead letter is open). */
  readonly stuck: bigint;
}

type Sql = Pick<Database, "query">;

/** Of one account; null: of all. Over partial indexes of what is deferred and in doubt: its cost is theirs, not that of all charges. */
export function readWaiting(db: Sql, accountId: string | null): Promise<Waiting[]> {
  const sums = (status: Waiting["status"]) =>
    `select '${status}' as status, currency, count(*) as count, sum(amount)::bigint as amount, min(created_at) as oldest,
        min(next_action_at) as next, count(*) filter (where next_action_at is null) as stuck
      from charges where status = '${status}' and ($1::text is null or account_id = $1) group by currency`;
  return db.query<Waiting>({
    name: "waiting",
    text: `${sums("deferred")} union all ${sums("in_doubt")} order by status, currency`,
    values: [accountId],
  });
}

/** When the oldest of all was accepted; null: there is none. Two index probes, whatever waits there. */
export async function oldestWaiting(db: Sql): Promise<{ readonly deferred: Date | null; readonly inDoubt: Date | null }> {
  const oldest = (status: Waiting["status"]) => `(select created_at from charges where status = '${status}' order by created_at limit 1)`;
  const rows = await db.query<{ deferred: Date | null; in_doubt: Date | null }>({
    name: "oldest_waiting",
    text: `select ${oldest("deferred")} as deferred, ${oldest("in_doubt")} as in_doubt`,
  });
  return { deferred: rows[0]?.deferred ?? null, inDoubt: rows[0]?.in_doubt ?? null };
}

/** Dead letters that nobody has replayed or settled. */
export interface OpenLetters {
  readonly kind: string;
  readonly count: bigint;
  readonly oldest_at: Date;
}

/** Of one account; null: of all. */
export function readOpenLetters(db: Sql, accountId: string | null): Promise<OpenLetters[]> {
  return db.query<OpenLetters>({
    name: "open_letters",
    text: `select kind, count(*) as count, min(created_at) as oldest_at from dead_letters
      where state = 'open' and ($1::text is null or account_id = $1) group by kind order by kind`,
    values: [accountId],
  });
}
