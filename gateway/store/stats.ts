import { COUNTED_COLUMNS, COUNTED_OR_ZERO, type CountedColumn, countEvents, UNSEALED_EVENTS } from "./count-events.ts";
import type { Database } from "./database.ts";

export type StatsInterval = "minute" | "hour" | "day";

export interface StatsQuery {
  readonly accountId: string;
  /** Whole minutes: from <= event < to. */
  readonly from: Date;
  readonly to: Date;
  /** null: one row for the whole time. Buckets are those of UTC. */
  readonly interval: StatsInterval | null;
  readonly byProvider: boolean;
  readonly byCurrency: boolean;
  readonly maxRows: number;
}

/** What each counts: count-events.ts. Amounts mean something only within one currency. */
export interface StatsRow extends Readonly<Record<CountedColumn, bigint>> {
  readonly start: Date | null;
  /** '' for none; null when not grouped by it. */
  readonly provider: string | null;
  readonly currency: string | null;
}

/** A charge that only went back to processing counts nothing. */
const SOMETHING = `(${COUNTED_COLUMNS.map((column) => `sum(${column}) <> 0`).join(" or ")})`;
const SUMS = COUNTED_COLUMNS.map((column) => `sum(${column})::bigint as ${column}`).join(", ");

/**
 * Rollups and unsealed tail in one statement, so in one snapshot: every event is in exactly one of them. Reads neither
 * charges nor attempts. Returns at most `maxRows + 1` rows; groups in which nothing happened have none.
 */
export function readStats(db: Database, query: StatsQuery): Promise<StatsRow[]> {
  const columns = `bucket, account_id, provider, currency, ${COUNTED_COLUMNS.join(", ")}`;
  return db.query<StatsRow>({
    name: "stats_read",
    text: `
    with counted as (
      select ${columns} from stats_rollups
      union all
      select bucket, account_id, provider, currency, ${COUNTED_OR_ZERO} from (${countEvents(UNSEALED_EVENTS)}) t
    )
    select date_trunc($4::text, bucket, 'UTC') as start, case when $5::boolean then provider end as provider,
      case when $6::boolean then currency end as currency, ${SUMS}
    from counted where account_id = $1 and bucket >= $2 and bucket < $3
    group by 1, 2, 3 having ${SOMETHING} order by 1, 2, 3 limit $7::integer + 1`,
    values: [query.accountId, query.from, query.to, query.interval, query.byProvider, query.byCurrency, query.maxRows],
  });
}
