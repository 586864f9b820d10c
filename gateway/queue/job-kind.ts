import type { SealedEvent } from "../store/dispatch-events.ts";

export type JobData = Readonly<Record<string, unknown>>;

/** One kind of work around the charges: its queue, what feeds it, and what it does. */
export interface JobKind {
  /** The queue's name. */
  readonly name: string;
  /** Sealed events that become jobs, each exactly once. `types` are event types; a last `%` stands for any rest; `toJob` is pure, and null for "not this one". */
  readonly feed?: {
    readonly types: readonly string[];
    toJob(event: SealedEvent): { readonly data: JobData; readonly startAfterS?: number } | null;
  };
  /** Also (or only) by the clock: once per interval for the whole fleet, and at a start that finds it overdue. */
  readonly schedule?: { readonly cron: string; readonly everyS: number };
  /** Tries after the first; then it becomes a dead letter. */
  readonly retries: number;
  /** Doubles with each try. */
  readonly retryDelayS: number;
  /** A job that runs longer is taken for lost, and retried. */
  readonly expireS: number;
  /** A worker looks this often; it is woken for what this instance dispatches. */
  readonly pollS: number;
  readonly batch: number;
  /** At least once per job. What it throws fails the whole batch. */
  run(jobs: readonly JobData[]): Promise<void>;
}
