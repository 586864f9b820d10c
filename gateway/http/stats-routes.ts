import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import type { Fees } from "../../routing/rules.ts";
import type { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { readStats, type StatsInterval, type StatsQuery, type StatsRow } from "../store/stats.ts";
import { readWaiting } from "../store/waiting.ts";
import { type CsvCell, toCsv } from "./csv.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, rangeOf, reportTime } from "./report-time.ts";
import { type Route, route } from "./route.ts";
import { invalidQuery } from "./validate.ts";

const INTERVAL_MS: Readonly<Record<StatsInterval, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
/** Rows of one report: a week of minutes for one provider and currency; about 3 MB of JSON. */
const MAX_ROWS = 10_080;

const SEGMENTS = ["type", "brand", "country"] as const;
const GROUPS = ["provider", "currency", ...SEGMENTS, "interval"] as const;
type Group = (typeof GROUPS)[number];
const STATUSES = ["succeeded", "failed", "canceled", "deferred"] as const;

const query = z.strictObject({
  ...reportTime,
  interval: z
    .enum(["minute", "hour", "day"])
    .optional()
    .meta({ description: "Of UTC; groups by it. Default `hour` when grouped by interval." }),
  group_by: z
    .string()
    .max(100)
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(GROUPS)).min(1).max(GROUPS.length))
    .optional()
    .meta({ description: `Any of ${GROUPS.join(", ")}, comma separated; default: provider,currency` }),
});

const count = z.int();
const statsRow = z.object({
  interval_start: z.iso.datetime().optional(),
  provider: z.string().nullable().optional().meta({ description: "null: no provider was concerned" }),
  currency: z.string().optional(),
  type: z.string().nullable().optional().meta({ description: "Of the payment method, as are brand and country; null: not known" }),
  brand: z.string().nullable().optional(),
  country: z.string().nullable().optional(),
  attempts: count,
  approved: count,
  declined: count,
  not_sent: count.meta({ description: "Attempts with proof that nothing was executed" }),
  in_doubt: count.meta({ description: "Attempts that became doubtful, also those that were resolved since" }),
  approval_rate: z.number().nullable().meta({ description: "approved / (approved + declined)" }),
  latency_ms_avg: z.number().nullable().meta({ description: "Of each attempt's first answer" }),
  ...Object.fromEntries(STATUSES.map((status) => [`charges_${status}`, count])),
  ...Object.fromEntries(
    STATUSES.map((status) => [`amount_${status}`, count.optional().meta({ description: "Minor units; only when grouped by currency" })]),
  ),
  refunds_succeeded: count.meta({ description: "At the minute in which they succeeded; one that failed afterwards counts -1 then" }),
  amount_refunded: count.optional(),
  disputes_opened: count,
  amount_disputed: count.optional(),
  charges_recovered: count.meta({ description: "Of the succeeded: only because of failover or deferral" }),
  amount_recovered: count.optional(),
  cost: z.int().nullable().optional().meta({
    description: "What the provider takes, in minor units, by the fees in force now; null: none are known. Only by provider and currency",
  }),
});

export interface StatsRouteDeps {
  /** In force now; empty: none are known. */
  readonly feesOf: (provider: string, currency: string) => Fees;
  /** May be the replica: it sees seals, rollups and tail of one moment as well. */
  readonly reports: Database;
  readonly clock: Pick<Clock, "now">;
}

export function statsRoutes(deps: StatsRouteDeps): Route[] {
  return [statsRoute(deps), deferredRoute(deps)];
}

function statsRoute({ reports, clock, feesOf }: StatsRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/routing/stats",
    roles: ["finance", "ops"],
    summary: "What attempts and charges came to, exactly",
    description:
      "Counted from the audit trail. `charges_succeeded`, `_failed` and `_canceled` are the charges that are in that state now, at the minute " +
      "of the change; one that is adopted after it had failed counts -1 there, so a number may be negative. `charges_deferred` counts how often a " +
      "charge was deferred. `refunds_succeeded` and `disputes_opened` count at the provider that has the money. Amounts of different currencies are never added: they are given only when the rows are grouped by currency. " +
      "Grouped by type, brand or country, the numbers are by whole hours: `from` and `to` are aligned outward to them. " +
      "Groups in which nothing happened have no row; the first and the last interval hold only what lies between `from` and `to`.",
    query,
    responses: {
      200: {
        description: "The rows, ordered by interval, provider, currency",
        schema: z.object({
          object: z.literal("routing_stats"),
          from: z.iso.datetime(),
          to: z.iso.datetime(),
          interval: z.enum(["minute", "hour", "day"]).nullable(),
          group_by: z.array(z.enum(GROUPS)),
          data: z.array(statsRow),
        }),
        contentTypes: ["application/json", "text/csv"],
      },
    },
    problems: [],
    async handler({ principal, query, accepts }) {
      const { stats, groups } = planOf(query, principal.accountId, clock.now());
      const rows = await readStats(reports, stats);
      if (rows.length > MAX_ROWS) throw tooManyRows();
      const data = rows.map((row) => rowOf(row, groups, feesOf));
      if (accepts("application/json", "text/csv") === "text/csv") {
        const columns = columnsOf(groups);
        const content = toCsv(
          columns,
          data.map((row) => columns.map((column) => row[column] ?? null)),
        );
        return { status: 200, text: { type: "text/csv; charset=utf-8; header=present", content } };
      }
      const { from, to, interval } = stats;
      return { status: 200, body: { object: "routing_stats", from, to, interval, group_by: groups, data } };
    },
  });
}

/** Checks the query; what it means exactly. */
function planOf(asked: z.output<typeof query>, accountId: string, nowMs: number): { stats: StatsQuery; groups: Group[] } {
  const chosen = new Set<Group>(asked.group_by ?? ["provider", "currency"]);
  if (asked.interval) chosen.add("interval");
  const groups = GROUPS.filter((group) => chosen.has(group));
  const bySegment = SEGMENTS.filter((group) => chosen.has(group));
  const { from, to } = rangeOf(asked, nowMs, bySegment.length > 0 ? HOUR_MS : MINUTE_MS);
  const interval = groups.includes("interval") ? (asked.interval ?? "hour") : null;
  if (interval === "minute" && bySegment.length > 0) throw invalidQuery("?interval", "must be `hour` or `day` with type, brand or country");
  if (interval && (to.getTime() - from.getTime()) / INTERVAL_MS[interval] > MAX_ROWS) throw tooManyRows();
  const byProvider = groups.includes("provider");
  const byCurrency = groups.includes("currency");
  return { stats: { accountId, from, to, interval, byProvider, byCurrency, bySegment, maxRows: MAX_ROWS }, groups };
}

function tooManyRows(): Problem {
  return invalidQuery("?interval", `more than ${MAX_ROWS} rows: choose a longer interval or a shorter time`);
}

function columnsOf(groups: readonly Group[]): string[] {
  const amounts = groups.includes("currency");
  return [
    ...(groups.includes("interval") ? ["interval_start"] : []),
    ...groups.filter((group) => group !== "interval"),
    "attempts",
    "approved",
    "declined",
    "not_sent",
    "in_doubt",
    "approval_rate",
    "latency_ms_avg",
    ...STATUSES.flatMap((status) => (amounts ? [`charges_${status}`, `amount_${status}`] : [`charges_${status}`])),
    ...(amounts
      ? ["refunds_succeeded", "amount_refunded", "disputes_opened", "amount_disputed"]
      : ["refunds_succeeded", "disputes_opened"]),
    ...(amounts ? ["charges_recovered", "amount_recovered"] : ["charges_recovered"]),
    ...(amounts && groups.includes("provider") ? ["cost"] : []),
  ];
}

/** Minor units; null: no fees are known. */
function costOf(row: StatsRow, feesOf: StatsRouteDeps["feesOf"]): number | null {
  if (!row.provider || row.currency === null) return null;
  const { percent, fixed, per_attempt } = feesOf(row.provider, row.currency);
  if (percent === undefined && fixed === undefined && per_attempt === undefined) return null;
  const successes = ((percent ?? 0) / 100) * Number(row.amount_succeeded) + (fixed ?? 0) * Number(row.charges_succeeded);
  return Math.round(successes + (per_attempt ?? 0) * Number(row.attempts));
}

function rowOf(row: StatsRow, groups: readonly Group[], feesOf: StatsRouteDeps["feesOf"]): Record<string, CsvCell> {
  const all: Record<string, CsvCell> = {
    ...row,
    interval_start: row.start,
    provider: row.provider || null,
    type: row.type || null,
    brand: row.brand || null,
    country: row.country || null,
    cost: costOf(row, feesOf),
    approval_rate: ratio(row.approved, row.approved + row.declined, 6),
    latency_ms_avg: ratio(row.latency_ms_sum, row.latency_count, 1),
  };
  return Object.fromEntries(columnsOf(groups).map((column) => [column, all[column] ?? null]));
}

function ratio(part: bigint, whole: bigint, digits: number): number | null {
  return whole === 0n ? null : Number((Number(part) / Number(whole)).toFixed(digits));
}

function deferredRoute({ reports }: StatsRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/routing/deferred",
    roles: ["finance", "ops"],
    summary: "Revenue at risk: the charges that are deferred now",
    description: "What nobody could take so far, and is kept. `stuck` of them wait for a person.",
    responses: {
      200: {
        description: "Per currency",
        schema: z.object({
          object: z.literal("deferred_summary"),
          count,
          data: z.array(
            z.object({
              currency: z.string(),
              count,
              amount: count.meta({ description: "Minor units" }),
              oldest: z.iso.datetime(),
              next: z.iso.datetime().nullable().meta({ description: "When the first is tried again; null: all wait for a person" }),
              stuck: count.meta({ description: "Of `count`: out of tries, with an open dead letter" }),
            }),
          ),
        }),
      },
    },
    problems: [],
    async handler({ principal }) {
      const waiting = await readWaiting(reports, principal.accountId);
      const data = waiting.flatMap(({ status, ...row }) => (status === "deferred" ? [row] : []));
      return { status: 200, body: { object: "deferred_summary", count: data.reduce((sum, row) => sum + row.count, 0n), data } };
    },
  });
}
