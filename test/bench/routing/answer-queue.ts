/** Answers on their way, the earliest first: a binary heap. Equal times keep the order of the charges. */
export class AnswerQueue {
  readonly #heap: Underway[] = [];

  /** Infinity: nothing is on its way. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, charge: number, provider: number): void {
    const heap = this.#heap;
    const added = { at, charge, provider };
    let place = heap.push(added) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(added, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = added;
  }

  /** Only when there is one. */
  take(): Underway {
    const heap = this.#heap;
    const first = heap[0]!;
    const moved = heap.pop()!;
    if (heap.length === 0) return first;
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
    return first;
  }
}

export interface Underway {
  readonly at: number;
  readonly charge: number;
  readonly provider: number;
}

function before(a: Underway, b: Underway): boolean {
  return a.at < b.at || (a.at === b.at && a.charge < b.charge);
}
