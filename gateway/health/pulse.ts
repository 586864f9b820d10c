import type { Clock } from "../../providers/contract/clock.ts";

/** How often slow calls and ended openings are looked at when no charge arrives. */
const BEAT_MS = 500;
/** A beat that comes so much too late: this process was not running. */
const STALL_MS = 1_000;

/** Beats while nobody calls, and knows by its own lateness that this process stood still. */
export class Pulse {
  readonly #clock: Clock;
  readonly #beat: () => void;
  #due = Number.POSITIVE_INFINITY;
  #stalledUntil = Number.NEGATIVE_INFINITY;
  #stopTimer = (): void => {};

  constructor(clock: Clock, beat: () => void) {
    this.#clock = clock;
    this.#beat = beat;
  }

  /** Just now: calls without an answer may have one that nobody has read yet. */
  get stalled(): boolean {
    return this.#clock.monotonic() < this.#stalledUntil;
  }

  start(): void {
    const now = this.#clock.monotonic();
    if (now - this.#due > STALL_MS) this.#stalledUntil = now + STALL_MS;
    this.#beat();
    this.#due = now + BEAT_MS;
    this.#stopTimer = this.#clock.after(BEAT_MS, () => this.start());
  }

  stop(): void {
    this.#stopTimer();
  }
}
