import type { Range } from "./time-range.ts";
import { type Loaded, useApi } from "./use-api.ts";

/** A row of `/v1/routing/stats`; what it is grouped by, is there. Amounts in minor units, and only by currency. */
export interface StatsRow {
  readonly interval_start?: string;
  readonly provider?: string | null;
  readonly currency?: string;
  readonly brand?: string | null;
  readonly country?: string | null;
  readonly attempts: number;
  readonly approved: number;
  readonly declined: number;
  readonly not_sent: number;
  readonly in_doubt: number;
  readonly charges_succeeded: number;
  readonly charges_failed: number;
  readonly charges_deferred: number;
  readonly amount_succeeded?: number;
}

export type Group = "provider" | "currency" | "interval";

/** Null range: not now. */
export function useStats(
  range: Pick<Range, "from" | "to" | "interval"> | null,
  groups: readonly Group[],
): Loaded<{ readonly data: readonly StatsRow[] }> {
  return useApi(range === null ? null : statsPath(range, groups), { topics: ["stats"] });
}

function statsPath({ from, to, interval }: Pick<Range, "from" | "to" | "interval">, groups: readonly Group[]): string {
  const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString(), group_by: groups.join() });
  if (groups.includes("interval")) query.set("interval", interval);
  return `/v1/routing/stats?${query}`;
}

export function sum(rows: readonly StatsRow[], of: (row: StatsRow) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

/** Of the charges that came to an end; null when none did. */
export function successRate(rows: readonly StatsRow[]): number | null {
  const succeeded = sum(rows, (row) => row.charges_succeeded);
  const ended = succeeded + sum(rows, (row) => row.charges_failed);
  return ended <= 0 ? null : Math.min(1, Math.max(0, succeeded / ended));
}

/** What was collected, by currency, the largest number of charges first. */
export function collected(rows: readonly StatsRow[]): { currency: string; amount: number }[] {
  const byCurrency = new Map<string, { currency: string; amount: number; charges: number }>();
  for (const { currency, amount_succeeded: amount = 0, charges_succeeded: charges } of rows) {
    if (currency === undefined) continue;
    const before = byCurrency.get(currency) ?? { currency, amount: 0, charges: 0 };
    byCurrency.set(currency, { currency, amount: before.amount + amount, charges: before.charges + charges });
  }
  return [...byCurrency.values()].filter(({ amount }) => amount !== 0).sort((a, b) => b.charges - a.charges);
}
