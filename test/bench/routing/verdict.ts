import type { Grid, Row } from "./grid.ts";
import { type Interval, interval } from "./statistics.ts";

/** A cell that a baseline does better than the product. */
export interface Loss {
  readonly scenario: string;
  readonly rival: string;
  /** Percentage points by which the product's regret is higher, seed by seed in the same worlds. */
  readonly by: Interval;
  /** The interval does not contain 0. */
  readonly certain: boolean;
}

/** Per scenario every baseline with a lower mean, the furthest ahead first. */
export function losses(grid: Grid, product: string, baselines: readonly string[]): Loss[] {
  const ours = rowOf(grid, product);
  const rivals = grid.rows.filter(({ policy }) => baselines.includes(policy));
  return grid.scenarios.flatMap((scenario, column) =>
    rivals
      .map((rival) => lossTo(rival, ours, scenario, column))
      .filter(({ by }) => by.mean > 0)
      .sort((a, b) => b.by.mean - a.by.mean),
  );
}

/** The baseline with the lowest mean over all scenarios, and by how much the product is better; null without baselines. */
export function bestRival(grid: Grid, product: string, baselines: readonly string[]): { rival: string; by: Interval } | null {
  const ours = seedMeans(rowOf(grid, product));
  const [best] = grid.rows.filter(({ policy, seeds }) => baselines.includes(policy) && seeds > 0).sort((a, b) => a.mean.mean - b.mean.mean);
  if (!best) return null;
  return { rival: best.policy, by: differences(seedMeans(best), ours) };
}

function lossTo(rival: Row, ours: Row, scenario: string, column: number): Loss {
  const theirs = rival.cells[column]!.regrets;
  const by = differences(ours.cells[column]!.regrets, theirs);
  return { scenario, rival: rival.policy, by, certain: by.mean - by.half > 0 };
}

/** Seed by seed, as far as both have them. */
function differences(a: readonly number[], b: readonly number[]): Interval {
  return interval(a.slice(0, b.length).map((value, seed) => value - b[seed]!));
}

function seedMeans({ cells, seeds }: Row): number[] {
  return Array.from({ length: seeds }, (_, seed) => cells.reduce((sum, { regrets }) => sum + regrets[seed]!, 0) / cells.length);
}

function rowOf(grid: Grid, policy: string): Row {
  const row = grid.rows.find((row) => row.policy === policy);
  if (!row) throw new Error(`the table has no row ${policy}`);
  return row;
}
