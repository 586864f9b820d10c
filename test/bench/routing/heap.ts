/** A binary heap: what comes before all others is first. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** A total order: of two that are equal nobody knows which comes first. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  add(added: T): void {
    const items = this.#items;
    let place = items.push(added) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#before(added, items[parent]!)) break;
      items[place] = items[parent]!;
      place = parent;
    }
    items[place] = added;
  }

  /** Only when there is one. */
  take(): T {
    const items = this.#items;
    const first = items[0]!;
    const moved = items.pop()!;
    if (items.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1]!, items[child]!)) child += 1;
      if (!this.#before(items[child]!, moved)) break;
      items[place] = items[child]!;
      place = child;
    }
    items[place] = moved;
    return first;
  }
}
