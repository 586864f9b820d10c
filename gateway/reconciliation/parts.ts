import type { Clock } from "../../providers/contract/clock.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import type { Core } from "../charges/core.ts";
import type { Ran } from "../health/circuit.ts";
import type { BackgroundLog } from "../keep-going.ts";
import type { Database } from "../store/database.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What a run works with: inside the gateway, and as a command beside it. */
export interface Parts {
  readonly db: Database;
  readonly clock: Clock;
  readonly newId: <P extends string>(prefix: P) => `${P}_${string}`;
  readonly providers: ReadonlyMap<string, Provider>;
  /** The verified account of a provider; null: not verified, and nothing is compared (law 12). */
  readonly accountOf: (provider: string) => string | null;
  /** Sends a question, if the provider's breaker lets it pass. Nothing here moves money. */
  readonly ask: <T extends { readonly kind: string }>(
    provider: string,
    send: () => Promise<T>,
    isFault: (result: T) => boolean,
  ) => Promise<Ran<T>>;
  readonly log: BackgroundLog;
  readonly settings: Settings;
}

export interface Settings {
  /** Deadline of one call to a provider. */
  readonly providerTimeoutMs: number;
  /** The provider's list is read from so long before the window: an object can be older than the money. */
  readonly beforeMs: number;
  /** And to so long after it, as far as that has passed: its time may be later than ours. */
  readonly afterMs: number;
  /** A provider's list may be behind by this much (PayPal's: 3 h): what is younger is not called missing. */
  readonly lagMs: number;
  /** What changed within this time may be under way: no finding yet. */
  readonly settleMs: number;
  /** Between tries to read a page. */
  readonly retryMs: readonly number[];
  /** Records of one statement; a larger page of the provider's is cut. */
  readonly pageSize: number;
}

export const SETTINGS: Settings = {
  providerTimeoutMs: 30_000,
  beforeMs: 2 * HOUR_MS,
  afterMs: 4 * HOUR_MS,
  lagMs: 4 * HOUR_MS,
  settleMs: 10 * MINUTE_MS,
  retryMs: [1_000, 5_000, 15_000],
  pageSize: 500,
};

/** Inside the gateway: behind the breakers, on the accounts that were verified. */
export function partsOf(core: Core, more: Partial<Settings> = {}): Parts {
  return {
    ...core,
    ask: (provider, send, isFault) => core.fleet.circuit(provider).inquire("look", send, isFault),
    settings: { ...SETTINGS, ...more },
  };
}

/** A run is taken over when it was not heard of for this long. */
export const RUN_LEASE_MS = 5 * MINUTE_MS;
/** A run that was left for longer reads the lists anew. */
export const STALE_READ_MS = 30 * MINUTE_MS;
/** Providers' searches end at 31 days, margins included. */
export const MAX_WINDOW_MS = 30 * 24 * HOUR_MS;
/** A failed run can be taken up again for this long; then its records go. */
export const KEEP_RECORDS_MS = 7 * 24 * HOUR_MS;
