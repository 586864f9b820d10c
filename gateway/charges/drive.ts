import type { Outcome } from "../../providers/contract/outcome.ts";
import { releaseClaim } from "../store/claim-charges.ts";
import { DatabaseAmbiguous, DatabaseUnavailable } from "../store/database.ts";
import type { Turn } from "./after-end.ts";
import { runAttempt } from "./attempt.ts";
import type { Attempt, Charge, Settlement } from "./charge.ts";
import { conclude, type Facts } from "./conclude.ts";
import { concludeSettlement } from "./conclude-settlement.ts";
import { type Core, WRITE_RESERVE_MS } from "./core.ts";
import type { Lease } from "./lease.ts";
import { duplicate, look } from "./look.ts";
import { segmentOf } from "./next-attempt.ts";
import { declinesBeforeFailover } from "./retries.ts";
import { isOpen, settle } from "./settlement.ts";
import { type Change, makeTransition } from "./transition.ts";

/** Another writer claimed the charge: whatever we learned, it is theirs to find out. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** Between two looks at a doubt inside one turn. */
const LOOK_AGAIN_MS = 2_000;
/** Between two tries of a write that the database did not take. */
const WRITE_AGAIN_MS = 250;

/**
 * The story of a charge. An intent is committed (an attempt, or the capture or void of its hold), and the lease is ours.
 *
 *     call  ->  (doubt: look)  ->  commit the outcome, and with it the next intent if there is proof  ->  call ...
 *
 * Ends with the change that gives the lease back. `intentIsFresh`: it was committed by this turn, so nothing was sent for it yet. Throws
 * `LeaseLost` and the database's errors.
 */
export async function drive(core: Core, charge: Charge, lease: Lease, actor: string, intentIsFresh = true): Promise<Charge> {
  let current = charge;
  let fresh = intentIsFresh;
  const tried = new Set<string>();
  while (current.leaseUntil !== null) {
    const attempt = liveAttempt(current);
    if (!attempt) break;
    if (isOpen(current.settlement)) {
      current = await commit(core, current, lease, await settlementStep(core, current, attempt, lease, { actor, tried, fresh }));
    } else if (current.status === "processing" && attempt.outcome === null) {
      tried.add(attempt.provider);
      current = await commit(core, current, lease, await attemptStep(core, current, attempt, lease, { actor, tried }));
    } else break;
    fresh = true;
  }
  return current;
}

async function attemptStep(core: Core, charge: Charge, attempt: Attempt, lease: Lease, by: Pick<Turn, "actor" | "tried">): Promise<Change> {
  const { outcome, object, latencyMs } = await runAttempt(core, charge, attempt, lease);
  const answered: Facts = { known: outcome, object, ambiguous: outcome.kind === "unknown", sentAgain: false, latencyMs };
  const concluded = async (facts: Facts): Promise<Change> => {
    const declines = await declinesBeforeFailover(core, charge, attempt, facts);
    return conclude(core, charge, attempt, facts, { ...by, lease, declines });
  };
  if (outcome.kind === "unknown") {
    // authorize_first: what is in doubt moves no money, and the next provider is tried at once, if there is one.
    const change = charge.failover === "authorize_first" ? await concluded(answered) : null;
    if (change?.next) return change;
  }
  const facts = outcome.kind === "unknown" ? await resolveInTurn(core, charge, attempt, lease, { object, outcome, latencyMs }) : answered;
  learn(core, charge, attempt, facts);
  return concluded(facts);
}

/** The capture or void of a hold; a doubt about it is first resolved inside the time that the caller gave us. */
async function settlementStep(
  core: Core,
  charge: Charge,
  attempt: Attempt,
  lease: Lease,
  { fresh, ...by }: Pick<Turn, "actor" | "tried"> & { readonly fresh: boolean },
): Promise<Change> {
  let act = charge.settlement as Settlement;
  let settled = await settle(core, charge, attempt, act, lease, fresh);
  while (fresh && settled.kind === "waits" && settled.state === "in_doubt" && timeToLookAgain(core, lease)) {
    await core.clock.sleep(LOOK_AGAIN_MS);
    act = { ...act, ambiguous: true };
    settled = await settle(core, charge, attempt, act, lease, false);
  }
  const free = { ...charge, settlement: null };
  const declines = settled.kind === "voided" ? await declinesBeforeFailover(core, free, attempt, HOLD_GONE) : [];
  return concludeSettlement(core, charge, attempt, act, settled, { ...by, lease, declines });
}

const HOLD_GONE = { known: { kind: "fenced", object: "", decline: null }, ambiguous: false } as const;

function timeToLookAgain(core: Core, lease: Lease): boolean {
  return lease.left() >= LOOK_AGAIN_MS + 2 * WRITE_RESERVE_MS && core.maySend();
}

export function liveAttempt(charge: Charge): Attempt | undefined {
  return charge.attempts.find((attempt) => attempt.live);
}

/** A doubt is first resolved inside the time that the caller gave us; what is still unknown then is committed as in doubt. */
async function resolveInTurn(
  core: Core,
  charge: Charge,
  attempt: Attempt,
  lease: Lease,
  first: { object: string | null; outcome: Outcome; latencyMs: number },
): Promise<Facts> {
  // PayPal's answer to the first send itself: that send was refused, but a payment of this charge may exist.
  const refused = first.outcome.kind === "unknown" && first.outcome.cause === "duplicate_invoice";
  let facts: Facts = { known: first.outcome, object: first.object, ambiguous: !refused, sentAgain: false, latencyMs: first.latencyMs };
  for (;;) {
    const now = { ...attempt, object: facts.object, ambiguous: true };
    const found = refused ? await duplicate(core, charge, now, facts.object, lease, true) : await look(core, charge, now, lease);
    facts = { ...found, ambiguous: !refused, latencyMs: first.latencyMs };
    if (found.known.kind !== "unknown" || found.leave) return facts;
    if (!timeToLookAgain(core, lease)) return facts;
    await core.clock.sleep(LOOK_AGAIN_MS);
  }
}

/** Approval is learned from issuers' answers alone. */
export function learn(core: Core, charge: Charge, attempt: Attempt, facts: Facts): void {
  const { known } = facts;
  const segment = segmentOf(charge);
  if (known.kind === "approved") core.fleet.recordApproval(attempt.provider, segment, true);
  else if (known.kind === "declined" && known.source === "issuer") core.fleet.recordApproval(attempt.provider, segment, false);
}

/**
 * Commits one change by compare-and-set on the lease. A database that cannot be reached is tried again while the lease
 * lasts (nothing was written); a lost connection is ambiguous: nothing more is sent, and the charge is left to the next claimant.
 */
export async function commit(core: Core, charge: Charge, lease: Pick<Lease, "no" | "held">, change: Change): Promise<Charge> {
  const { row, after } = makeTransition(charge, lease.no, change);
  for (;;) {
    try {
      if (await core.write(row)) return after;
      throw new LeaseLost(`the lease ${lease.no} of ${charge.id} was taken over`);
    } catch (error) {
      if (error instanceof DatabaseAmbiguous) leaveToOthers(core, charge, lease);
      if (!(error instanceof DatabaseUnavailable) || !lease.held()) throw error;
      await core.clock.sleep(WRITE_AGAIN_MS);
    }
  }
}

/** Gives the lease back as soon as the database answers, so that nobody has to wait for its end. Harmless if the write was committed. */
export function leaveToOthers(core: Core, charge: Pick<Charge, "id">, lease: Pick<Lease, "no" | "held">): void {
  const release = async (): Promise<void> => {
    while (lease.held()) {
      await core.clock.sleep(WRITE_AGAIN_MS * 2);
      try {
        return await releaseClaim(core.db, { id: charge.id, leaseNo: lease.no }, new Date(core.clock.now()));
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable) && !(error instanceof DatabaseAmbiguous)) throw error;
      }
    }
  };
  release().catch((error: unknown) =>
    core.log.error({ charge: charge.id, err: error }, "a lease could not be given back; it ends by itself"),
  );
}
