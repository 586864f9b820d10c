import type { CoverageCounts } from "./coverage.ts";

/** Seeds for one process to run, one after the other. */
export interface Job {
  readonly first: number;
  readonly seeds: number;
  /** A planted bug, by its name. */
  readonly bug: string | null;
  /** Ends with the first failure. */
  readonly untilFailure: boolean;
  /** The story of a failure tells of everything, not only of the charge concerned. */
  readonly everything: boolean;
}

export interface Failure {
  readonly seed: number;
  readonly law: string;
  readonly message: string;
  readonly story: string;
}

export interface JobResult {
  readonly ran: number;
  readonly failures: readonly Failure[];
  readonly coverage: CoverageCounts;
  readonly statements: number;
  /** By seed: two runs of one seed at one commit have the same. */
  readonly digests: readonly string[];
}
