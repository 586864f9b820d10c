import type { Clock } from "../../providers/contract/clock.ts";
import { NO_RULES, namedProviders, type RulesInForce } from "../../routing/rules.ts";
import type { Database } from "../store/database.ts";
import { currentRulesVersion, type RulesChange, type RulesVersion, readRoutingRules, setRoutingRules } from "../store/routing-rules.ts";

/** How often the version is read: see overrides.ts. */
const POLL_MS = 500;

export interface RulesWatcherOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** Configured ones. */
  readonly providers: readonly string[];
  /** Told once per outage of the database, not with each poll. */
  readonly onError: (error: unknown) => void;
  /** The rules name providers that are not configured (any more): they are ignored. Told once per version. */
  readonly onUnknown: (version: number, providers: readonly string[]) => void;
}

/** Keeps the rules in force: other instances' within `POLL_MS`, this one's at once; the last known without a database. */
export class RulesWatcher {
  readonly #options: RulesWatcherOptions;
  #known: RulesInForce = NO_RULES;
  #running = false;
  #failing = false;
  #stopTimer = (): void => {};

  constructor(options: RulesWatcherOptions) {
    this.#options = options;
  }

  current(): RulesInForce {
    return this.#known;
  }

  /** Throws when the table cannot be read: an instance that does not know what the business decided must not begin. */
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
    const { db } = this.#options;
    if ((await currentRulesVersion(db)) <= this.#known.version) return;
    const stored = await readRoutingRules(db, null);
    if (stored) this.#take(stored);
  }

  /** null: the version that it replaces is not the current one. */
  async set(change: RulesChange): Promise<RulesVersion | null> {
    const written = await setRoutingRules(this.#options.db, change);
    if (written) this.#take(written);
    else await this.refresh();
    return written;
  }

  /** Versions only grow: whatever was read before or after a write, the higher one is the newer. */
  #take({ version, rules }: RulesVersion): void {
    if (version <= this.#known.version) return;
    this.#known = { version, rules };
    const { providers, onUnknown } = this.#options;
    const unknown = new Set(namedProviders(rules).flatMap(({ provider }) => (providers.includes(provider) ? [] : [provider])));
    if (unknown.size > 0) onUnknown(version, [...unknown]);
  }

  #pollLater(): void {
    this.#stopTimer = this.#options.clock.after(POLL_MS, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    try {
      await this.refresh();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#options.onError(error);
      this.#failing = true;
    }
    if (this.#running) this.#pollLater();
  }
}
