import type { Replica } from "../../routing/replica.ts";
import { documentValue, readDocument, type Writers } from "./document-value.ts";
import type { Exchanged, SharedDocument } from "./shared-documents.ts";

/** A document that the fleet shares, as this instance has it. */
export interface SharedPart {
  readonly replica: Replica<unknown, { readonly at: number }>;
  /** The store's value, checked; null: not one of ours, or damaged. `reset`: the store went back, ours may be the newer one. */
  take(value: unknown, reset: boolean): unknown;
  /** What takes the place of a value that was refused. */
  ours(): unknown;
  /** Told after the store's state, or nothing of it, was taken over. */
  adopted(): void;
  /** The store took over what our events made of it: in the whole fleet, they were the ones that did it. */
  accepted?(before: unknown, after: unknown): void;
  /** The store does not answer: nobody else hears of our events for now. */
  unheard?(): void;
}

export function sharedPart<State, Event extends { readonly at: number }>(part: {
  readonly replica: Replica<State, Event>;
  take(value: unknown, reset: boolean): State | null;
  ours?(): State;
  adopted(): void;
  accepted?(before: State, after: State): void;
  unheard?(): void;
}): SharedPart {
  return { ours: () => part.replica.base, ...part } as unknown as SharedPart;
}

export interface SharedCopiesOptions {
  /** Unique in the fleet. */
  readonly instance: string;
  /** By the document's name; null: nothing that this instance knows of. */
  readonly part: (name: string) => SharedPart | null;
  /** Names of what is worth telling a store that was emptied, although nothing happened since. */
  readonly lasting: readonly string[];
  /** It has something to tell. */
  readonly dirty: (name: string) => void;
}

/** What this instance offers of its parts to the store, and what it takes over from it. */
export class SharedCopies {
  readonly #options: SharedCopiesOptions;
  readonly #copies = new WeakMap<SharedPart["replica"], Copy>();
  #writes = 0;
  /** What a store that went back has told so far; null: none did, or it has told everything. */
  #told: Set<string> | null = null;

  constructor(options: SharedCopiesOptions) {
    this.#options = options;
  }

  /** The one that had no answer once more: whether it was made can be told, as long as there is one only. */
  offer(name: string): [string, Offer][] {
    const part = this.#part(name);
    if (!part) return [];
    const copy = this.#copy(part);
    copy.offer ??= this.#newOffer(part, copy);
    return [[name, copy.offer]];
  }

  /** What the store answered to these offers. */
  absorb(answer: Exchanged, offers: ReadonlyMap<string, Offer>): void {
    if (answer.reset) this.#told = new Set();
    const told = this.#told ?? new Set<string>();
    for (const { name, version } of answer.written) {
      this.#accepted(name, version, offers.get(name));
      told.add(name);
    }
    for (const document of answer.documents) {
      this.#adopt(document, this.#told !== null);
      told.add(document.name);
    }
    if (this.#told === null || answer.more) return;
    this.#told = null;
    for (const name of this.#options.lasting) {
      const part = told.has(name) ? null : this.#part(name);
      if (!part) continue;
      part.replica.detach();
      this.#copies.delete(part.replica);
      this.#options.dirty(name);
    }
  }

  /** Events from before `at` are not told any more. False: there is nothing left to tell. */
  forgetBefore(at: number, name: string): boolean {
    const part = this.#part(name);
    // An offer of before them is out of date: taken over now, it would undo them.
    if (part?.replica.settle(at)) this.#copy(part).offer = null;
    return part?.replica.dirty ?? false;
  }

  #newOffer(part: SharedPart, copy: Copy): Offer {
    const write = ++this.#writes;
    const { expected, state } = part.replica.offer();
    return { expected, state, write, ...documentValue(state, copy.writers, this.#options.instance, write) };
  }

  #accepted(name: string, version: number, offer: Offer | undefined): void {
    const part = this.#part(name);
    if (!part || !offer) return;
    const before = part.replica.base;
    part.replica.accepted(version, offer.state);
    this.#copies.set(part.replica, { writers: offer.writers, offer: null });
    part.accepted?.(before, offer.state);
    this.#still(name);
  }

  /** The store's is the truth; our own events are told again, on top of it, unless they are part of it. */
  #adopt({ name, version, value }: SharedDocument, reset: boolean): void {
    const part = this.#part(name);
    if (!part) return;
    // Known already; an offer based on it may still be under way.
    if (!reset && version !== 0 && version === part.replica.version) {
      this.#still(name);
      return;
    }
    const { state: found, writers } = readDocument(value);
    const { offer } = this.#copy(part);
    if (offer && writers[this.#options.instance] === offer.write) this.#accepted(name, version, offer);
    const before = part.replica.view;
    const state = version === 0 ? null : part.take(found, reset);
    // Gone or damaged: ours takes its place.
    part.replica.adopt(version, state ?? part.ours());
    this.#copies.set(part.replica, { writers, offer: null });
    if (state === null || state === before) this.#options.dirty(name);
    part.adopted();
    this.#still(name);
  }

  #still(name: string): void {
    if (this.#part(name)?.replica.dirty) this.#options.dirty(name);
  }

  #copy({ replica }: SharedPart): Copy {
    const found = this.#copies.get(replica) ?? { writers: {}, offer: null };
    this.#copies.set(replica, found);
    return found;
  }

  #part(name: string): SharedPart | null {
    return this.#options.part(name);
  }
}

export interface Offer {
  readonly expected: number;
  readonly state: unknown;
  readonly write: number;
  readonly writers: Writers;
  readonly value: string;
}

/** What is known of the store's copy besides its state. */
interface Copy {
  readonly writers: Writers;
  /** Not answered yet. */
  offer: Offer | null;
}
