import type { Grid, Row } from "./grid.ts";
import { aligned } from "./markdown-table.ts";

/** When a provider that came back has to have its share again. */
const RESTORED_WITHIN_S = 60;

/** What gates did: openings, and how soon a provider that came back had 90 % of its share again. */
export function gatesMarkdown(grids: readonly Grid[]): string {
  const lines = grids.flatMap((grid) =>
    grid.rows.flatMap((row) => grid.scenarios.map((scenario, column) => line(grid, row, scenario, column)).filter((cells) => cells !== null)),
  );
  const header = ["charges/s", "policy", "scenario", "runs", "openings per run", "by one alone", "charges per opening", "restored after", "within 60 s"];
  return lines.length === 0 ? "" : aligned([header, ...lines]).join("\n");
}

function line(grid: Grid, { policy, seeds, cells }: Row, scenario: string, column: number): string[] | null {
  const { scores } = cells[column]!;
  if (scores.length === 0 || scores.some(({ openings }) => openings === null)) return null;
  const sum = (of: (score: (typeof scores)[number]) => number): number => scores.reduce((total, score) => total + of(score), 0);
  const fleet = sum(({ openings }) => openings!.fleet);
  const alone = sum(({ openings }) => openings!.alone);
  const charges = sum((score) => score.charges);
  const all = fleet + alone;
  const restored = scores.flatMap(({ restoredS }) => (restoredS === null ? [] : [restoredS])).sort((a, b) => a - b);
  const inTime = restored.filter((seconds) => seconds <= RESTORED_WITHIN_S).length;
  return [
    String(grid.perSecond),
    policy,
    scenario,
    String(seeds),
    (fleet / seeds).toFixed(1),
    (alone / seeds).toFixed(1),
    all === 0 ? `none in ${thousands(charges)}` : thousands(charges / all),
    restored.length === 0 ? "" : `median ${middle(restored)} s, longest ${Math.round(restored.at(-1)!)} s`,
    restored.length === 0 ? "" : `${inTime} of ${restored.length}`,
  ];
}

/** Of ascending values, rounded. */
function middle(values: readonly number[]): number {
  const half = (values.length - 1) / 2;
  return Math.round((values[Math.floor(half)]! + values[Math.ceil(half)]!) / 2);
}

function thousands(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}
