/** What the load generator is told to do, and what it answers. Sent over the process's message channel. */
export interface LoadJob {
  readonly url: string;
  readonly apiKey: string;
  /** Of the idempotency keys and references: unique per job. */
  readonly name: string;
  readonly seconds: number;
  readonly load: ClosedLoop | OpenLoop;
}

/** So many requests in flight, always: shows throughput. */
export interface ClosedLoop {
  readonly kind: "closed";
  readonly concurrency: number;
}

/** Requests at random moments (Poisson), whether earlier ones were answered or not: shows latency. */
export interface OpenLoop {
  readonly kind: "open";
  readonly ratePerS: number;
  readonly seed: number;
}

export interface LoadResult {
  /** Answers within the measured time: the throughput's numerator. */
  readonly answeredInTime: number;
  /** All requests that were answered 201 `succeeded`, also after the measured time. */
  readonly succeeded: number;
  /** Minor units of these. */
  readonly amount: number;
  /** Anything else, by what it was. */
  readonly wrong: Readonly<Record<string, number>>;
  /** Milliseconds from sending to the last byte, one per answer. */
  readonly latencies: Float64Array;
  /** Open loop: how late the generator itself sent, 99th percentile in milliseconds. */
  readonly sentLateMs: number;
}
