import { Dice } from "../../simulation/dice.ts";
import type { NamedPolicy } from "./policy.ts";
import { play } from "./run.ts";
import type { Scenario, SeedSet } from "./scenarios.ts";
import { type Interval, interval } from "./statistics.ts";
import type { Score } from "./tally.ts";
import { makeWorld, type World } from "./world.ts";

/** One table: every policy in every scenario, at one rate and with one set of providers. */
export interface GridOptions {
  readonly scenarios: readonly Scenario[];
  readonly policies: readonly NamedPolicy[];
  readonly approvals: readonly number[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly set: SeedSet;
  readonly seeds: number;
  /** Plays what is not kept from earlier. */
  readonly runs?: Runs;
}

/** Where scores come from. null: there is none, and none is to be made. */
export type Runs = (
  run: { scenario: string; policy: string; seed: number; perSecond: number; seconds: number; approvals: readonly number[] },
  playIt: () => Promise<Score>,
) => Promise<Score | null>;

export interface Grid {
  readonly perSecond: number;
  readonly approvals: readonly number[];
  readonly scenarios: readonly string[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly policy: string;
  /** Those that it has played in every scenario. */
  readonly seeds: number;
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
  readonly scores: readonly Score[];
}

/** The two sets share no seed. */
const FIRST_SEED: Record<SeedSet, number> = { tuning: 1, held_out: 1_000_001 };

export function worldOf(
  scenario: Scenario,
  options: Pick<GridOptions, "set" | "seconds" | "approvals" | "perSecond">,
  nth: number,
): { world: World; seed: number } {
  const seed = FIRST_SEED[options.set] + nth;
  const dice = new Dice(seed, scenario.sameChanceAs ?? scenario.name);
  return { world: makeWorld(scenario.draw({ dice, ...options }), options.perSecond, seed), seed };
}

/** Seed by seed through all scenarios, so that whatever ends it early leaves whole seeds. */
export async function measureGrid(options: GridOptions): Promise<Grid> {
  const { scenarios, policies, perSecond, seconds, approvals, runs = always } = options;
  const bySeed: (Score | null)[][][] = policies.map(() => []);
  for (let nth = 0; nth < options.seeds; nth++) {
    for (const scores of bySeed) scores.push([]);
    for (const scenario of scenarios) {
      let made: World | null = null;
      const seed = FIRST_SEED[options.set] + nth;
      for (const [row, policy] of policies.entries()) {
        const run = { scenario: scenario.name, policy: policy.name, seed, perSecond, seconds, approvals };
        const score = await runs(run, () => {
          made ??= worldOf(scenario, options, nth).world;
          return play(made, policy, seed);
        });
        bySeed[row]![nth]!.push(score);
      }
    }
  }
  const names = scenarios.map(({ name }) => name);
  return { perSecond, approvals, scenarios: names, rows: policies.map(({ name }, row) => rowOf(name, names.length, bySeed[row]!)) };
}

async function always(_: unknown, playIt: () => Promise<Score>): Promise<Score> {
  return playIt();
}

function rowOf(policy: string, scenarios: number, bySeed: readonly (readonly (Score | null)[])[]): Row {
  // Seeds count from the first on, so that rows of different length have the same worlds as far as the shorter one goes.
  const end = bySeed.findIndex((scores) => scores.includes(null));
  const whole = bySeed.slice(0, end === -1 ? bySeed.length : end) as Score[][];
  const cells = Array.from({ length: scenarios }, (_, column) => cellOf(whole.map((scores) => scores[column]!)));
  const means = whole.map((scores) => scores.reduce((sum, { regret }) => sum + regret, 0) / scores.length);
  return { policy, seeds: whole.length, cells, mean: interval(means) };
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
    scores,
  };
}
