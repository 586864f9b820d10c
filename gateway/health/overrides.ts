import type { Clock } from "../../providers/contract/clock.ts";
import type { OverrideMode } from "../../routing/choose.ts";
import type { Database } from "../store/database.ts";
import { listOverrides, type Override, type OverrideChange, removeOverride, setOverride } from "../store/overrides.ts";

/** Operators' decisions as this instance knows them. An expired one is gone at once, by the clock at each use. */
export interface Overrides {
  current(): ReadonlyMap<string, Override>;
  modeOf(provider: string): OverrideMode | null;
}

/**
 * How often the table is read. Half of the second that is promised on every instance; a primary key scan of a few rows.
 * Polling needs neither Redis nor a connection that stays up, and a restart simply reads the table.
 */
const POLL_MS = 500;

/** Keeps the overrides of the table: other instances' within `POLL_MS`, this one's at once; the last known without a database. */
export class OverrideWatcher implements Overrides {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #known: ReadonlyMap<string, Override> = new Map();
  /** Raised by each write of this instance: a read that began before it would undo it for one poll. */
  #writes = 0;
  #running = false;
  #failing = false;
  #stopTimer = (): void => {};

  /** `onError` is told once per outage of the database, not with each poll. */
  constructor(options: { db: Database; clock: Clock; onError: (error: unknown) => void }) {
    this.#db = options.db;
    this.#clock = options.clock;
    this.#onError = options.onError;
  }

  current(): ReadonlyMap<string, Override> {
    const now = this.#clock.now();
    return new Map([...this.#known].filter(([, override]) => !isExpired(override, now)));
  }

  modeOf(provider: string): OverrideMode | null {
    const override = this.#known.get(provider);
    return override && !isExpired(override, this.#clock.now()) ? override.mode : null;
  }

  /** Throws when the table cannot be read: an instance that does not know what operators decided must not begin. */
  async start(): Promise<void> {
    await this.refresh();
    this.#running = true;
    this.#pollLater();
  }

  stop(): void {
    this.#running = false;
    this.#stopTimer();
  }

  async refresh(): Promise<void> {
    const writesBefore = this.#writes;
    const overrides = await listOverrides(this.#db);
    if (this.#writes === writesBefore) this.#known = new Map(overrides.map((override) => [override.provider, override]));
  }

  async set(override: Omit<Override, "actor" | "createdAt">, by: OverrideChange): Promise<Override> {
    const written = await this.#write(() => setOverride(this.#db, override, by));
    this.#known = new Map(this.#known).set(written.provider, written);
    return written;
  }

  /** null when there was none. */
  async remove(provider: string, by: OverrideChange): Promise<Override | null> {
    const removed = await this.#write(() => removeOverride(this.#db, provider, by));
    const known = new Map(this.#known);
    known.delete(provider);
    this.#known = known;
    return removed;
  }

  /** Counted on both sides: a read that overlaps the write may have seen the table before it. */
  async #write<T>(write: () => Promise<T>): Promise<T> {
    this.#writes += 1;
    try {
      return await write();
    } finally {
      this.#writes += 1;
    }
  }

  #pollLater(): void {
    this.#stopTimer = this.#clock.after(POLL_MS, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    try {
      await this.refresh();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#onError(error);
      this.#failing = true;
    }
    if (this.#running) this.#pollLater();
  }
}

function isExpired(override: Override, now: number): boolean {
  return override.expiresAt !== null && override.expiresAt.getTime() <= now;
}
