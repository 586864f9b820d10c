/** What `GET /v1/routing/stats` says of one group; amounts in minor units of `currency`. */
export interface StatsRow {
  readonly interval_start?: string;
  readonly provider?: string | null;
  readonly brand?: string | null;
  readonly country?: string | null;
  readonly currency: string;
  readonly charges_succeeded: number;
  readonly amount_succeeded: number;
  readonly charges_failed: number;
  /** Of the succeeded ones: those that one processor alone would have lost. */
  readonly charges_recovered: number;
  readonly amount_recovered: number;
  readonly amount_refunded: number;
  /** null: no fees are configured. */
  readonly cost: number | null;
}

export const GROUPINGS = ["provider", "currency", "brand", "country", "day"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** The API's parameters for a table by `grouping`. Always by currency as well: amounts of two are never added. */
export function statsQuery(from: string, grouping: Grouping): string {
  const by =
    grouping === "currency"
      ? "group_by=currency"
      : grouping === "day"
        ? "group_by=currency,interval&interval=day"
        : `group_by=currency,${grouping}`;
  return `/v1/routing/stats?from=${from}&${by}`;
}

/** Charges that were collected, of those that are decided; null while none is. */
export function successRate(rows: readonly Pick<StatsRow, "charges_succeeded" | "charges_failed">[]): number | null {
  const good = rows.reduce((sum, row) => sum + row.charges_succeeded, 0);
  const all = good + rows.reduce((sum, row) => sum + row.charges_failed, 0);
  return all <= 0 ? null : good / all;
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
