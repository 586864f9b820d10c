/** The latencies of the last calls, in bounded memory. */
export class LatencyWindow {
  readonly #ms = new Float64Array(MAX_SAMPLES);
  readonly #at = new Float64Array(MAX_SAMPLES).fill(Number.NEGATIVE_INFINITY);
  #next = 0;
  #cached: { at: number; percentiles: Percentiles } | null = null;

  add(ms: number, now: number): void {
    this.#ms[this.#next] = ms;
    this.#at[this.#next] = now;
    this.#next = (this.#next + 1) % MAX_SAMPLES;
  }

  /** At most `MAX_AGE_MS` old samples; computed at most once per `CACHE_MS`, because every arrival asks for p99. */
  percentiles(now: number): Percentiles {
    if (this.#cached && now - this.#cached.at < CACHE_MS) return this.#cached.percentiles;
    // A typed array sorts numbers without a comparator: a quarter of a decision's time was spent here.
    const sorted = this.#ms.filter((_, i) => now - this.#at[i]! < MAX_AGE_MS).sort();
    const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? null;
    const percentiles = { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99) };
    this.#cached = { at: now, percentiles };
    return percentiles;
  }
}

/** Milliseconds; null without a sample. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** p99 needs a few hundred samples; more would only make it slower to compute. */
const MAX_SAMPLES = 512;
const MAX_AGE_MS = 300_000;
const CACHE_MS = 1_000;
