import { toCsv } from "../../../../http/csv.ts";
import { successRate } from "../../data/stats.ts";
import { brandName, count, major, money, providerName, share } from "../../parts/words.ts";
import type { Grouping, MoneyRow } from "./stats.ts";

/** A column of the report: the same value as the screen writes it and as a spreadsheet reads it. */
export interface ReportColumn {
  readonly head: string;
  readonly number: boolean;
  readonly screen: (row: MoneyRow) => string;
  readonly sheet: (row: MoneyRow) => string | number | null;
}

const HEADS: Readonly<Record<Grouping, string>> = {
  provider: "Processor",
  currency: "Currency",
  brand: "Brand",
  country: "Country",
  day: "Day (UTC)",
};

export function columnsOf(grouping: Grouping): ReportColumn[] {
  const group: ReportColumn = {
    head: HEADS[grouping],
    number: false,
    screen: (row) => groupName(row, grouping),
    sheet: (row) => groupName(row, grouping),
  };
  const currency: ReportColumn = {
    head: "Currency",
    number: false,
    screen: (row) => row.currency.toUpperCase(),
    sheet: (row) => row.currency.toUpperCase(),
  };
  return [
    group,
    ...(grouping === "currency" ? [] : [currency]),
    counted("Collected charges", ({ charges_succeeded }) => charges_succeeded),
    amount("Collected", ({ amount_succeeded }) => amount_succeeded),
    counted("Failed charges", ({ charges_failed }) => charges_failed),
    rate("Success rate", (row) => successRate([row])),
    counted("Recovered charges", ({ charges_recovered }) => charges_recovered),
    amount("Recovered", ({ amount_recovered }) => amount_recovered),
    amount("Cost", ({ cost }) => cost),
    rate("Cost share", costShare),
    amount("Sent back", ({ amount_refunded }) => amount_refunded),
  ];
}

function counted(head: string, of: (row: MoneyRow) => number): ReportColumn {
  return { head, number: true, screen: (row) => count(of(row)), sheet: of };
}

function amount(head: string, of: (row: MoneyRow) => number | null): ReportColumn {
  const shown = (row: MoneyRow, write: (minor: number) => string | number) => {
    const minor = of(row);
    return minor === null ? null : write(minor);
  };
  return {
    head,
    number: true,
    screen: (row) => (shown(row, (minor) => money(minor, row.currency)) ?? "–") as string,
    sheet: (row) => shown(row, (minor) => major(minor, row.currency)),
  };
}

/** In percent, as exact as on the screen. */
function rate(head: string, of: (row: MoneyRow) => number | null): ReportColumn {
  return {
    head,
    number: true,
    screen: (row) => share(of(row)),
    sheet: (row) => {
      const value = of(row);
      return value === null ? null : Math.round(value * 1_000) / 10;
    },
  };
}

function costShare({ cost, amount_succeeded }: MoneyRow): number | null {
  return cost === null || amount_succeeded <= 0 ? null : cost / amount_succeeded;
}

export function groupName(row: MoneyRow, grouping: Grouping): string {
  switch (grouping) {
    case "provider":
      return row.provider ? providerName(row.provider) : "None asked";
    case "currency":
      return row.currency.toUpperCase();
    case "brand":
      return row.brand ? brandName(row.brand) : "Not known";
    case "country":
      return row.country ?? "Not known";
    case "day":
      return (row.interval_start ?? "").slice(0, 10);
  }
}

/** The very rows and columns of the screen. */
export function csvOf(rows: readonly MoneyRow[], grouping: Grouping): string {
  const columns = columnsOf(grouping);
  const heads = columns.map(({ head }) => (head.endsWith("rate") || head.endsWith("share") ? `${head} (%)` : head));
  return toCsv(
    heads,
    rows.map((row) => columns.map(({ sheet }) => sheet(row))),
  );
}
