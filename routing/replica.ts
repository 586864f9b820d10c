/**
 * A state that several instances fold events into: what the store last said, with our own events on top that the store has not
 * seen. Ours count at once; theirs with the next exchange. A state of the store is taken over as it is, whatever we believed.
 */
export class Replica<State, Event extends { readonly at: number }> {
  readonly #fold: (state: State, event: Event) => State;
  #base: State;
  #version = 0;
  #pending: Event[] = [];
  #view: State;
  /** How many of `#pending` an offer under way holds. */
  #offered = 0;

  constructor(initial: State, fold: (state: State, event: Event) => State) {
    this.#fold = fold;
    this.#base = initial;
    this.#view = initial;
  }

  /** As this instance knows it. */
  get view(): State {
    return this.#view;
  }

  /** As the store has it. */
  get base(): State {
    return this.#base;
  }

  /** Of the store's state; 0: it has none. */
  get version(): number {
    return this.#version;
  }

  get dirty(): boolean {
    return this.#pending.length > 0;
  }

  add(event: Event): State {
    this.#pending.push(event);
    this.#view = this.#fold(this.#view, event);
    return this.#view;
  }

  /** For a compare-and-set; answered by `accepted` or `adopt`, or not at all. `expected` 0: the store has none. */
  offer(): { expected: number; state: State } {
    this.#offered = this.#pending.length;
    return { expected: this.#version, state: this.#view };
  }

  /** The store took over what was offered. */
  accepted(version: number, state: State): void {
    this.#version = version;
    this.#base = state;
    this.#pending.splice(0, this.#offered);
    this.#rebuild();
  }

  adopt(version: number, state: State): void {
    this.#version = version;
    this.#base = state;
    this.#rebuild();
  }

  /** Of the same version, but told otherwise. */
  restate(state: State): void {
    this.#base = state;
    this.#rebuild();
  }

  /** The store is another one: it knows nothing of this. */
  detach(): void {
    this.#version = 0;
  }

  /** Events from before `at` will not be told any more; they stay part of what this instance believes. Whether there were any. */
  settle(at: number): boolean {
    const kept = this.#pending.findIndex((event) => event.at >= at);
    const old = this.#pending.splice(0, kept === -1 ? this.#pending.length : kept);
    this.#base = old.reduce(this.#fold, this.#base);
    this.#offered = Math.max(0, this.#offered - old.length);
    return old.length > 0;
  }

  #rebuild(): void {
    this.#offered = 0;
    this.#view = this.#pending.reduce(this.#fold, this.#base);
  }
}
