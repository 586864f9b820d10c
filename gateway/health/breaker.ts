import CircuitBreaker from "opossum";

/**
 * opossum in the call path of one provider, driven by the health gate: it refuses and admits what it is told, and never
 * moves by itself. Its own thresholds, timer, half-open state and timeout have faults that a money path cannot take:
 * a late success closes it, a filtered error closes it, calls in flight dilute its rate, a result after its timeout is
 * lost. Each is out of reach here, and tested so.
 */
export class Breaker {
  readonly #opossum: CircuitBreaker<[() => Promise<unknown>], unknown>;
  #open = false;

  constructor(name: string) {
    this.#opossum = new CircuitBreaker((send: () => Promise<unknown>) => send(), {
      name,
      // Our calls have their own deadline, and an answer that comes late is still evidence about money.
      timeout: false,
      // Infinity would half-open at once; this is the longest delay that a timer takes, 24.8 days.
      resetTimeout: 2 ** 31 - 1,
      // Below its volume it never opens by itself, whatever its rates say (they are infinite when `fires` left its window).
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      errorThresholdPercentage: 100,
      // Sorting all latencies with each failure is not for a hot path; the fleet keeps its own.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    });
  }

  /** The gate's state, for every call that is not decided one by one. */
  set open(open: boolean) {
    this.#open = open;
    this.#turn(open);
  }

  get open(): boolean {
    return this.#opossum.opened;
  }

  get stats(): { fires: number; rejects: number; failures: number; successes: number } {
    return this.#opossum.stats;
  }

  /**
   * Fires one call. `admit` is the gate's verdict about this very call: a probe, an inquiry or the commit of an attempt
   * that was prepared before the opening pass an open breaker. opossum decides synchronously in `fire`, so that its state
   * is the verdict's for that instant and the gate's again before anything else runs.
   * `isFault` marks failures in opossum's statistics. A throw of `send` passes through: it is a bug, not a result.
   */
  fire<T>(admit: boolean, send: () => Promise<T>, isFault: (result: T) => boolean): Promise<Fired<T>> {
    this.#turn(!admit);
    const fired = this.#opossum.fire(async () => {
      const result = await send();
      if (isFault(result)) throw new FaultyResult(result);
      return result;
    });
    this.#turn(this.#open);
    return fired.then(
      (result) => ({ fired: true, result: result as T, fault: false }),
      (error: unknown) => {
        if (error instanceof FaultyResult) return { fired: true, result: error.result as T, fault: true };
        if (error instanceof Error && CircuitBreaker.isOurError(error)) return { fired: false };
        throw error;
      },
    );
  }

  /** Ends its timers. Nothing can be fired afterwards. */
  shutdown(): void {
    this.#opossum.shutdown();
  }

  /** Not once it is shut down: that would revive it, disabled, and a disabled breaker lets everything through. */
  #turn(open: boolean): void {
    if (this.#opossum.isShutdown) return;
    if (open) this.#opossum.open();
    else this.#opossum.close();
  }
}

export type Fired<T> = { readonly fired: true; readonly result: T; readonly fault: boolean } | { readonly fired: false };

/** Carries a faulty result through opossum, which knows failures only as rejections. No Error: it needs no stack. */
class FaultyResult {
  readonly result: unknown;
  constructor(result: unknown) {
    this.result = result;
  }
}
