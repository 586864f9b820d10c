import { Dice } from "../../simulation/dice.ts";
import type { NamedPolicy } from "./policy.ts";
import { play, type Score } from "./run.ts";
import type { Scenario, SeedSet } from "./scenarios.ts";
import { type Interval, interval } from "./statistics.ts";
import { makeWorld, type World } from "./world.ts";

/** One table: every policy in every scenario, at one rate and with one fleet. */
export interface GridOptions {
  readonly scenarios: readonly Scenario[];
  readonly policies: readonly NamedPolicy[];
  readonly approvals: readonly number[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly set: SeedSet;
  readonly seeds: number;
  onScenario?(name: string): void;
}

export interface Grid {
  readonly perSecond: number;
  readonly approvals: readonly number[];
  readonly scenarios: readonly string[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly policy: string;
  /** In the order of the scenarios. */
  readonly cells: readonly Cell[];
  /** Of the seeds' means over all scenarios. */
  readonly mean: Interval;
}

export interface Cell {
  readonly regret: Interval;
  /** One per seed. */
  readonly regrets: readonly number[];
  readonly sentDown: Interval;
  /** null where nothing goes down, or too few charges arrive to say. */
  readonly shareAfter5s: Interval | null;
  readonly unsent: number;
}

/** The two sets share no seed. */
const FIRST_SEED: Record<SeedSet, number> = { tuning: 1, held_out: 1_000_001 };

export function worldOf(
  scenario: Scenario,
  options: Pick<GridOptions, "set" | "seconds" | "approvals" | "perSecond">,
  nth: number,
): { world: World; seed: number } {
  const seed = FIRST_SEED[options.set] + nth;
  const dice = new Dice(seed, scenario.name);
  return { world: makeWorld(scenario.draw({ dice, ...options }), options.perSecond, seed), seed };
}

export async function measureGrid(options: GridOptions): Promise<Grid> {
  const { scenarios, policies, seeds } = options;
  const scores: Score[][][] = policies.map(() => scenarios.map(() => []));
  for (const [column, scenario] of scenarios.entries()) {
    options.onScenario?.(scenario.name);
    for (let nth = 0; nth < seeds; nth++) {
      const { world, seed } = worldOf(scenario, options, nth);
      for (const [row, policy] of policies.entries()) scores[row]![column]!.push(await play(world, policy, seed));
    }
  }
  return {
    perSecond: options.perSecond,
    approvals: options.approvals,
    scenarios: scenarios.map(({ name }) => name),
    rows: policies.map(({ name }, row) => rowOf(name, scores[row]!)),
  };
}

function rowOf(policy: string, scores: readonly (readonly Score[])[]): Row {
  const cells = scores.map(cellOf);
  const seeds = scores[0]?.length ?? 0;
  const means = Array.from({ length: seeds }, (_, seed) => cells.reduce((sum, { regrets }) => sum + regrets[seed]!, 0) / cells.length);
  return { policy, cells, mean: interval(means) };
}

function cellOf(scores: readonly Score[]): Cell {
  const regrets = scores.map(({ regret }) => regret);
  const shares = scores.flatMap(({ shareAfter5s }) => (shareAfter5s === null ? [] : [shareAfter5s]));
  return {
    regret: interval(regrets),
    regrets,
    sentDown: interval(scores.map(({ sentDown }) => sentDown)),
    shareAfter5s: shares.length < scores.length / 2 || shares.length === 0 ? null : interval(shares),
    unsent: scores.reduce((sum, { unsent }) => sum + unsent, 0) / scores.length,
  };
}
