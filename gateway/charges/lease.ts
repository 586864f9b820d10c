import type { Clock } from "../../providers/contract/clock.ts";
import type { Claim } from "../store/claim-charges.ts";
import { type CoreSettings, LEASE_MARGIN_MS } from "./core.ts";

/** Each instance may be 5 s off the database's clock (further off it sends nothing), so two of them twice that. */
export const MAX_SKEW_MS = 10_000;

/**
 * The right to send for a charge and to write it. Writing is safe without a look at the clock (compare-and-set on `no`);
 * sending is not, so the lease's end is checked on both clocks: the wall clock counts a suspended machine's time, the monotonic one
 * cannot be set back.
 */
export interface Lease {
  readonly no: number;
  readonly until: Date;
  /** Milliseconds left of the budget. */
  left(): number;
  /** Whether nobody else can have claimed the charge yet. */
  held(): boolean;
}

/** When a lease that begins now ends. */
export function leaseEnd(clock: Clock, settings: CoreSettings): Date {
  return new Date(clock.now() + settings.chargeBudgetMs + LEASE_MARGIN_MS);
}

export function startLease(clock: Clock, settings: CoreSettings, claim: Pick<Claim, "leaseNo">, until: Date): Lease {
  const startedAt = clock.monotonic();
  const startedWall = clock.now();
  const lifeMs = until.getTime() - startedWall;
  return {
    no: claim.leaseNo,
    until,
    left: () => settings.chargeBudgetMs - Math.max(clock.monotonic() - startedAt, clock.now() - startedWall),
    held: () => clock.now() < until.getTime() - MAX_SKEW_MS && clock.monotonic() < startedAt + lifeMs - MAX_SKEW_MS,
  };
}
