/** The last outcomes of one provider: 1 success, 0 failure. */
export class OutcomeWindow {
  readonly #size: number;
  readonly #ring: number[];
  #next = 0;
  #sum: number;

  /** `seed`: what an empty place counts as; null: it does not count. */
  constructor(size: number, seed: 0 | 1 | null) {
    this.#size = size;
    this.#ring = seed === null ? [] : Array.from({ length: size }, () => seed);
    this.#sum = seed === 1 ? size : 0;
  }

  get count(): number {
    return this.#ring.length;
  }

  /** null while nothing counts. */
  get mean(): number | null {
    return this.#ring.length === 0 ? null : this.#sum / this.#ring.length;
  }

  add(success: boolean): void {
    const value = success ? 1 : 0;
    this.#sum += value - (this.#ring[this.#next] ?? 0);
    this.#ring[this.#next] = value;
    this.#next = (this.#next + 1) % this.#size;
  }
}
