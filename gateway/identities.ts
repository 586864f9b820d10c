import { Call } from "../providers/contract/call.ts";
import type { Clock } from "../providers/contract/clock.ts";
import type { Provider } from "../providers/contract/provider.ts";
import type { CoreLog } from "./charges/core.ts";
import type { Fleet } from "./health/fleet.ts";
import type { Database } from "./store/database.ts";
import { recordProviderAccount } from "./store/installation.ts";

/** One identity check, at start and again. */
const IDENTIFY_TIMEOUT_MS = 5_000;
/** A provider that could not say who we are is asked again after this. */
const AGAIN_MS = 3_000;

/** Law 12: credentials of another account, or of the other mode, never touch this database's charges. */
export class IdentityMismatch extends Error {
  override readonly name = "IdentityMismatch";
}

export interface IdentitiesOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly fleet: Pick<Fleet, "markVerified" | "markUnverified">;
  readonly providers: readonly Provider[];
  /** Of this installation. */
  readonly livemode: boolean;
  readonly log: CoreLog;
}

/**
 * Verifies who we are at each provider against what the database recorded at first use. Until then a provider takes no new
 * attempt and resolves no doubt; one that is down is asked again, so that its outage does not keep the gateway from starting.
 */
export class Identities {
  readonly #accounts = new Map<string, string>();
  /** Which provider is which account, by adapter and account. */
  readonly #holders = new Map<string, string>();
  readonly #options: IdentitiesOptions;
  readonly #stopping = new AbortController();

  constructor(options: IdentitiesOptions) {
    this.#options = options;
  }

  accountOf(providerId: string): string | null {
    return this.#accounts.get(providerId) ?? null;
  }

  /** Asks all providers once; throws `IdentityMismatch`. Those that do not answer are asked again in the background. */
  async start(): Promise<void> {
    const results = await Promise.all(this.#options.providers.map((provider) => this.#verify(provider)));
    this.#options.providers.forEach((provider, i) => {
      if (!results[i]) void this.#keepAsking(provider);
    });
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #keepAsking(provider: Provider): Promise<void> {
    const { clock, log, fleet } = this.#options;
    while (!this.#stopping.signal.aborted) {
      await clock.sleep(AGAIN_MS, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      try {
        if (await this.#verify(provider)) return;
      } catch (error) {
        log.error({ provider: provider.id, err: error }, "the provider's identity could not be verified");
        if (!(error instanceof IdentityMismatch)) continue;
        fleet.markUnverified(provider.id, error.message);
        return;
      }
    }
  }

  async #verify(provider: Provider): Promise<boolean> {
    const { db, clock, fleet, livemode, log } = this.#options;
    const identity = await provider.identify(new Call({ clock, timeoutMs: IDENTIFY_TIMEOUT_MS }));
    if (identity.kind === "unknown") {
      fleet.markUnverified(provider.id, identity.detail);
      log.warn({ provider: provider.id, detail: identity.detail }, "the provider did not say who we are; it is asked again");
      return false;
    }
    if (identity.livemode !== livemode) {
      throw new IdentityMismatch(`${provider.id} is in ${modeWord(identity.livemode)} mode, this database is ${modeWord(livemode)}`);
    }
    const { account } = identity;
    this.#claim(provider, account);
    const known = await recordProviderAccount(db, {
      provider: provider.id,
      kind: provider.kind,
      account,
      livemode,
      now: new Date(clock.now()),
    });
    const former = known.others.filter((id) => !this.#options.providers.some((one) => one.id === id));
    if (former.length > 0)
      log.warn({ provider: provider.id, former }, "its account was known by another id: what is unsettled there waits for that id");
    if (known.account !== account || known.kind !== provider.kind || known.livemode !== livemode) {
      throw new IdentityMismatch(
        `${provider.id} is the account ${account}; this database belongs to ${known.account} (${modeWord(known.livemode)})`,
      );
    }
    this.#accounts.set(provider.id, account);
    fleet.markVerified(provider.id);
    return true;
  }

  /** Two providers that are one account would fail over to themselves: the second one is refused, whenever it says who we are. */
  #claim({ id, kind }: Provider, account: string): void {
    const key = `${kind} ${account}`;
    const holder = this.#holders.get(key) ?? id;
    if (holder !== id) throw new IdentityMismatch(`${id} and ${holder} are one account, ${account}: two providers must be two accounts`);
    this.#holders.set(key, id);
  }
}

function modeWord(livemode: boolean): string {
  return livemode ? "live" : "test";
}
