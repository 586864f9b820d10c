import { type Finding, never } from "../../providers/contract/outcome.ts";
import type { Unavailable } from "../../routing/choose.ts";
import { withCurrentTokens } from "../payment-methods/current-tokens.ts";
import type { Claim } from "../store/claim-charges.ts";
import { releaseClaim } from "../store/claim-charges.ts";
import { readCharge } from "../store/read-charges.ts";
import type { AttemptPatch } from "../store/write-transitions.ts";
import type { Attempt, Charge, Settlement } from "./charge.ts";
import { conclude } from "./conclude.ts";
import { openPatch } from "./conclude-settlement.ts";
import type { Core } from "./core.ts";
import { commit, drive, LeaseLost, learn, liveAttempt } from "./drive.ts";
import { type Lease, startLease } from "./lease.ts";
import { doubtLetter } from "./letters.ts";
import { canFence, fence, look, lookup } from "./look.ts";
import { awaitsLook, decide, newAttempt } from "./next-attempt.ts";
import { expired, postponed } from "./postpone.ts";
import { barFailure, barredBy, declinesBeforeFailover, declinesOf } from "./retries.ts";
import { ACTION_EXPIRY_MS, askAgainMs, DOUBT_DEAD_LETTER_MS, FIRST_LOOK_MS, nextInquiryMs, RULED_OUT_MS } from "./schedule.ts";
import { isOpen } from "./settlement.ts";
import { detailOf, gatewayFailure, lastDecline } from "./verdict.ts";
import { watchHold } from "./watch-hold.ts";

const ACTOR = "system:worker";

/** What a turn came to, for the drain's pace: whether the provider showed a fault. */
export interface TurnResult {
  readonly charge: Charge;
  readonly fault: boolean;
  /** Somebody was asked: a turn that begins no attempt says nothing about providers. */
  readonly asked: boolean;
}

/**
 * A worker's turn at a charge that it has claimed, whatever state it finds: a crash, a doubt, a wait, a deferral. Null: the
 * charge was taken over meanwhile, which is no harm.
 */
export async function takeTurn(core: Core, claim: Claim, leaseUntil: Date): Promise<TurnResult | null> {
  const lease = startLease(core.clock, core.settings, claim, leaseUntil);
  const found = await readCharge(core.db, { accountId: null, id: claim.id });
  if (!found || found.leaseNo !== claim.leaseNo) return null;
  const charge = await withCurrentTokens(core, found);
  try {
    const after = await turn(core, charge, lease);
    const begun = after.attempts.slice(charge.attempts.length);
    return { charge: after, fault: begun.some(faulty) || after.status === "in_doubt", asked: begun.length > 0 };
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
  if (attempt && isOpen(charge.settlement)) return goOnSettling(core, charge, charge.settlement, lease);
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
      return attempt ? watchHold(core, charge, attempt, lease, ACTOR) : stranded(core, charge, lease);
    case "succeeded":
    case "failed":
    case "canceled":
      return giveBack(core, charge, lease, null);
    default:
      return never(charge.status);
  }
}

/**
 * Its capture or void waits, or crashed: it may have been sent. One that is deferred was proven not to be executed: it is sent as if for the
 * first time, once that intent is committed.
 */
async function goOnSettling(core: Core, charge: Charge, act: Settlement, lease: Lease): Promise<Charge> {
  if (act.state !== "deferred" || act.ambiguous) return drive(core, charge, lease, ACTOR, false);
  const { status, failure, nextAction } = charge;
  const { until } = lease;
  const settlement = { ...openPatch(act), state: "processing" } as const;
  const intent = {
    now: new Date(core.clock.now()),
    actor: ACTOR,
    status,
    failure,
    nextAction,
    settlement,
    keepLease: until,
    nextActionAt: until,
  };
  return drive(core, await commit(core, charge, lease, intent), lease, ACTOR);
}

/** Looks at the live attempt, commits what it finds, and goes on where there is proof. */
async function resolve(core: Core, charge: Charge, attempt: Attempt, lease: Lease): Promise<Charge> {
  const found = await look(core, charge, attempt, lease);
  const { known, sentAgain } = found;
  // What is pending, or waits for the customer, stays so while it cannot be seen, unless the commit step was sent once more.
  const waits = charge.status === "pending" || charge.status === "requires_action";
  if (known.kind === "unknown" && waits && !sentAgain) return waitUnseen(core, charge, attempt, lease, known);
  const ambiguous = attempt.ambiguous || attempt.outcome === null || sentAgain;
  const facts = { ...found, ambiguous, latencyMs: null };
  learn(core, charge, attempt, facts);
  const declines = await declinesBeforeFailover(core, charge, attempt, facts);
  const turn = { lease, actor: ACTOR, tried: new Set<string>(), declines };
  const after = await commit(core, charge, lease, conclude(core, charge, attempt, facts, turn));
  return drive(core, after, lease, ACTOR);
}

/** The next attempt of a deferred charge, or of one whose last turn ran out of time: late success? expired? then intent, drive. */
async function begin(core: Core, charge: Charge, lease: Lease): Promise<Charge> {
  const declines = await declinesOf(core, charge, new Date(core.clock.now()));
  const now = new Date(core.clock.now());
  if (awaitsLook(core, charge)) {
    if (!longOver(charge, now)) return giveBack(core, charge, lease, new Date(now.getTime() + 1_000));
    // The look that comes next finds a charge that is over, and tells nobody.
    const unseen = charge.attempts.find(({ nextLookAt }) => nextLookAt !== null)!;
    const deadLetter = doubtLetter(core, charge, unseen);
    return commit(core, charge, lease, { now, actor: ACTOR, ...postponed(core, charge, now, null, null), deadLetter });
  }
  if (charge.status === "deferred" && charge.deferUntil <= now) return commit(core, charge, lease, { now, actor: ACTOR, ...expired() });
  const bar = barredBy(charge, declines, null, now);
  if (bar) {
    const failure = lastDecline(charge) ?? barFailure(bar, now);
    return commit(core, charge, lease, { now, actor: ACTOR, status: "failed", failure, deferred: null });
  }
  const decision = decide(core, charge, charge.excluded);
  const [provider] = decision.order;
  if (provider === undefined) {
    // Rules may be wrong for a minute; a charge that failed stays failed.
    const waits = (why: Unavailable) => decision.candidates.some(({ unavailable }) => unavailable === why);
    const none = gatewayFailure("payment_method_gone", "No provider is left that this payment method has a token for.");
    const rest = waits("for_now")
      ? postponed(core, charge, now, null, null)
      : waits("by_rule")
        ? postponed(core, charge, now, null, null, RULED_OUT_MS)
        : ({ status: "failed", failure: none, deferred: null } as const);
    return commit(core, charge, lease, { now, actor: ACTOR, ...rest });
  }
  const next = newAttempt(core, charge, provider, decision, now);
  const change = { now, actor: ACTOR, status: "processing", next, tries: 0, keepLease: lease.until, nextActionAt: lease.until } as const;
  return drive(core, await commit(core, charge, lease, change), lease, ACTOR);
}

/** Its time is over, and nobody could look for a day: what shows after that is made good (law 8). */
function longOver(charge: Charge, now: Date): boolean {
  const newest = Math.max(...charge.attempts.map(({ startedAt }) => startedAt.getTime()));
  return charge.deferUntil <= now && now.getTime() - newest >= DOUBT_DEAD_LETTER_MS;
}

/** Waits for the customer; at expiry the attempt is fenced, so that nothing can be paid afterwards. */
async function awaitAction(core: Core, charge: Charge, attempt: Attempt, lease: Lease): Promise<Charge> {
  if (!isExpired(core, attempt)) return resolve(core, charge, attempt, lease);
  const { finding, object } = await lookup(core, charge, attempt, lease);
  if (finding.kind === "unknown" || object === null) return waitUnseen(core, charge, attempt, lease, finding);
  if (finding.kind !== "requires_action" && finding.kind !== "unpaid") return resolve(core, charge, attempt, lease);
  // Where there is no fence (PayPal), our own capture is the only thing that could move money, and it is never sent again.
  const firm = !canFence(core, attempt) && !attempt.ambiguous;
  const known = firm ? ({ kind: "fenced", object, decline: null } as const) : await fence(core, attempt, object, lease);
  if (known.kind === "unknown") return waitUnseen(core, charge, attempt, lease, known);
  if (known.kind !== "fenced") return resolve(core, charge, attempt, lease);
  const now = new Date(core.clock.now());
  const patch: AttemptPatch = {
    id: attempt.id,
    live: false,
    outcome: "fenced",
    ambiguous: attempt.ambiguous,
    detail: detailOf(known),
    object,
    provider_reference: null,
    finished_at: now.toISOString(),
    latency_ms: null,
    next_look_at: firm ? new Date(now.getTime() + FIRST_LOOK_MS).toISOString() : null,
  };
  const failure = gatewayFailure("action_expired", "The customer did not authenticate in time.");
  return commit(core, charge, lease, { now, actor: ACTOR, status: "failed", failure, deferred: null, settledBy: ACTOR, attempt: patch });
}

function isExpired(core: Core, attempt: Attempt): boolean {
  return core.clock.now() - attempt.startedAt.getTime() >= ACTION_EXPIRY_MS;
}

/** Same state, asked again later and later; a person is told when it could not be seen, or ended, for a day. */
function waitUnseen(core: Core, charge: Charge, attempt: Attempt, lease: Lease, seen: Finding): Promise<Charge> {
  const now = new Date(core.clock.now());
  const since = typeof attempt.detail?.unseen_since === "string" ? attempt.detail.unseen_since : now.toISOString();
  const old =
    now.getTime() - Date.parse(since) >= DOUBT_DEAD_LETTER_MS || (charge.status === "requires_action" && isExpired(core, attempt));
  const asked = seen.kind !== "unknown" || seen.cause !== "not_asked";
  const tries = charge.tries + (asked ? 1 : 0);
  const patch: AttemptPatch = {
    id: attempt.id,
    live: true,
    outcome: attempt.outcome ?? "unknown",
    ambiguous: attempt.ambiguous,
    detail: { ...attempt.detail, unseen_since: since },
    object: attempt.object,
    provider_reference: attempt.providerReference,
    finished_at: null,
    latency_ms: null,
    next_look_at: null,
  };
  return commit(core, charge, lease, {
    now,
    actor: ACTOR,
    status: charge.status,
    nextActionAt: new Date(now.getTime() + (asked ? nextInquiryMs("in_doubt", tries) : askAgainMs(core.random))),
    nextAction: charge.nextAction,
    tries,
    attempt: patch,
    ...(old ? { deadLetter: doubtLetter(core, charge, attempt) } : {}),
  });
}

async function giveBack(core: Core, charge: Charge, lease: Lease, dueAt: Date | null): Promise<Charge> {
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
