import type { StatsRow } from "../../data/stats.ts";

/** A row by currency: only such a one has amounts. */
export interface MoneyRow extends StatsRow {
  readonly currency: string;
  readonly amount_succeeded: number;
  /** Of the succeeded ones: those that one processor alone would have lost. */
  readonly charges_recovered: number;
  readonly amount_recovered: number;
  readonly amount_refunded: number;
  /** By the fees in force now; null: none are configured. */
  readonly cost: number | null;
}

export const GROUPINGS = ["provider", "currency", "brand", "country", "day"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/**
 * The API's parameters for a table by `grouping`. Always by currency as well: amounts of two are never added. And by provider, because
 * each has fees of its own; `folded` adds the providers up again.
 */
export function statsQuery(from: string, grouping: Grouping): string {
  const more = grouping === "brand" || grouping === "country" ? `,${grouping}` : grouping === "day" ? "&interval=day" : "";
  return `/v1/routing/stats?from=${from}&group_by=provider,currency${more}`;
}

const ADDED = [
  "charges_succeeded",
  "amount_succeeded",
  "charges_failed",
  "charges_recovered",
  "amount_recovered",
  "amount_refunded",
] as const;

/** One row for each group and currency, by name, the newest day first; without those in which no charge ended. */
export function folded(rows: readonly MoneyRow[], grouping: Grouping): MoneyRow[] {
  const groups = new Map<string, MoneyRow>();
  for (const row of rows) {
    if (ADDED.every((column) => row[column] === 0)) continue;
    const key = `${keyOf(row, grouping)} ${row.currency}`;
    const sum = groups.get(key);
    groups.set(key, sum === undefined ? row : { ...added(sum, row), ...(grouping === "provider" ? {} : { provider: null }) });
  }
  const way = grouping === "day" ? -1 : 1;
  const byName = (a: MoneyRow, b: MoneyRow) =>
    way * keyOf(a, grouping).localeCompare(keyOf(b, grouping)) || a.currency.localeCompare(b.currency);
  return [...groups.values()].sort(byName);
}

export function keyOf(row: MoneyRow, grouping: Grouping): string {
  return (grouping === "day" ? row.interval_start : row[grouping]) ?? "";
}

function added(a: MoneyRow, b: MoneyRow): MoneyRow {
  const sums = Object.fromEntries(ADDED.map((column) => [column, a[column] + b[column]])) as Record<(typeof ADDED)[number], number>;
  return { ...a, ...sums, cost: costOf(a, b) };
}

/** Unknown as soon as one that took money has no fees: half a cost would look like a whole one. */
function costOf(a: MoneyRow, b: MoneyRow): number | null {
  const known = [a, b].filter(({ cost, charges_succeeded }) => cost !== null || charges_succeeded !== 0);
  return known.some(({ cost }) => cost === null) || known.length === 0 ? null : known.reduce((sum, { cost }) => sum + (cost ?? 0), 0);
}

/** How far back; the key is in the page's address. */
export const RANGES = { "1": "24 hours", "7": "7 days", "30": "30 days", "90": "90 days" } as const;
export type Range = keyof typeof RANGES;

export function rangeOf(text: string | null): Range {
  return text !== null && Object.hasOwn(RANGES, text) ? (text as Range) : "7";
}

export function groupingOf(text: string | null): Grouping {
  return GROUPINGS.find((grouping) => grouping === text) ?? "provider";
}

const DAY_MS = 86_400_000;

/** The beginning of the range, RFC 3339; by day it begins with a whole one of UTC. */
export function fromOf(range: Range, grouping: Grouping, now: number): string {
  const at = now - Number(range) * DAY_MS;
  return new Date(grouping === "day" ? Math.floor(at / DAY_MS) * DAY_MS : at).toISOString();
}
