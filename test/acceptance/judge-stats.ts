import type { Movement } from "../../providers/sandbox/ledger.ts";
import { ask, type ChargeJson, type EventJson } from "./client.ts";

const COUNTED = [
  "attempts",
  "approved",
  "declined",
  "not_sent",
  "charges_succeeded",
  "amount_succeeded",
  "charges_failed",
  "amount_failed",
  "charges_canceled",
  "amount_canceled",
  "charges_deferred",
  "amount_deferred",
] as const;
type Counted = (typeof COUNTED)[number];
type Row = Record<Counted, number>;

/** The statistics, as JSON and as CSV, are the sums over the charges; and what succeeded is what the ledgers hold. */
export async function judgeStats(
  url: string,
  charges: readonly (ChargeJson & { readonly events: readonly EventJson[] })[],
  ledger: readonly Movement[],
): Promise<string[]> {
  type Stats = { data: (Row & { provider: string | null; currency: string })[] };
  const path = "GET /v1/routing/stats?group_by=provider,currency";
  const stats = await ask<Stats>(url, path);
  const csv = await ask(url, path, { accept: "text/csv" });
  if (stats.status !== 200 || csv.status !== 200) return [`the statistics answered ${stats.status} and ${csv.status}: ${stats.text}`];
  const rows = new Map(stats.body.data.map((row) => [`${row.provider ?? ""} ${row.currency}`, row]));
  const faults = differences("the charges", expectedRows(charges), rows, COUNTED);
  faults.push(...differences("the CSV", csvRows(csv.text), rows, COUNTED));
  faults.push(...differences("the ledgers", ledgerRows(ledger), rows, ["amount_succeeded"]));
  const deferred = await ask<{ count: number }>(url, "GET /v1/routing/deferred");
  const waiting = charges.filter(({ status }) => status === "deferred").length;
  if (deferred.body.count !== waiting) faults.push(`the summary says ${deferred.body.count} deferred, there are ${waiting}`);
  return faults;
}

class Table extends Map<string, Row> {
  add(provider: string | null, currency: string, column: Counted, value = 1): void {
    const name = `${provider ?? ""} ${currency}`;
    const row = this.get(name) ?? (Object.fromEntries(COUNTED.map((one) => [one, 0])) as Row);
    row[column] += value;
    this.set(name, row);
  }
}

function expectedRows(charges: readonly (ChargeJson & { readonly events: readonly EventJson[] })[]): Table {
  const table = new Table();
  for (const { status, provider, currency, amount, attempts, events } of charges) {
    if (status === "succeeded" || status === "failed" || status === "canceled") {
      table.add(provider, currency, `charges_${status}`);
      table.add(provider, currency, `amount_${status}`, amount);
    }
    for (const attempt of attempts) {
      table.add(attempt.provider, currency, "attempts");
      const { outcome } = attempt;
      if (outcome === "approved" || outcome === "declined" || outcome === "not_sent") table.add(attempt.provider, currency, outcome);
    }
    for (const event of events) {
      if (event.to_status !== "deferred" || event.from_status === "deferred") continue;
      table.add(event.provider, currency, "charges_deferred");
      table.add(event.provider, currency, "amount_deferred", amount);
    }
  }
  return table;
}

function ledgerRows(ledger: readonly Movement[]): Table {
  const table = new Table();
  for (const { provider, currency, type, amount } of ledger) {
    const sign = type === "capture" ? 1 : type === "refund" ? -1 : 0;
    table.add(provider, currency, "amount_succeeded", sign * Number(amount));
  }
  return table;
}

/** The sandbox's providers and all our columns are plain words and numbers: no cell needs quotes. */
function csvRows(text: string): Table {
  const table = new Table();
  const [header = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const columns = header.split(",");
  for (const line of lines) {
    const cells = line.split(",");
    const cell = (name: string): string => cells[columns.indexOf(name)] ?? "";
    for (const column of COUNTED) table.add(cell("provider"), cell("currency"), column, Number(cell(column)));
  }
  return table;
}

function differences(of: string, wanted: ReadonlyMap<string, Row>, found: ReadonlyMap<string, Row>, columns: readonly Counted[]): string[] {
  const faults: string[] = [];
  for (const name of new Set([...wanted.keys(), ...found.keys()])) {
    for (const column of columns) {
      const [a, b] = [wanted.get(name)?.[column] ?? 0, found.get(name)?.[column] ?? 0];
      if (a !== b) faults.push(`${column} of "${name}": ${a} by ${of}, ${b} by the statistics`);
    }
  }
  return faults;
}
