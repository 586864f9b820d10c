import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import type { Cell, Grid } from "./grid.ts";
import type { BenchOptions } from "./options.ts";
import type { Interval } from "./statistics.ts";
import { bestRival, losses } from "./verdict.ts";

export interface Table {
  readonly title: string;
  readonly seeds: number;
  readonly grid: Grid;
}

export interface Rivals {
  readonly product: string;
  readonly baselines: readonly string[];
}

export function machineLine(): string {
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"}), ${gib} GiB, ${type()} ${release()}, Node ${process.version}`;
}

export function settingsLine(options: BenchOptions): string {
  const set = options.set === "tuning" ? "tuning set (constants were fitted to it)" : "held-out set";
  return `${set}, runs of ${options.minutes} minutes`;
}

/** Markdown that can be read in a terminal as well. */
export function reportMarkdown(tables: readonly Table[], rivals: Rivals): string {
  return tables.map((table) => tableSection(table, rivals)).join("\n\n");
}

function tableSection({ title, seeds, grid }: Table, rivals: Rivals): string {
  const withMean = grid.scenarios.length > 1;
  const header = ["policy", ...grid.scenarios, ...(withMean ? ["mean"] : [])];
  const rows = grid.rows.map(({ policy, cells, mean }) => [
    policy === rivals.product ? `**${policy}**` : policy,
    ...cells.map(cellText),
    ...(withMean ? [plusMinus(mean)] : []),
  ]);
  return [`### ${title} (${seeds} seeds)`, "", ...aligned([header, ...rows]), "", verdictText(grid, rivals)].join("\n");
}

/** Regret with its 95 % interval; d: charges sent to a provider that is down; s: its share 5 to 10 s after it went down. */
function cellText({ regret, sentDown, shareAfter5s, unsent }: Cell): string {
  const extras = [
    ...(sentDown.mean > 0 ? [`d${sentDown.mean.toFixed(0)}${Number.isFinite(sentDown.half) ? `±${sentDown.half.toFixed(0)}` : ""}`] : []),
    ...(shareAfter5s ? [`s${(100 * shareAfter5s.mean).toFixed(0)} %`] : []),
    ...(unsent > 0 ? [`unsent ${unsent.toFixed(0)}`] : []),
  ];
  return [plusMinus(regret), ...(extras.length > 0 ? [`(${extras.join(", ")})`] : [])].join(" ");
}

function verdictText(grid: Grid, { product, baselines }: Rivals): string {
  const best = bestRival(grid, product, baselines);
  if (!best) return "";
  const comparison = `Best baseline by the mean: ${best.rival}, ${signed(best.by)} points to ${product}.`;
  const lost = losses(grid, product, baselines);
  if (lost.length === 0) return `${comparison} No cell is lost to a baseline.`;
  const texts = lost.map(
    ({ scenario, rival, by, certain }) => `${scenario} to ${rival} (by ${plusMinus(by)}${certain ? "" : ", not certain"})`,
  );
  return `${comparison} Lost cells: ${texts.join("; ")}.`;
}

function plusMinus({ mean, half }: Interval): string {
  return half === Number.POSITIVE_INFINITY ? mean.toFixed(2) : `${mean.toFixed(2)}±${half.toFixed(2)}`;
}

function signed(value: Interval): string {
  return `${value.mean >= 0 ? "+" : ""}${plusMinus(value)}`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => `| ${row.map((text, column) => text.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(rows[0]!), line(widths.map((width) => "-".repeat(width))), ...rows.slice(1).map(line)];
}
