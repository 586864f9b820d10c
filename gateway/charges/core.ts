import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import type { Fleet } from "../health/fleet.ts";
import type { AttemptId, ChargeId } from "../ids.ts";
import type { Acceptance, Accepted } from "../store/accept-charges.ts";
import type { Database } from "../store/database.ts";
import type { Transition } from "../store/write-transitions.ts";

/** What the money core runs on. Everything that touches the world is passed in (the seams). */
export interface Core {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: <P extends string>(prefix: P) => `${P}_${string}`;
  readonly providers: ReadonlyMap<string, Provider>;
  /** The account that each provider's credentials belong to, as far as it has been verified (law 12). */
  readonly accountOf: (providerId: string) => string | null;
  readonly fleet: Fleet;
  /** Commits an intent, or says why not. */
  readonly accept: (charge: Acceptance) => Promise<Accepted>;
  /** Commits a transition; false: the lease was taken over. */
  readonly write: (transition: Transition) => Promise<boolean>;
  /** Late evidence: looks at the charge, or at an attempt of it that is closed already, soon. Never fails. */
  readonly hint: (chargeId: ChargeId, attemptId: AttemptId) => void;
  /** False while this instance's clock is off, or it is being stopped: nothing is sent. */
  readonly maySend: () => boolean;
  readonly settings: CoreSettings;
  readonly log: CoreLog;
}

export interface CoreSettings {
  readonly livemode: boolean;
  /** Deadline of one call to a provider. */
  readonly providerTimeoutMs: number;
  /** Deadline of one request; also of one turn of a worker at a charge. */
  readonly chargeBudgetMs: number;
}

/** The part of pino that the core uses. Fields never hold tokens or secrets. */
export interface CoreLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A lease outlives the budget by this much: two clocks that may differ by 10 s, and the last outcome's write. */
export const LEASE_MARGIN_MS = 15_000;

/** Of the budget, what is kept for writing the outcome and answering. */
export const WRITE_RESERVE_MS = 500;

/** A call that has less time than this is not begun. */
export const MIN_CALL_MS = 250;
