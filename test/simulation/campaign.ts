import { execFileSync } from "node:child_process";
import { Coverage } from "./coverage.ts";
import type { Crew } from "./crew.ts";
import type { Failure } from "./job.ts";

/** Small, so that no thread is left alone with the last ones. */
const SEEDS_PER_JOB = 25;

export interface Campaign {
  readonly seeds: number;
  readonly seconds: number;
  readonly statements: number;
  readonly coverage: Coverage;
  readonly failures: readonly Failure[];
  readonly digests: ReadonlyMap<number, string>;
}

export interface Range {
  readonly first: number;
  readonly seeds: number;
  /** Ends soon after a failure; false: all of them, whatever fails. */
  readonly untilFailure: boolean;
  readonly everything: boolean;
  readonly onProgress?: (sofar: Campaign) => void;
}

/** Runs a range of seeds on a crew. */
export async function campaign(crew: Crew, range: Range): Promise<Campaign> {
  const startedAt = performance.now();
  const sum = {
    seeds: 0,
    seconds: 0,
    statements: 0,
    coverage: new Coverage(),
    failures: [] as Failure[],
    digests: new Map<number, string>(),
  };
  const { untilFailure, everything } = range;
  const jobs: Promise<void>[] = [];
  for (let first = range.first; first < range.first + range.seeds; first += SEEDS_PER_JOB) {
    const seeds = Math.min(SEEDS_PER_JOB, range.first + range.seeds - first);
    jobs.push(
      crew
        .run(() => (untilFailure && sum.failures.length > 0 ? null : { first, seeds, bug: null, untilFailure, everything }))
        .then((result) => {
          if (!result) return;
          sum.seeds += result.ran;
          sum.seconds = (performance.now() - startedAt) / 1_000;
          sum.statements += result.statements;
          sum.coverage.add(result.coverage);
          sum.failures.push(...result.failures);
          for (const [i, digest] of result.digests.entries()) sum.digests.set(first + i, digest);
          range.onProgress?.(sum);
        }),
    );
  }
  await Promise.all(jobs);
  sum.failures.sort((a, b) => a.seed - b.seed);
  return sum;
}

/** How many seeds until the judge sees a planted bug, and what it saw; null: it saw nothing within the limit. */
export async function hunt(crew: Crew, bug: string, first: number, limit: number): Promise<{ seeds: number; failure: Failure } | null> {
  const result = await crew.run(() => ({ first, seeds: limit, bug, untilFailure: true, everything: false }));
  const failure = result?.failures[0];
  return failure ? { seeds: result.ran, failure } : null;
}

/** Seeds that no earlier commit has run: a range of its own for each. */
export function freshSeed(): number {
  let commit: string;
  try {
    commit = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    commit = Date.now().toString(16).padStart(12, "0").slice(-8);
  }
  return 1_000_000 + Number.parseInt(commit.slice(0, 4), 16) * SEEDS_PER_COMMIT;
}

const SEEDS_PER_COMMIT = 20_000;
