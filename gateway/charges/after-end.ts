import type { Declined } from "../../providers/contract/outcome.ts";
import type { Decision } from "../../routing/choose.ts";
import type { DeclinedAttempt } from "../../routing/retry-limits.ts";
import type { AttemptPatch } from "../store/write-transitions.ts";
import type { Attempt, Charge, Failure } from "./charge.ts";
import { type Core, MIN_CALL_MS, WRITE_RESERVE_MS } from "./core.ts";
import type { Lease } from "./lease.ts";
import { hadDeadLetter } from "./letters.ts";
import { awaitsLook, decide, newAttempt, orphansOf } from "./next-attempt.ts";
import { postponed, type Rest } from "./postpone.ts";
import { barFailure, barredBy } from "./retries.ts";
import { nextInquiryMs } from "./schedule.ts";
import { authorizes, declinedForGood, type Known, lastDecline, type Verdict } from "./verdict.ts";

/** Who turns at the charge now, and which providers this turn has tried already. */
export interface Turn {
  readonly lease: Lease;
  readonly actor: string;
  readonly tried: ReadonlySet<string>;
  /** The instrument's declined attempts, where a failover is possible; null: they could not be read. */
  readonly declines: readonly DeclinedAttempt[] | null;
}

type Ended = Extract<Verdict, { kind: "ended" }>;

/**
 * Its attempt has ended without money: the next intent, or a wait, or the end. As long as an authorization of the charge is in doubt
 * elsewhere, that one is the charge's again instead: it may hold the money, and may be adopted.
 */
export function afterEnd(core: Core, charge: Charge, attempt: Attempt, verdict: Ended, turn: Turn, now: Date): Rest {
  const rest = nextOrEnd(core, charge, attempt, verdict, turn, now);
  const [orphan] = orphansOf(charge);
  if (!orphan || rest.next) return rest;
  return {
    ...settledBy(charge, turn),
    status: "in_doubt",
    exclude: rest.exclude ?? null,
    provider: orphan.provider,
    nextActionAt: new Date(now.getTime() + againInMs(charge)),
    tries: 0,
    reopen: again(orphan),
  };
}

function nextOrEnd(core: Core, charge: Charge, attempt: Attempt, verdict: Ended, turn: Turn, now: Date): Rest {
  const exclude = verdict.exclude ? attempt.provider : null;
  const closing = settledBy(charge, turn);
  const failed = (failure: Failure): Rest => ({
    ...closing,
    status: "failed",
    exclude,
    failure,
    deferred: null,
    provider: attempt.provider,
  });
  if (!verdict.mayFailOver) return failed(verdict.failure);

  const excluded = [...charge.excluded, ...(exclude ? [exclude] : [])];
  const tried = new Set([...turn.tried, attempt.provider]);
  const decision = decide(core, charge, [...excluded, ...tried, ...orphansOf(charge).map(({ provider }) => provider)]);
  const [provider] = decision.order;
  if (provider !== undefined) {
    // No time in this turn, or nothing may be begun yet: the next one, a worker's, goes on.
    if (!mayBegin(core, charge, turn)) return { ...closing, status: "processing", exclude, provider: null, nextActionAt: now };
    const declined = declineOf(verdict.known);
    const bar = barredBy(charge, turn.declines ?? [], declined, now);
    if (bar) return failed(declined ? verdict.failure : (lastDecline(charge) ?? barFailure(bar, now)));
    return { ...closing, exclude, ...nextIntent(core, charge, provider, decision, turn, now) };
  }
  // Somebody can be asked later: one that could not be asked now, or one of this turn's that refused before execution.
  const worthWaiting = Object.keys(charge.paymentMethod.tokens).some(
    (id) => !excluded.includes(id) && decision.candidates.some((c) => c.provider === id && (c.unavailable === "for_now" || tried.has(id))),
  );
  // What the issuer said earlier in the charge's life tells more than that nobody else could be asked.
  if (!worthWaiting) return failed((verdict.known.kind === "not_sent" ? lastDecline(charge) : null) ?? verdict.failure);
  const rest = postponed(core, charge, now, verdict.failure, charge.attempts.length);
  // One that fails here failed at this provider: the event says so, and the statistics count it there.
  return { ...closing, exclude, ...rest, ...(rest.status === "failed" ? { provider: attempt.provider } : {}) };
}

/**
 * authorize_first: the authorization is in doubt, and moves no money whatever became of it. Another provider is tried at once; the
 * orphan is looked at from now on until its provider has said what it is. null: nobody else can be asked, so it stays the charge's own.
 */
export function leftAsOrphan(core: Core, charge: Charge, attempt: Attempt, known: Known, turn: Turn, now: Date): Rest | null {
  // A payment of this charge may exist there: that is no mere authorization.
  const open = known.kind === "unknown" && known.cause !== "duplicate_invoice";
  if (!open || charge.failover !== "authorize_first" || !authorizes(attempt) || charge.settlement || declinedForGood(charge, attempt))
    return null;
  const orphans = orphansOf(charge).map(({ provider }) => provider);
  const decision = decide(core, charge, [...charge.excluded, ...turn.tried, attempt.provider, ...orphans]);
  const [provider] = decision.order;
  const others = { ...charge, attempts: charge.attempts.filter(({ id }) => id !== attempt.id) };
  if (provider === undefined || !mayBegin(core, others, turn) || barredBy(charge, turn.declines ?? [], null, now)) return null;
  return { ...settledBy(charge, turn), ...nextIntent(core, charge, provider, decision, turn, now) };
}

function mayBegin(core: Core, charge: Charge, { declines, lease }: Turn): boolean {
  return declines !== null && lease.left() >= 2 * MIN_CALL_MS + WRITE_RESERVE_MS && !awaitsLook(core, charge);
}

function nextIntent(core: Core, charge: Charge, provider: string, decision: Decision, { lease }: Turn, now: Date): Rest {
  const next = newAttempt(core, charge, provider, decision, now);
  return { status: "processing", provider: null, next, keepLease: lease.until, nextActionAt: lease.until };
}

function settledBy(charge: Charge, turn: Turn): Pick<Rest, "settledBy"> {
  return hadDeadLetter(charge) ? { settledBy: turn.actor } : {};
}

function declineOf(known: Ended["known"]): Declined | null {
  return known.kind === "fenced" ? known.decline : known.kind === "declined" ? known : null;
}

/** At once; later and later if others are tried in vain again and again, while the orphan's provider stays away. */
function againInMs({ attempts }: Charge): number {
  return attempts.length <= 2 ? 0 : nextInquiryMs("in_doubt", attempts.length - 3);
}

/** The orphan as the charge's live attempt once more. */
function again(orphan: Attempt): AttemptPatch {
  return {
    id: orphan.id,
    live: true,
    outcome: "unknown",
    ambiguous: true,
    detail: orphan.detail ?? {},
    object: orphan.object,
    provider_reference: null,
    finished_at: null,
    latency_ms: null,
    next_look_at: null,
  };
}
