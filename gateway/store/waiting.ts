import type { Database } from "./database.ts";

/** Charges that nobody has decided yet, in one currency, over all accounts. */
export interface Waiting {
  readonly status: "deferred" | "in_doubt";
  readonly currency: string;
  readonly count: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly oldest: Date;
}

/** Over the partial indexes of what is deferred and of what is due: its cost is theirs, not that of all charges. */
export function readWaiting(db: Database): Promise<Waiting[]> {
  return db.query<Waiting>({
    name: "waiting",
    text: `select 'deferred' as status, currency, count(*) as count, sum(amount)::bigint as amount, min(created_at) as oldest
        from charges where status = 'deferred' group by currency
      union all
      select 'in_doubt', currency, count(*), sum(amount)::bigint, min(created_at)
        from charges where status = 'in_doubt' and status <> 'deferred' and next_action_at is not null group by currency`,
    values: [],
  });
}

/** By kind; the table holds what people have to look at, and what they looked at. */
export function countOpenDeadLetters(db: Database): Promise<{ readonly kind: string; readonly count: bigint }[]> {
  return db.query<{ kind: string; count: bigint }>({
    name: "count_open_dead_letters",
    text: "select kind, count(*) as count from dead_letters where state = 'open' group by kind",
    values: [],
  });
}
