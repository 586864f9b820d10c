import type { Clock } from "../../providers/contract/clock.ts";

/**
 * The time of what instances share: milliseconds since 1970 by the store's clock once it was heard, by our own until then. Runs on
 * the monotonic clock, so that a step of the wall clock closes no gate.
 */
export class FleetClock {
  readonly #clock: Clock;
  #offset: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offset = clock.now() - clock.monotonic();
  }

  now(): number {
    return this.#clock.monotonic() + this.#offset;
  }

  /** The store said `storeNow` some time after `sentAt` (monotonic) and before now. */
  heard(storeNow: number, sentAt: number): void {
    const offset = storeNow - (sentAt + this.#clock.monotonic()) / 2;
    if (Math.abs(offset - this.#offset) > TOLERANCE_MS) this.#offset = offset;
  }
}

/** Answers take longer one way than the other; following each of them would make time jitter. */
const TOLERANCE_MS = 500;
