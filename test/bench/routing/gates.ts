import type { Grid, Row } from "./grid.ts";
import { aligned } from "./markdown-table.ts";

/** When a provider that came back has to have its share again. */
const RESTORED_WITHIN_S = 60;

/** What gates did: openings, and how soon a provider that came back had 90 % of its share again. */
export function gatesMarkdown(grids: readonly Grid[]): string {
  const lines = grids.flatMap((grid) =>
    grid.rows.flatMap((row) => grid.scenarios.map((scenario, column) => line(row, scenario, column)).filter((cells) => cells !== null)),
  );
  const header = [
    "policy",
    "scenario",
    "runs",
    "openings per run",
    "by one alone",
    "charges per opening",
    "closed after",
    "90 % after",
    "in 60 s",
  ];
  return lines.length === 0 ? "" : aligned([header, ...lines]).join("\n");
}

function line({ policy, seeds, cells }: Row, scenario: string, column: number): string[] | null {
  const { scores } = cells[column]!;
  if (scores.length === 0 || scores.some(({ openings }) => openings === null)) return null;
  const sum = (of: (score: (typeof scores)[number]) => number): number => scores.reduce((total, score) => total + of(score), 0);
  const fleet = sum(({ openings }) => openings!.fleet);
  const alone = sum(({ openings }) => openings!.alone);
  const charges = sum((score) => score.charges);
  const all = fleet + alone;
  const closed = ascending(scores.map(({ closedS }) => closedS));
  const restored = ascending(scores.map(({ restoredS }) => restoredS));
  const inTime = restored.filter((seconds) => seconds <= RESTORED_WITHIN_S).length;
  return [
    policy,
    scenario,
    String(seeds),
    (fleet / seeds).toFixed(1),
    (alone / seeds).toFixed(1),
    all === 0 ? `none in ${thousands(charges)}` : thousands(charges / all),
    spread(closed),
    spread(restored),
    restored.length === 0 ? "" : `${inTime} of ${restored.length}`,
  ];
}

function ascending(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null).sort((a, b) => a - b);
}

function spread(ascendingSeconds: readonly number[]): string {
  return ascendingSeconds.length === 0 ? "" : `${middle(ascendingSeconds)} s, at most ${Math.round(ascendingSeconds.at(-1)!)} s`;
}

/** Of ascending values, rounded. */
function middle(values: readonly number[]): number {
  const half = (values.length - 1) / 2;
  return Math.round((values[Math.floor(half)]! + values[Math.ceil(half)]!) / 2);
}

function thousands(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}
