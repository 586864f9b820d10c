import type { Clock } from "../../../providers/contract/clock.ts";
import { Heap } from "./heap.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  fn: (() => void) | null;
}

/** A virtual clock for many timers, which fire in order, those of one moment as they were set. */
export class EventClock implements Clock {
  readonly #wallAtStart = Date.UTC(2026, 0, 1);
  readonly #timers = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  #monotonic = 0;
  #order = 0;

  now(): number {
    return this.#wallAtStart + this.#monotonic;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  after(ms: number, fn: () => void): () => void {
    const timer: Timer = { at: this.#monotonic + ms, order: this.#order++, fn };
    this.#timers.add(timer);
    return () => {
      timer.fn = null;
    };
  }

  /** Synchronously: nothing that waits for a promise goes on in between. */
  passTo(at: number): void {
    while (this.#fireUntil(at));
    this.#monotonic = Math.max(this.#monotonic, at);
  }

  /** After each timer all that waits for promises goes on, `turns` promises deep. */
  async passToInTurns(at: number, turns: number): Promise<void> {
    while (this.#fireUntil(at)) for (let turn = 0; turn < turns; turn++) await null;
    this.#monotonic = Math.max(this.#monotonic, at);
  }

  /** The next timer until then; false: there is none. */
  #fireUntil(at: number): boolean {
    for (;;) {
      const next = this.#timers.first;
      if (!next || next.at > at) return false;
      this.#timers.take();
      if (!next.fn) continue;
      this.#monotonic = Math.max(this.#monotonic, next.at);
      next.fn();
      return true;
    }
  }
}
