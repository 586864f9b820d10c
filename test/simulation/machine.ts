import type { Clock } from "../../providers/contract/clock.ts";
import { EPOCH_MS, type Timeline } from "./timeline.ts";

/**
 * One process on one machine, with clocks of its own. A crash ends it for good (what takes its place is a new machine); a pause
 * holds its continuations while all clocks go on; a suspension also stops its monotonic clock, as a sleeping laptop's.
 */
export class Machine {
  readonly name: string;
  readonly clock: Clock;
  dead = false;
  /** Virtual time until which nothing of it continues. */
  heldUntil = 0;
  /** How far its wall clock is ahead. */
  skewMs: number;
  readonly #world: Timeline<Machine>;
  readonly #bornAt: number;
  #suspendedMs = 0;
  readonly #onDeath: (() => void)[] = [];

  constructor(world: Timeline<Machine>, name: string, skewMs: number) {
    this.#world = world;
    this.name = name;
    this.skewMs = skewMs;
    this.#bornAt = world.now;
    this.clock = {
      now: () => EPOCH_MS + Math.floor(world.now + this.skewMs),
      monotonic: () => world.now - this.#bornAt - this.#suspendedMs,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve();
          const stop = this.#timer(ms, resolve);
          signal?.addEventListener("abort", () => {
            stop();
            resolve();
          });
        }),
      after: (ms, fn) => this.#timer(ms, fn),
    };
  }

  onDeath(end: () => void): void {
    this.#onDeath.push(end);
  }

  crash(): void {
    this.dead = true;
    for (const end of this.#onDeath.splice(0)) end();
  }

  pause(ms: number): void {
    this.heldUntil = this.#world.now + ms;
  }

  suspend(ms: number): void {
    this.heldUntil = this.#world.now + ms;
    this.#suspendedMs += ms;
  }

  /** Timers count monotonic time: one that comes due too early because of a suspension waits for the rest. */
  #timer(ms: number, fn: () => void): () => void {
    const due = this.clock.monotonic() + Math.max(0, ms);
    let stop = (): void => {};
    const wait = (left: number): void => {
      stop = this.#world.after(left, this, "timer", () => {
        const rest = due - this.clock.monotonic();
        if (rest > 0.001) wait(rest);
        else fn();
      });
    };
    wait(ms);
    return () => stop();
  }
}
