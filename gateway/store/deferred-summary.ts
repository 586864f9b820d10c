import type { Database } from "./database.ts";

/** Revenue at risk: what is deferred now, in one currency. */
export interface DeferredSummary {
  readonly currency: string;
  readonly count: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly oldest: Date;
  /** The earliest time at which one is due; null when all of them wait for a person. */
  readonly next: Date | null;
  /** Of `count`: given up by the machine (a dead letter is open). */
  readonly stuck: bigint;
}

/** Over the partial index of deferred charges: its cost is theirs, not that of all charges. */
export function readDeferredSummary(db: Database, accountId: string): Promise<DeferredSummary[]> {
  return db.query<DeferredSummary>({
    name: "deferred_summary",
    text: `select currency, count(*) as count, sum(amount)::bigint as amount, min(created_at) as oldest, min(next_action_at) as next,
        count(*) filter (where next_action_at is null) as stuck
      from charges where status = 'deferred' and account_id = $1 group by currency order by currency`,
    values: [accountId],
  });
}
