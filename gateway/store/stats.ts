import {
  COUNTED_COLUMNS,
  type CountedColumn,
  countEvents,
  FLOW_OUTCOMES,
  SEGMENT_COLUMNS,
  sumsOf,
  UNSEALED_EVENTS,
} from "./count-events.ts";
import type { Database } from "./database.ts";

export type StatsInterval = "minute" | "hour" | "day";
export type SegmentColumn = (typeof SEGMENT_COLUMNS)[number];

export interface StatsQuery {
  readonly accountId: string;
  /** Whole minutes, and whole hours where rows are by segment: from <= event < to. */
  readonly from: Date;
  readonly to: Date;
  /** null: one row for the whole time. Buckets are those of UTC. Not `minute` by segment. */
  readonly interval: StatsInterval | null;
  readonly byProvider: boolean;
  readonly byCurrency: boolean;
  /** Default: none. */
  readonly bySegment?: readonly SegmentColumn[];
  readonly maxRows: number;
}

/** What each counts: count-events.ts. Amounts mean something only within one currency. */
export interface StatsRow extends Readonly<Record<CountedColumn, bigint>> {
  readonly start: Date | null;
  /** '' for none; null when not grouped by it. */
  readonly provider: string | null;
  readonly currency: string | null;
  readonly type: string | null;
  readonly brand: string | null;
  readonly country: string | null;
}

/** A charge that only went back to processing counts nothing. */
const SOMETHING = `(${COUNTED_COLUMNS.map((column) => `sum(${column}) <> 0`).join(" or ")})`;
const COUNTED = COUNTED_COLUMNS.join(", ");
const NO_SEGMENT = SEGMENT_COLUMNS.map((column) => `'' as ${column}`).join(", ");
const BY_SEGMENT = SEGMENT_COLUMNS.map((column) => `case when '${column}' = any($8::text[]) then ${column} end as ${column}`).join(", ");

/** Account $1. Minutes from $2 to $9 and from $12 to $3, hours from $9 to $10 and from $11 to $12, days between them. */
const COUNTS = `
      select bucket, provider, currency, ${NO_SEGMENT}, ${COUNTED} from stats_rollups
        where account_id = $1 and (bucket >= $2 and bucket < $9)
      union all
      select bucket, provider, currency, ${NO_SEGMENT}, ${COUNTED} from stats_rollups
        where account_id = $1 and (bucket >= $12 and bucket < $3)
      union all
      select bucket, provider, currency, ${SEGMENT_COLUMNS.join(", ")}, ${COUNTED} from stats_segments
        where account_id = $1 and grain = 'hour' and bucket >= $9 and bucket < $10
      union all
      select bucket, provider, currency, ${SEGMENT_COLUMNS.join(", ")}, ${COUNTED} from stats_segments
        where account_id = $1 and grain = 'hour' and bucket >= $11 and bucket < $12
      union all
      select bucket, provider, currency, ${SEGMENT_COLUMNS.join(", ")}, ${COUNTED} from stats_segments
        where account_id = $1 and grain = 'day' and bucket >= $10 and bucket < $11
      union all
      select bucket, provider, currency, ${SEGMENT_COLUMNS.join(", ")}, ${COUNTED} from (${countEvents(UNSEALED_EVENTS)}) t
        where account_id = $1 and bucket >= $2 and bucket < $3`;

/**
 * Rollups and unsealed tail in one statement, so in one snapshot: every event is in exactly one of them. Reads the coarsest rollups that
 * fit, and neither charges nor attempts. Returns at most `maxRows + 1` rows; groups in which nothing happened have none.
 */
export function readStats(db: Database, query: StatsQuery): Promise<StatsRow[]> {
  const { accountId, from, to, interval, byProvider, byCurrency, bySegment = [], maxRows } = query;
  const bounds = partsOf(from.getTime(), to.getTime(), interval).map((ms) => new Date(ms));
  return db.query<StatsRow>({
    name: "stats_read",
    text: `
    with counted as (${COUNTS})
    select date_trunc($4::text, bucket, 'UTC') as start, case when $5::boolean then provider end as provider,
      case when $6::boolean then currency end as currency, ${BY_SEGMENT}, ${sumsOf(COUNTED_COLUMNS)}
    from counted group by 1, 2, 3, 4, 5, 6 having ${SOMETHING} order by 1, 2, 3, 4, 5, 6 limit $7::integer + 1`,
    values: [accountId, from, to, interval, byProvider, byCurrency, maxRows, bySegment, ...bounds],
  });
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Where whole hours begin, whole days begin, whole days end, whole hours end. */
function partsOf(from: number, to: number, interval: StatsInterval | null): [number, number, number, number] {
  const up = (ms: number, size: number): number => Math.ceil(ms / size) * size;
  const down = (ms: number, size: number): number => Math.floor(ms / size) * size;
  if (interval === "minute" || up(from, HOUR_MS) >= down(to, HOUR_MS)) return [to, to, to, to];
  const [hours, hoursEnd] = [up(from, HOUR_MS), down(to, HOUR_MS)];
  if (interval === "hour" || up(from, DAY_MS) >= down(to, DAY_MS)) return [hours, hoursEnd, hoursEnd, hoursEnd];
  return [hours, up(from, DAY_MS), down(to, DAY_MS), hoursEnd];
}

export interface FlowLink {
  /** '' for none. */
  readonly segment: string;
  readonly provider: string;
  readonly outcome: (typeof FLOW_OUTCOMES)[number];
  readonly currency: string;
  readonly count: bigint;
  /** Minor units. */
  readonly amount: bigint;
}

/**
 * What attempts came to, by provider and one thing of their segment; the most first. Whole hours: from <= event < to. From the rollups and
 * the unsealed tail alone. At most `limit` links.
 */
export function readFlow(
  db: Database,
  query: { accountId: string; from: Date; to: Date; by: SegmentColumn | "currency"; limit: number },
): Promise<FlowLink[]> {
  const { accountId, from, to, by, limit } = query;
  const columns = `provider, currency, ${SEGMENT_COLUMNS.join(", ")}, ${FLOW_OUTCOMES.map((outcome) => `${outcome}, amount_${outcome}`).join(", ")}`;
  const [hours, days, daysEnd, hoursEnd] = partsOf(from.getTime(), to.getTime(), null).map((ms) => new Date(ms));
  return db.query<FlowLink>({
    name: "flow_read",
    text: `
    with counted as (
      select ${columns} from stats_segments where account_id = $1 and grain = 'hour' and bucket >= $2 and bucket < $3
      union all
      select ${columns} from stats_segments where account_id = $1 and grain = 'hour' and bucket >= $4 and bucket < $5
      union all
      select ${columns} from stats_segments where account_id = $1 and grain = 'day' and bucket >= $3 and bucket < $4
      union all
      select ${columns} from (${countEvents(UNSEALED_EVENTS)}) t where account_id = $1 and bucket >= $2 and bucket < $5
    )
    select case $6 when 'type' then type when 'brand' then brand when 'country' then country else currency end as segment, provider, o.outcome,
      currency, sum(o.count)::bigint as count, sum(o.amount)::bigint as amount
    from counted cross join lateral (values ${FLOW_OUTCOMES.map((outcome) => `('${outcome}', ${outcome}, amount_${outcome})`).join(", ")})
      as o(outcome, count, amount)
    where o.count <> 0 group by 1, 2, 3, 4 order by count desc, 1, 2, 3, 4 limit $7`,
    values: [accountId, hours, days, daysEnd, hoursEnd, by, limit],
  });
}
