import type { Clock } from "../../providers/contract/clock.ts";

/** Time that passes only when told to. Timers fire in order, each at its own moment. */
export class ManualClock implements Clock {
  #monotonic = 0;
  #wall = Date.UTC(2026, 0, 1);
  #timers: { at: number; fn: () => void }[] = [];

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const stop = this.after(ms, resolve);
      signal?.addEventListener("abort", () => {
        stop();
        resolve();
      });
    });
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#monotonic + ms, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Synchronously: what timers start asynchronously goes on when the test awaits. */
  pass(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      this.#to(next?.at ?? end);
      if (!next) return;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.fn();
    }
  }

  #to(at: number): void {
    this.#wall += at - this.#monotonic;
    this.#monotonic = at;
  }
}

/** A seeded generator (mulberry32): the same numbers in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
