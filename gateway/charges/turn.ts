import { never } from "../../providers/contract/outcome.ts";
import type { Claim } from "../store/claim-charges.ts";
import { releaseClaim } from "../store/claim-charges.ts";
import { readCharge } from "../store/read-charges.ts";
import { providerOf } from "./attempt.ts";
import type { Attempt, Charge } from "./charge.ts";
import { conclude, decide, expired, newAttempt, postponed } from "./conclude.ts";
import type { Core } from "./core.ts";
import { commit, drive, LeaseLost, learn, liveAttempt } from "./drive.ts";
import { type Lease, startLease } from "./lease.ts";
import { fence, look, lookup } from "./look.ts";
import { ACTION_EXPIRY_MS } from "./schedule.ts";
import { gatewayFailure } from "./verdict.ts";

const ACTOR = "system:worker";

/** What a turn came to, for the drain's pace: whether the provider showed a fault. */
export interface TurnResult {
  readonly charge: Charge;
  readonly fault: boolean;
}

/**
 * A worker's turn at a charge that it has claimed, whatever state it finds: a crash, a doubt, a wait, a deferral. Null: the
 * charge was taken over meanwhile, which is no harm.
 */
export async function takeTurn(core: Core, claim: Claim, leaseUntil: Date): Promise<TurnResult | null> {
  const lease = startLease(core.clock, core.settings, claim, leaseUntil);
  const charge = await readCharge(core.db, { accountId: null, id: claim.id });
  if (!charge || charge.leaseNo !== claim.leaseNo) return null;
  try {
    const after = await turn(core, charge, lease);
    return { charge: after, fault: after.attempts.slice(charge.attempts.length).some(faulty) || after.status === "in_doubt" };
  } catch (error) {
    if (error instanceof LeaseLost) return null;
    throw error;
  }
}

/** An attempt that ended without the provider's yes or no. */
function faulty(attempt: Attempt): boolean {
  return attempt.outcome === "not_sent" || attempt.outcome === "unknown" || attempt.outcome === "fenced";
}

async function turn(core: Core, charge: Charge, lease: Lease): Promise<Charge> {
  const attempt = liveAttempt(charge);
  switch (charge.status) {
    case "processing":
      // A crash: the commit step may have been sent. Without a live attempt the turn before had proof, and no time.
      return attempt ? resolve(core, charge, attempt, lease) : begin(core, charge, lease);
    case "in_doubt":
    case "pending":
      return attempt ? resolve(core, charge, attempt, lease) : stranded(core, charge, lease);
    case "requires_action":
      return attempt ? awaitAction(core, charge, attempt, lease) : stranded(core, charge, lease);
    case "deferred":
      return begin(core, charge, lease);
    case "authorized":
    case "succeeded":
    case "failed":
    case "canceled":
      return giveBack(core, charge, lease, charge.nextActionAt ?? new Date(core.clock.now()));
    default:
      return never(charge.status);
  }
}

/** Looks at the live attempt, commits what it finds, and goes on where there is proof. */
async function resolve(core: Core, charge: Charge, attempt: Attempt, lease: Lease): Promise<Charge> {
  const found = await look(core, charge, attempt, lease);
  const facts = { ...found, ambiguous: attempt.ambiguous || attempt.outcome === null || found.known.kind === "unknown", latencyMs: null };
  learn(core, charge, attempt, facts);
  // What is pending, or waits for the customer, stays so while the provider cannot be asked: nothing was sent that could be in doubt.
  if (found.known.kind === "unknown" && charge.status !== "processing" && charge.status !== "in_doubt") {
    return giveBackLater(core, charge, lease);
  }
  const after = await commit(core, charge, lease, conclude(core, charge, attempt, facts, { lease, actor: ACTOR, tried: new Set() }));
  return drive(core, after, lease, ACTOR);
}

/** The next attempt of a deferred charge, or of one whose last turn ran out of time: expired? late success? then intent, drive. */
async function begin(core: Core, charge: Charge, lease: Lease): Promise<Charge> {
  const now = new Date(core.clock.now());
  if (charge.status === "deferred" && charge.deferUntil <= now) return commit(core, charge, lease, { now, actor: ACTOR, ...expired() });
  // An attempt given up without a fence may still turn out to be paid: nothing new is begun before that is looked at.
  if (charge.attempts.some((attempt) => attempt.nextLookAt !== null)) return giveBack(core, charge, lease, new Date(now.getTime() + 1_000));

  const decision = decide(core, charge, charge.excluded);
  const [provider] = decision.order;
  if (provider === undefined) {
    const canWait = decision.candidates.some((candidate) => candidate.unavailable === "for_now");
    const none = gatewayFailure("payment_method_gone", "No provider is left that this payment method has a token for.");
    const rest = canWait ? postponed(core, charge, now, null, null) : ({ status: "failed", failure: none, deferred: null } as const);
    return commit(core, charge, lease, { now, actor: ACTOR, ...rest });
  }
  const next = newAttempt(core, charge, provider, decision, now);
  const change = { now, actor: ACTOR, status: "processing", next, tries: 0, keepLease: lease.until, nextActionAt: lease.until } as const;
  return drive(core, await commit(core, charge, lease, change), lease, ACTOR);
}

/** Waits for the customer; at expiry the attempt is fenced, so that nothing can be paid afterwards. */
async function awaitAction(core: Core, charge: Charge, attempt: Attempt, lease: Lease): Promise<Charge> {
  if (core.clock.now() - attempt.startedAt.getTime() < ACTION_EXPIRY_MS) return resolve(core, charge, attempt, lease);
  const provider = providerOf(core, attempt);
  const { finding, object } = await lookup(core, charge, attempt, provider, lease);
  const open = finding.kind === "requires_action" || finding.kind === "unpaid";
  if (!open || object === null) return resolve(core, charge, attempt, lease);
  // Where there is no fence (PayPal), our own capture is the only thing that could move money, and it is never sent again.
  const firm = !provider.capabilities.fence && !attempt.ambiguous;
  const known = firm ? ({ kind: "fenced", object, decline: null } as const) : await fence(core, attempt, provider, object, lease);
  if (known.kind !== "fenced") {
    return known.kind === "unknown" ? giveBackLater(core, charge, lease) : resolve(core, charge, attempt, lease);
  }
  const now = new Date(core.clock.now());
  const facts = { known, object, ambiguous: attempt.ambiguous, latencyMs: null };
  const concluded = conclude(core, charge, attempt, facts, { lease, actor: ACTOR, tried: new Set() });
  const failure = gatewayFailure("action_expired", "The customer did not authenticate in time.");
  const { now: _now, actor: _actor, attempt: patch } = concluded;
  const nextLook = firm ? new Date(now.getTime() + 60_000).toISOString() : null;
  return commit(core, charge, lease, {
    now,
    actor: ACTOR,
    status: "failed",
    failure,
    ...(patch ? { attempt: { ...patch, next_look_at: nextLook } } : {}),
  });
}

/** Same state, asked again later. */
function giveBackLater(core: Core, charge: Charge, lease: Lease): Promise<Charge> {
  const now = new Date(core.clock.now());
  const again = { nextActionAt: new Date(now.getTime() + 30_000), nextAction: charge.nextAction, tries: charge.tries + 1 };
  return commit(core, charge, lease, { now, actor: ACTOR, status: charge.status, ...again });
}

async function giveBack(core: Core, charge: Charge, lease: Lease, dueAt: Date): Promise<Charge> {
  await releaseClaim(core.db, { id: charge.id, leaseNo: lease.no }, dueAt);
  return charge;
}

/** The tables forbid it; should it be so all the same, a person must see it rather than a loop. */
function stranded(core: Core, charge: Charge, lease: Lease): Promise<Charge> {
  core.log.error({ charge: charge.id, status: charge.status }, "a waiting charge without a live attempt");
  const now = new Date(core.clock.now());
  const reason = `${charge.status} without a live attempt`;
  const deadLetter = { id: core.newId("dl"), account_id: charge.accountId, kind: "charge", attempt_id: null, reason } as const;
  const nextActionAt = new Date(now.getTime() + 3_600_000);
  return commit(core, charge, lease, { now, actor: ACTOR, status: charge.status, nextActionAt, deadLetter });
}
