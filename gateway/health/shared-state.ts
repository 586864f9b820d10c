import type { Clock } from "../../providers/contract/clock.ts";
import type { Replica } from "../../routing/replica.ts";
import { MAX_WRITES } from "./document-limits.ts";
import { documentValue, readDocument, type Writers } from "./document-value.ts";
import type { FleetClock } from "./fleet-clock.ts";
import type { Exchanged, Position, SharedDocument, SharedDocuments } from "./shared-documents.ts";

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

export interface SharedStateOptions {
  /** Unique in the fleet. */
  readonly instance: string;
  /** null: this instance is alone. */
  readonly documents: SharedDocuments | null;
  readonly clock: Clock;
  readonly time: FleetClock;
  /** By the document's name; null: nothing that this instance knows of. */
  readonly part: (name: string) => SharedPart | null;
  /** Names of what is worth telling a store that was emptied, although nothing happened since. */
  readonly lasting: () => readonly string[];
  readonly onBug: (error: unknown) => void;
}

/** How it goes with the store. */
export interface StoreStatus {
  /** The last exchange was answered. */
  readonly connected: boolean;
  /** Exchanges without an answer, since this instance started. */
  readonly failures: number;
}

/** What others did is read so often when there is nothing to tell. */
const READ_MS = 250;
/** What can wait is told together. */
const TELL_MS = 100;
/** What others should know before their next charge; what happened in the same moment goes with it. */
const URGENT_MS = 5;
/** Of exchanges in a row, when others keep being quicker. */
const MAX_ROUNDS = 8;
/** Exchanges in a row without an answer: one is lost now and then, and is known to have been made with the next. */
const AWAY_AFTER = 3;
/** A store that is away is asked at least so often. */
const LONGEST_AWAY_MS = 2_000;
/** While the store is away, events are kept so long for it; later they say nothing any more. */
const KEEP_MS = 60_000;

/** Keeps the replicas and the store together. Nobody waits for it: a decision reads the replicas. */
export class SharedState {
  readonly #options: SharedStateOptions;
  readonly #dirty = new Set<string>();
  readonly #copies = new WeakMap<SharedPart["replica"], Copy>();
  #since: Position | null = null;
  #writes = 0;
  #urgent = false;
  #started = false;
  #closed = false;
  #exchanging = false;
  /** An exchange became due while one was under way. */
  #again = false;
  /** What a store that went back has told so far; null: none did, or it has told everything. */
  #told: Set<string> | null = null;
  /** Exchanges without an answer, in a row. */
  #failures = 0;
  #answered = false;
  #failuresEver = 0;
  #timer: { at: number; stop: () => void } | null = null;

  constructor(options: SharedStateOptions) {
    this.#options = options;
    options.documents?.onUrgent(() => this.#exchangeIn(0));
  }

  /** An event was added to the part of this name. */
  touch(name: string, urgent: boolean): void {
    if (!this.#options.documents) {
      this.#keepToItself(name);
      return;
    }
    this.#dirty.add(name);
    this.#urgent ||= urgent;
    this.#exchangeIn(urgent ? URGENT_MS : TELL_MS);
  }

  /** Reads also while there is nothing to tell. */
  start(): void {
    this.#started = true;
    this.#exchangeIn(0);
  }

  get status(): StoreStatus {
    return { connected: this.#answered && this.#failures === 0, failures: this.#failuresEver };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.stop();
    this.#options.documents?.close();
  }

  #keepToItself(name: string): void {
    const part = this.#part(name);
    if (!part) return;
    const before = part.replica.base;
    part.replica.settle(Number.POSITIVE_INFINITY);
    part.accepted?.(before, part.replica.base);
  }

  #exchangeIn(ms: number): void {
    const { documents, clock } = this.#options;
    if (!documents || this.#closed) return;
    const at = clock.monotonic() + ms;
    if (this.#timer && this.#timer.at <= at) return;
    this.#timer?.stop();
    const due = (): void => {
      this.#timer = null;
      if (this.#exchanging) this.#again = true;
      else void this.#exchange(documents);
    };
    this.#timer = { at, stop: clock.after(ms, due) };
  }

  async #exchange(documents: SharedDocuments): Promise<void> {
    this.#exchanging = true;
    try {
      this.#counted(await this.#untilTold(documents));
    } catch (bug) {
      this.#options.onBug(bug);
    } finally {
      this.#exchanging = false;
      if (this.#again) this.#exchangeIn(0);
      this.#again = false;
      const away = this.#failures > 0;
      if (this.#failures >= AWAY_AFTER) for (const name of this.#dirty) this.#part(name)?.unheard?.();
      if (away) this.#forgetOld();
      const againMs = away ? Math.min(READ_MS * 2 ** (this.#failures - 1), LONGEST_AWAY_MS) : this.#urgent ? URGENT_MS : TELL_MS;
      if (this.#dirty.size > 0) this.#exchangeIn(againMs);
      if (this.#started) this.#exchangeIn(Math.max(againMs, READ_MS));
    }
  }

  #counted(answered: boolean): void {
    this.#failures = answered ? 0 : this.#failures + 1;
    if (answered) this.#answered = true;
    else this.#failuresEver += 1;
  }

  /** False: the store is away. */
  async #untilTold(documents: SharedDocuments): Promise<boolean> {
    const { clock, time } = this.#options;
    for (let round = 0; round < MAX_ROUNDS && !this.#closed; round++) {
      const names = [...this.#dirty].slice(0, MAX_WRITES);
      const offers = new Map(names.flatMap((name) => this.#offer(name)));
      for (const name of names) this.#dirty.delete(name);
      const urgent = this.#urgent;
      this.#urgent = false;
      const sentAt = clock.monotonic();
      const writes = [...offers].map(([name, { expected, value }]) => ({ name, expected, value }));
      const answer = await documents.exchange({ since: this.#since, writes, urgent }).catch(() => null);
      if (answer === null) {
        for (const name of names) this.#dirty.add(name);
        this.#urgent ||= urgent;
        return false;
      }
      time.heard(answer.now, sentAt);
      // What was refused is told again, and nobody was called for it yet.
      this.#urgent ||= urgent && answer.written.length < writes.length;
      this.#absorb(answer, offers);
      if (!answer.more && this.#dirty.size === 0) return true;
    }
    return true;
  }

  /** The one that had no answer once more: whether it was made can be told, as long as there is one only. */
  #offer(name: string): [string, Offer][] {
    const part = this.#part(name);
    if (!part) return [];
    const copy = this.#copy(part);
    copy.offer ??= this.#newOffer(part, copy);
    return [[name, copy.offer]];
  }

  #newOffer(part: SharedPart, copy: Copy): Offer {
    const write = ++this.#writes;
    const { expected, state } = part.replica.offer();
    return { expected, state, write, ...documentValue(state, copy.writers, this.#options.instance, write) };
  }

  #absorb(answer: Exchanged, offers: ReadonlyMap<string, Offer>): void {
    this.#since = answer.position;
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
    for (const name of this.#options.lasting()) {
      const part = told.has(name) ? null : this.#part(name);
      if (!part) continue;
      part.replica.detach();
      this.#copies.delete(part.replica);
      this.#dirty.add(name);
    }
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
    if (state === null || state === before) this.#dirty.add(name);
    part.adopted();
    this.#still(name);
  }

  #still(name: string): void {
    if (this.#part(name)?.replica.dirty) this.#dirty.add(name);
  }

  #forgetOld(): void {
    const before = this.#options.time.now() - KEEP_MS;
    for (const name of this.#dirty) {
      const part = this.#part(name);
      // An offer of before them is out of date: taken over now, it would undo them.
      if (part?.replica.settle(before)) this.#copy(part).offer = null;
      if (!part?.replica.dirty) this.#dirty.delete(name);
    }
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

interface Offer {
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
