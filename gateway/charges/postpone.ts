import type { Charge, Failure } from "./charge.ts";
import type { Core } from "./core.ts";
import { drainDelayMs, MAX_DRAIN_TRIES, REDEFER_MS } from "./schedule.ts";
import type { Change } from "./transition.ts";
import { gatewayFailure, noProviderFailure } from "./verdict.ts";

/** What becomes of the charge, apart from its attempt. */
export type Rest = Omit<Change, "now" | "actor" | "attempt">;

/**
 * Deferred, or failed where the caller does not want that or its time is over. `tries` are the attempts made so far; null: this
 * turn could not try at all, so that none is counted, and it is due again within `waitMs`.
 */
export function postponed(core: Core, charge: Charge, now: Date, why: Failure | null, tries: number | null, waitMs = REDEFER_MS): Rest {
  if (!charge.defer) return { status: "failed", failure: why ?? noProviderFailure(), provider: charge.provider };
  if (charge.deferUntil <= now) return expired();
  const deferred = charge.deferred ?? {
    reason: why?.code ?? "no_provider_available",
    since: now.toISOString(),
    until: charge.deferUntil.toISOString(),
  };
  const after: Rest = { status: "deferred", deferred, failure: null, provider: null, providerReference: null };
  // Due at its end at the latest: it expires then, whatever it waits for.
  const inMs = (ms: number): Date => new Date(Math.min(now.getTime() + ms, charge.deferUntil.getTime()));
  if (tries === null) return { ...after, nextActionAt: inMs(core.random() * waitMs) };
  if (tries < MAX_DRAIN_TRIES) return { ...after, nextActionAt: inMs(drainDelayMs(tries, core.random)) };
  const reason = `deferred, and ${tries} attempts came to nothing; the last: ${deferred.reason}`;
  return {
    ...after,
    nextActionAt: null,
    deadLetter: { id: core.newId("dl"), account_id: charge.accountId, kind: "charge", attempt_id: null, reason },
  };
}

export function expired(): Rest {
  return {
    status: "failed",
    failure: gatewayFailure("expired", "No provider could be used until the charge's time was over."),
    deferred: null,
  };
}
