import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { gatesMarkdown } from "./gates.ts";
import type { Cell, Grid, Row } from "./grid.ts";
import { aligned } from "./markdown-table.ts";
import type { BenchOptions } from "./options.ts";
import { type Planned, USUAL_RATE } from "./plan.ts";
import { FOUR_PROVIDERS } from "./scenarios.ts";
import type { Interval } from "./statistics.ts";
import { bestRival, losses } from "./verdict.ts";

export interface Table {
  readonly title: string;
  readonly kind: Planned["kind"];
  readonly grid: Grid;
}

export interface Rivals {
  readonly product: string;
  readonly baselines: readonly string[];
  /** The product in several instances. */
  readonly instances: readonly string[];
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
  const usual = tables.filter(({ grid }) => grid.perSecond === USUAL_RATE && grid.approvals === FOUR_PROVIDERS);
  const gates = gatesMarkdown(usual.map(({ kind, grid }) => only(grid, kind === "instances" ? rivals.instances : [rivals.product])));
  const sections = tables.map((table) => tableSection(table, rivals));
  return [...sections, ...(gates === "" ? [] : [`### Gates, ${USUAL_RATE} charges/s\n\n${gates}`])].join("\n\n");
}

function only(grid: Grid, policies: readonly string[]): Grid {
  return { ...grid, rows: grid.rows.filter(({ policy }) => policies.includes(policy)) };
}

function tableSection({ title, kind, grid }: Table, rivals: Rivals): string {
  const ours = grid.rows.find(({ policy }) => policy === rivals.product)!;
  const withMean = grid.scenarios.length > 1 && kind !== "instances";
  const header = ["policy", ...grid.scenarios, ...(withMean ? ["mean"] : [])];
  const rows = grid.rows
    .filter(({ seeds }) => seeds > 0)
    .map(({ policy, seeds, cells, mean }) => [
      `${policy === rivals.product ? `**${policy}**` : policy}${seeds === ours.seeds ? "" : ` (${counted(seeds)})`}`,
      ...cells.map(cellText),
      ...(withMean ? [plusMinus(mean)] : []),
    ]);
  const verdict = kind === "instances" ? multiplesText(grid, ours) : verdictText(grid, rivals);
  return [`### ${title} (${counted(ours.seeds)})`, "", ...aligned([header, ...rows]), "", verdict].join("\n");
}

/** How many times as many charges as one instance others send to a provider that is down. */
function multiplesText(grid: Grid, one: Row): string {
  const others = grid.rows.filter(({ policy, seeds }) => policy !== one.policy && seeds > 0);
  const texts = others.map(({ policy, seeds, cells }) => {
    const multiples = grid.scenarios.flatMap((scenario, column) => {
      const [theirs, ours] = [cells, one.cells].map((row) =>
        row[column]!.scores.slice(0, seeds).reduce((sum, { sentDown }) => sum + sentDown, 0),
      );
      return ours! > 0 ? [`${scenario} ${(theirs! / ours!).toFixed(2)}`] : [];
    });
    return `${policy}: ${multiples.join("; ")}.`;
  });
  return `d as a multiple of one instance's. ${texts.join(" ")}`;
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

function counted(seeds: number): string {
  return `${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
}

function plusMinus({ mean, half }: Interval): string {
  return half === Number.POSITIVE_INFINITY ? mean.toFixed(2) : `${mean.toFixed(2)}±${half.toFixed(2)}`;
}

function signed(value: Interval): string {
  return `${value.mean >= 0 ? "+" : ""}${plusMinus(value)}`;
}
