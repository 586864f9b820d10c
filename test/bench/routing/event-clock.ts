import type { Clock } from "../../../providers/contract/clock.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  fn: (() => void) | null;
}

/** A virtual clock for many timers: a binary heap. Timers fire in order, those of one moment as they were set. */
export class EventClock implements Clock {
  readonly #wallAtStart = Date.UTC(2026, 0, 1);
  readonly #heap: Timer[] = [];
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
    const heap = this.#heap;
    let place = heap.push(timer) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(timer, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = timer;
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
      const next = this.#heap[0];
      if (!next || next.at > at) return false;
      this.#removeFirst();
      if (!next.fn) continue;
      this.#monotonic = Math.max(this.#monotonic, next.at);
      next.fn();
      return true;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const moved = heap.pop()!;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, moved)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = moved;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
