import type { Clock } from "../../providers/contract/clock.ts";
import { MAX_WRITES } from "./document-limits.ts";
import type { FleetClock } from "./fleet-clock.ts";
import { SharedCopies, type SharedCopiesOptions, type SharedPart } from "./shared-copies.ts";
import type { Position, SharedDocuments } from "./shared-documents.ts";

export interface SharedStateOptions extends Omit<SharedCopiesOptions, "dirty"> {
  /** null: this instance is alone. */
  readonly documents: SharedDocuments | null;
  readonly clock: Clock;
  readonly time: FleetClock;
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

/** When the store is asked and told. Nobody waits for it: a decision reads the replicas. */
export class SharedState {
  readonly #options: SharedStateOptions;
  readonly #dirty = new Set<string>();
  readonly #copies: SharedCopies;
  #since: Position | null = null;
  #urgent = false;
  #started = false;
  #closed = false;
  #exchanging = false;
  /** An exchange became due while one was under way. */
  #again = false;
  /** Exchanges without an answer, in a row. */
  #failures = 0;
  #answered = false;
  #failuresEver = 0;
  #timer: { at: number; stop: () => void } | null = null;

  constructor(options: SharedStateOptions) {
    this.#options = options;
    this.#copies = new SharedCopies({ ...options, dirty: (name) => this.#dirty.add(name) });
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
      const offers = new Map(names.flatMap((name) => this.#copies.offer(name)));
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
      this.#since = answer.position;
      this.#copies.absorb(answer, offers);
      if (!answer.more && this.#dirty.size === 0) return true;
    }
    return true;
  }

  #forgetOld(): void {
    const before = this.#options.time.now() - KEEP_MS;
    for (const name of this.#dirty) {
      if (!this.#copies.forgetBefore(before, name)) this.#dirty.delete(name);
    }
  }

  #part(name: string): SharedPart | null {
    return this.#options.part(name);
  }
}
