import type { Clock } from "../providers/contract/clock.ts";
import type { Database } from "./store/database.ts";
import { databaseNow } from "./store/installation.ts";

/** An instance that is further off than this from the database's clock sends nothing: leases and key ages are judged by the wall clock. */
const MAX_SKEW_MS = 5_000;
/** A clock that is set wrong, or a machine that was suspended, is noticed within this. */
const CHECK_MS = 2_000;
/** Wall and monotonic clock may drift apart this far between two checks before nothing is sent until the next one. */
const MAX_JUMP_MS = 2_000;

/** Compares this instance's clock with the database's. */
export class ClockGuard {
  readonly #db: Database;
  readonly #clock: Clock;
  #skewMs = 0;
  #wallMinusMonotonic: number;
  #stop = (): void => {};
  #stopped = false;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#wallMinusMonotonic = clock.now() - clock.monotonic();
  }

  /** Checks now and from then on; throws when the first check cannot be made. */
  async start(): Promise<void> {
    await this.check();
    this.#later();
  }

  /** Whether this instance may send. Cheap: asked before every wire attempt. A jump since the last check counts as wrong. */
  ok(): boolean {
    const jumpedMs = Math.abs(this.#clock.now() - this.#clock.monotonic() - this.#wallMinusMonotonic);
    return Math.abs(this.#skewMs) <= MAX_SKEW_MS && jumpedMs <= MAX_JUMP_MS;
  }

  /** Milliseconds that this instance is ahead of the database (behind: negative). */
  get skewMs(): number {
    return Math.round(this.#skewMs);
  }

  async check(): Promise<void> {
    const before = this.#clock.now();
    const database = (await databaseNow(this.#db)).getTime();
    const after = this.#clock.now();
    // The answer was made somewhere in between, so the truth lies between these two: the worse one counts. A slow answer
    // must not hide that the clock is off.
    const [atFirst, atLast] = [before - database, after - database];
    this.#skewMs = Math.abs(atFirst) > Math.abs(atLast) ? atFirst : atLast;
    this.#wallMinusMonotonic = after - this.#clock.monotonic();
  }

  stop(): void {
    this.#stopped = true;
    this.#stop();
  }

  #later(): void {
    if (this.#stopped) return;
    this.#stop = this.#clock.after(CHECK_MS, () => {
      // Without the database nothing can be accepted anyway; the last known skew stands.
      this.check()
        .catch(() => {})
        .finally(() => this.#later());
    });
  }
}
