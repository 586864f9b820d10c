import { Heap } from "./heap.ts";

/** Answers on their way, the earliest first. Equal times keep the order of the charges. */
export class AnswerQueue {
  readonly #heap = new Heap<Underway>((a, b) => a.at < b.at || (a.at === b.at && a.charge < b.charge));

  /** Infinity: nothing is on its way. */
  get nextAt(): number {
    return this.#heap.first?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, charge: number, provider: number): void {
    this.#heap.add({ at, charge, provider });
  }

  /** Only when there is one. */
  take(): Underway {
    return this.#heap.take();
  }
}

interface Underway {
  readonly at: number;
  readonly charge: number;
  readonly provider: number;
}
