import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { readDeferredSummary } from "../store/deferred-summary.ts";
import { readStats, type StatsInterval, type StatsQuery, type StatsRow } from "../store/stats.ts";
import { type CsvCell, toCsv } from "./csv.ts";
import { type Route, route } from "./route.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const INTERVAL_MS: Readonly<Record<StatsInterval, number>> = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: DAY_MS };
/** A leap year. */
const MAX_RANGE_DAYS = 366;
/** Rows of one report: a week of minutes for one provider and currency; about 3 MB of JSON. */
const MAX_ROWS = 10_080;

const GROUPS = ["provider", "currency", "interval"] as const;
type Group = (typeof GROUPS)[number];
const STATUSES = ["succeeded", "failed", "canceled", "deferred"] as const;

const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const query = z.strictObject({
  from: time.optional().meta({ description: "RFC 3339, inclusive; default: 24 hours before `to`. Aligned down to the minute." }),
  to: time.optional().meta({ description: "RFC 3339, exclusive; default: now. Aligned up to the minute." }),
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
});

export interface StatsRouteDeps {
  /** May be the replica: it sees seals, rollups and tail of one moment as well. */
  readonly reports: Database;
  readonly clock: Pick<Clock, "now">;
}

export function statsRoutes(deps: StatsRouteDeps): Route[] {
  return [statsRoute(deps), deferredRoute(deps)];
}

function statsRoute({ reports, clock }: StatsRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/routing/stats",
    roles: ["finance", "ops"],
    summary: "What attempts and charges came to, exactly",
    description:
      "Counted from the audit trail. `charges_succeeded`, `_failed` and `_canceled` are the charges that are in that state now, at the minute " +
      "of the change; one that is adopted after it had failed counts -1 there, so a number may be negative. `charges_deferred` counts how often a " +
      "charge was deferred. `refunds_succeeded` and `disputes_opened` count at the provider that has the money. Amounts of different currencies are never added: they are given only when the rows are grouped by currency. " +
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
      const data = rows.map((row) => rowOf(row, groups));
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
  const toMs = asked.to?.getTime() ?? nowMs;
  const fromMs = asked.from?.getTime() ?? toMs - DAY_MS;
  if (fromMs >= toMs) throw invalid("?from", "must be before `to` (default: now)");
  const from = new Date(Math.floor(fromMs / MINUTE_MS) * MINUTE_MS);
  const to = new Date(Math.ceil(toMs / MINUTE_MS) * MINUTE_MS);
  if (to.getTime() - from.getTime() > MAX_RANGE_DAYS * DAY_MS)
    throw invalid("?from", `must be at most ${MAX_RANGE_DAYS} days before \`to\``);
  const interval = groups.includes("interval") ? (asked.interval ?? "hour") : null;
  if (interval && (to.getTime() - from.getTime()) / INTERVAL_MS[interval] > MAX_ROWS) throw tooManyRows();
  const byProvider = groups.includes("provider");
  const byCurrency = groups.includes("currency");
  return { stats: { accountId, from, to, interval, byProvider, byCurrency, maxRows: MAX_ROWS }, groups };
}

function invalid(pointer: string, message: string): Problem {
  return new Problem("invalid_request", "The query has invalid parameters.", { faults: [{ pointer, message }] });
}

function tooManyRows(): Problem {
  return invalid("?interval", `more than ${MAX_ROWS} rows: choose a longer interval or a shorter time`);
}

const GROUP_COLUMNS: Readonly<Record<Group, string>> = { interval: "interval_start", provider: "provider", currency: "currency" };

function columnsOf(groups: readonly Group[]): string[] {
  const amounts = groups.includes("currency");
  return [
    ...(["interval", "provider", "currency"] as const).filter((group) => groups.includes(group)).map((group) => GROUP_COLUMNS[group]),
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
  ];
}

function rowOf(row: StatsRow, groups: readonly Group[]): Record<string, CsvCell> {
  const all: Record<string, CsvCell> = {
    ...row,
    interval_start: row.start,
    provider: row.provider || null,
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
      const data = await readDeferredSummary(reports, principal.accountId);
      return { status: 200, body: { object: "deferred_summary", count: data.reduce((sum, row) => sum + row.count, 0n), data } };
    },
  });
}
