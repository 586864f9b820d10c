import type { Approved, Finding, Outcome } from "../../providers/contract/outcome.ts";
import { stepKey } from "../../providers/contract/provider.ts";
import { claimOne, releaseClaim } from "../store/claim-charges.ts";
import { type ClosedAttempt, countLook, endLooks, putOffLook } from "../store/closed-attempts.ts";
import { isCompensated } from "../store/operations.ts";
import { readCharge } from "../store/read-charges.ts";
import type { AttemptPatch } from "../store/write-transitions.ts";
import { type Attempt, CHARGE_STATUSES, type Charge } from "./charge.ts";
import { reopened } from "./conclude.ts";
import { type Core, LEASE_MARGIN_MS } from "./core.ts";
import { commit, LeaseLost, liveAttempt } from "./drive.ts";
import { type Lease, leaseEnd, startLease } from "./lease.ts";
import { doubtLetter } from "./letters.ts";
import { canFence, fence, lookup } from "./look.ts";
import { isOrphan } from "./next-attempt.ts";
import { askAgainMs, DOUBT_DEAD_LETTER_MS, nextInquiryMs, nextLookMs } from "./schedule.ts";
import type { Change } from "./transition.ts";
import { detailOf } from "./verdict.ts";

const ACTOR = "system:worker";
/** Somebody is at the charge: the look waits for them. */
const BUSY_MS = 2_000;
/** An order that nobody has authorized for so long has lapsed (PayPal keeps one for three days at most). */
const ORPHAN_WATCH_MS = 96 * 3_600_000;
/**
 * The provider could not be seen, and the charge waits for it: also later on within the time that `awaitsLook` calls soon, whatever
 * CHARGE_BUDGET_MS is and however far the clock of whoever looked is ahead.
 */
const UNSEEN_MS = 5_000;
const LONG_UNSEEN_MS = LEASE_MARGIN_MS;

/**
 * Law 8. An attempt that was given up is looked at again; if it was paid after all, the charge adopts the money where it
 * holds none and has no live attempt, else the money goes back through one operation. Recorded and alerted either way.
 */
export async function lookAtClosed(core: Core, closed: ClosedAttempt): Promise<void> {
  const now = new Date(core.clock.now());
  const until = leaseEnd(core.clock, core.settings);
  const claim = await claimOne(core.db, { now, leaseUntil: until, id: closed.chargeId, accountId: null, statuses: CHARGE_STATUSES });
  if (!claim) return putOffLook(core.db, closed.id, closed.due, new Date(now.getTime() + BUSY_MS));
  const lease = startLease(core.clock, core.settings, claim, until);
  const charge = await readCharge(core.db, { accountId: null, id: closed.chargeId });
  try {
    const attempt = charge?.attempts.find((one) => one.id === closed.id);
    if (charge && attempt && !attempt.live) await lookAgain(core, charge, attempt, lease);
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
  } finally {
    // The claim has put off only what is in flight.
    await releaseClaim(core.db, { id: closed.chargeId, leaseNo: lease.no }, charge && IN_FLIGHT.has(charge.status) ? now : null);
  }
}

const IN_FLIGHT: ReadonlySet<string> = new Set(["processing", "requires_action", "pending", "in_doubt"]);

/** Whatever a look finds, what the charge itself waits for goes on: the look's claim has put it off. */
function ownDue({ status, nextActionAt }: Charge, now: Date): Date | null {
  return IN_FLIGHT.has(status) ? now : nextActionAt;
}

async function lookAgain(core: Core, charge: Charge, closed: Attempt, lease: Lease): Promise<void> {
  // Its money went back, or is going: the provider goes on calling the payment a success.
  if (await isCompensated(core.db, closed.id)) return endLooks(core.db, closed.id);
  const { known, object } = await lookAndFence(core, charge, closed, lease);
  // Whoever crashed in its commit step wrote none; without it nothing can be released.
  const attempt = { ...closed, object };
  if (known.kind === "approved") {
    await commit(core, charge, lease, lateSuccess(core, charge, attempt, known));
    return endLooks(core.db, attempt.id);
  }
  if (isOrphan(attempt)) return lookAtOrphan(core, charge, attempt, known, lease);
  // What is under review may be paid any moment: it holds the next attempt back as what cannot be seen does.
  const undecided = known.kind === "unknown" || known.kind === "pending";
  if (undecided && WAITS_FOR_LOOK.has(charge.status)) return waitUnseen(core, charge, attempt, lease);
  const now = core.clock.now();
  const over = known.kind === "fenced" || known.kind === "declined";
  const inMs = over ? null : nextLookMs(attempt.looks + 1, canStillBePaid(core, attempt, known));
  await countLook(core.db, attempt.id, attempt.nextLookAt, inMs === null ? null : new Date(now + inMs));
}

/**
 * An authorization in doubt that was left for another provider holds nothing back: what is firm is written, and what is not seen is looked
 * at again, as often as a doubt.
 */
async function lookAtOrphan(core: Core, charge: Charge, attempt: Attempt, known: Finding | Outcome, lease: Lease): Promise<void> {
  const now = new Date(core.clock.now());
  const { status, nextAction } = charge;
  const same = { now, actor: ACTOR, status, nextAction, nextActionAt: ownDue(charge, now) };
  if (known.kind === "fenced" || known.kind === "declined") {
    const detail = detailOf(known);
    const over = { ...closedPatch(attempt, known.kind, now), detail };
    await commit(core, charge, lease, { ...same, attempt: over, settledBy: ACTOR });
    return endLooks(core.db, attempt.id);
  }
  const ageMs = now.getTime() - attempt.startedAt.getTime();
  const unseen = known.kind === "unknown" || known.kind === "pending";
  if (!unseen && ageMs >= ORPHAN_WATCH_MS) return endLooks(core.db, attempt.id);
  if (known.kind === "unknown" && known.cause === "not_asked") {
    await putOffLook(core.db, attempt.id, attempt.nextLookAt, new Date(now.getTime() + askAgainMs(core.random)));
  } else {
    const next = new Date(now.getTime() + nextInquiryMs("in_doubt", attempt.looks + 1));
    await countLook(core.db, attempt.id, attempt.nextLookAt, next);
  }
  if (unseen && ageMs >= DOUBT_DEAD_LETTER_MS)
    await commit(core, charge, lease, { ...same, deadLetter: doubtLetter(core, charge, attempt) });
}

/** These may begin another attempt, and begin none while there is evidence to be looked at. */
const WAITS_FOR_LOOK: ReadonlySet<string> = new Set([...IN_FLIGHT, "deferred"]);

/** However long nobody could see it, nothing else is begun before: after a day a person should know. */
async function waitUnseen(core: Core, charge: Charge, attempt: Attempt, lease: Lease): Promise<void> {
  const now = new Date(core.clock.now());
  const long = now.getTime() - attempt.startedAt.getTime() >= DOUBT_DEAD_LETTER_MS;
  await putOffLook(core.db, attempt.id, attempt.nextLookAt, new Date(now.getTime() + (long ? LONG_UNSEEN_MS : UNSEEN_MS)));
  if (!long) return;
  const deadLetter = doubtLetter(core, charge, attempt);
  const { status, nextAction } = charge;
  await commit(core, charge, lease, { now, actor: ACTOR, status, nextAction, nextActionAt: ownDue(charge, now), deadLetter });
}

/** What is open is fenced, where that is possible: then it is over. */
async function lookAndFence(
  core: Core,
  charge: Charge,
  attempt: Attempt,
  lease: Lease,
): Promise<{ known: Finding | Outcome; object: string | null }> {
  const { finding, object } = await lookup(core, charge, attempt, lease);
  const open = finding.kind === "unpaid" || finding.kind === "requires_action";
  const known = open && object !== null && canFence(core, attempt) ? await fence(core, attempt, object, lease) : finding;
  return { known, object: object ?? attempt.object };
}

/** Without us: a review ends, a customer acts at a payment that no fence has closed, or something that could not be seen happened. */
function canStillBePaid(core: Core, attempt: Attempt, known: Finding | Outcome): boolean {
  return known.kind === "unknown" || known.kind === "pending" || canFence(core, attempt);
}

/** What an orphan turned out to be; it stays closed. */
function closedPatch(attempt: Attempt, outcome: "approved" | "fenced" | "declined", now: Date): AttemptPatch {
  return {
    id: attempt.id,
    live: false,
    outcome,
    ambiguous: true,
    detail: { captured: false },
    object: attempt.object,
    provider_reference: null,
    finished_at: now.toISOString(),
    latency_ms: null,
    next_look_at: null,
  };
}

/** Adopt or compensate: the one place where law 8 decides. */
export function lateSuccess(core: Core, charge: Charge, attempt: Attempt, approved: Approved): Change {
  const now = new Date(core.clock.now());
  const adopt = charge.amountCaptured === 0n && !liveAttempt(charge) && approved.captured;
  const tell = [
    {
      type: "charge.late_success",
      data: { adopted: adopt, attempt: attempt.id, reference: approved.reference, amount: approved.amount.toString() },
    },
  ];
  core.log.error({ charge: charge.id, attempt: attempt.id, adopted: adopt }, "a payment that was given up has succeeded");
  if (adopt) {
    return {
      now,
      actor: ACTOR,
      status: "succeeded",
      amountCaptured: approved.amount,
      provider: attempt.provider,
      providerReference: approved.reference,
      failure: null,
      deferred: null,
      settledBy: ACTOR,
      reopen: reopened(attempt, approved.reference, now),
      tell,
    };
  }
  // The charge stays as it is; only the operation is new.
  const orphan = isOrphan(attempt) ? { ...closedPatch(attempt, "approved", now), provider_reference: approved.reference } : null;
  return {
    now,
    actor: ACTOR,
    status: charge.status,
    nextAction: charge.nextAction,
    nextActionAt: ownDue(charge, now),
    ...(orphan ? { attempt: orphan } : {}),
    operation: {
      id: core.newId("op"),
      kind: "compensate",
      account_id: charge.accountId,
      attempt_id: attempt.id,
      provider_key: stepKey(attempt.id, "compensate"),
      object: attempt.object,
      reference: approved.reference,
      amount: approved.amount.toString(),
      currency: charge.currency,
      captured: approved.captured,
    },
    tell,
  };
}
