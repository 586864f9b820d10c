const WINDOW_MS = 10_000;
const BUCKET_MS = 1_000;
/** Fewer calls in the window open nothing. opossum's own default of 0 would open on one failure. */
const MIN_CALLS = 10;
const OPEN_ABOVE = 0.5;
const RESET_MS = 30_000;

/**
 * A breaker as one gets it: opossum's rule with its defaults (10 s in 10 buckets, 50 %, 30 s, one trial call), which counts a call when it is
 * fired, so that calls in flight dilute its rate, and lets a late success close it.
 */
export class PlainBreaker {
  #buckets = new Map<number, { fires: number; failures: number }>();
  #openedAt: number | null = null;
  #trying = false;

  /** May a call be fired now? */
  admits(now: number): boolean {
    if (this.#openedAt === null) return true;
    return now - this.#openedAt >= RESET_MS && !this.#trying;
  }

  fired(now: number): void {
    this.#bucket(now).fires += 1;
    if (this.#openedAt !== null) this.#trying = true;
  }

  ended(fault: boolean, now: number): void {
    if (!fault) {
      if (this.#trying) this.#close();
      return;
    }
    this.#bucket(now).failures += 1;
    const { fires, failures } = this.#sum(now);
    if (this.#trying || (this.#openedAt === null && fires >= MIN_CALLS && failures / fires > OPEN_ABOVE)) {
      this.#openedAt = now;
      this.#trying = false;
    }
  }

  #close(): void {
    this.#openedAt = null;
    this.#trying = false;
  }

  #bucket(now: number): { fires: number; failures: number } {
    const number = Math.floor(now / BUCKET_MS);
    const bucket = this.#buckets.get(number) ?? { fires: 0, failures: 0 };
    this.#buckets.set(number, bucket);
    return bucket;
  }

  #sum(now: number): { fires: number; failures: number } {
    const oldest = Math.floor((now - WINDOW_MS) / BUCKET_MS);
    const sum = { fires: 0, failures: 0 };
    for (const [number, { fires, failures }] of this.#buckets) {
      if (number <= oldest) this.#buckets.delete(number);
      else {
        sum.fires += fires;
        sum.failures += failures;
      }
    }
    return sum;
  }
}
