import type { Segment } from "../../routing/approval.ts";
import type { Decision } from "../../routing/choose.ts";
import type { DeclinedAttempt } from "../../routing/retry-limits.ts";
import type { NewAttempt } from "../store/accept-charges.ts";
import type { AttemptPatch, NewDeadLetter } from "../store/write-transitions.ts";
import { storedRequest } from "./attempt.ts";
import type { Attempt, Charge, Failure } from "./charge.ts";
import { type Core, MIN_CALL_MS, WRITE_RESERVE_MS } from "./core.ts";
import { type Lease, leaseEnd, MAX_SKEW_MS } from "./lease.ts";
import type { Found } from "./look.ts";
import { barFailure, barredBy } from "./retries.ts";
import { askAgainMs, DOUBT_DEAD_LETTER_MS, drainDelayMs, FIRST_LOOK_MS, MAX_DRAIN_TRIES, nextInquiryMs, REDEFER_MS } from "./schedule.ts";
import type { Change } from "./transition.ts";
import { detailOf, gatewayFailure, judge, type Known, lastDecline, noProviderFailure, type Verdict } from "./verdict.ts";

/** What was learned about the live attempt. */
export interface Facts extends Found {
  /** Its commit step, or a crash in it, left a doubt at some time. */
  readonly ambiguous: boolean;
  readonly latencyMs: number | null;
}

/** Who turns at the charge now, and which providers this turn has tried already. */
export interface Turn {
  readonly lease: Lease;
  readonly actor: string;
  readonly tried: ReadonlySet<string>;
  /** The instrument's declined attempts, where a failover is possible; null: they could not be read. */
  readonly declines: readonly DeclinedAttempt[] | null;
}

type Ended = Extract<Verdict, { kind: "ended" }>;
type Waits = Extract<Verdict, { kind: "waits" }>;

/** From what was learned to the change to commit. Decides, writes nothing, calls nobody. */
export function conclude(core: Core, charge: Charge, attempt: Attempt, facts: Facts, turn: Turn): Change {
  const now = new Date(core.clock.now());
  if (facts.earlierPaid) return adoptEarlier(charge, attempt, facts, turn, now);
  const verdict = judge(charge, attempt, facts.known, facts.ambiguous);
  const base = { now, actor: turn.actor, attempt: patch(attempt, facts, verdict, now) };
  switch (verdict.kind) {
    case "moved":
      return {
        ...base,
        status: "succeeded",
        amountCaptured: verdict.approved.amount,
        provider: attempt.provider,
        providerReference: verdict.approved.reference,
        failure: null,
        deferred: null,
        ...(hadDeadLetter(charge) ? { settledBy: turn.actor } : {}),
      };
    case "waits":
      return { ...base, ...waiting(core, charge, attempt, verdict, now) };
    case "ended":
      return { ...base, ...afterEnd(core, charge, attempt, verdict, turn, now) };
  }
}

function patch(attempt: Attempt, facts: Facts, verdict: Verdict, now: Date): AttemptPatch {
  const known: Known = facts.known;
  const decided = verdict.kind === "moved" || verdict.kind === "ended";
  return {
    id: attempt.id,
    live: verdict.kind !== "ended",
    outcome: known.kind,
    ambiguous: facts.ambiguous,
    detail: detailOf(known),
    object: facts.object,
    provider_reference: known.kind === "approved" || known.kind === "pending" ? known.reference : null,
    finished_at: decided ? now.toISOString() : null,
    latency_ms: facts.latencyMs,
    next_look_at: unfenced(facts) ? new Date(now.getTime() + FIRST_LOOK_MS).toISOString() : null,
  };
}

/** Closed by a no, after a send that had no answer, and not fenced: a success could still show (law 8). */
function unfenced(facts: Facts): boolean {
  return facts.ambiguous && facts.known.kind === "declined";
}

function waiting(core: Core, charge: Charge, attempt: Attempt, verdict: Waits, now: Date): Omit<Change, "now" | "actor" | "attempt"> {
  const asked = verdict.known.kind !== "unknown" || verdict.known.cause !== "not_asked";
  const tries = charge.status === verdict.status ? charge.tries + (asked ? 1 : 0) : 0;
  const after: Omit<Change, "now" | "actor"> = {
    status: verdict.status,
    provider: attempt.provider,
    tries,
    nextActionAt: new Date(now.getTime() + (asked ? nextInquiryMs(verdict.status, tries) : askAgainMs(core.random))),
    nextAction:
      verdict.status === "requires_action" ? { type: "redirect", url: verdict.known.url ?? charge.nextAction?.url ?? null } : null,
  };
  const old = now.getTime() - attempt.startedAt.getTime() >= DOUBT_DEAD_LETTER_MS;
  return verdict.status === "in_doubt" && old ? { ...after, deadLetter: doubtLetter(core, charge, attempt) } : after;
}

/** Written with each look at what is a day old; there is at most one open letter of a charge. */
export function doubtLetter(core: Core, charge: Charge, attempt: Attempt): NewDeadLetter {
  const reason = "not settled for more than a day: compare with the provider's records and settle it by hand";
  return { id: core.newId("dl"), account_id: charge.accountId, kind: "doubt", attempt_id: attempt.id, reason };
}

function hadDeadLetter(charge: Charge): boolean {
  return charge.status !== "processing" || charge.attempts.length > 1;
}

type Rest = Omit<Change, "now" | "actor" | "attempt">;

function afterEnd(core: Core, charge: Charge, attempt: Attempt, verdict: Ended, turn: Turn, now: Date): Rest {
  const exclude = verdict.exclude ? attempt.provider : null;
  const settledBy = hadDeadLetter(charge) ? { settledBy: turn.actor } : {};
  const failed = (failure: Failure): Rest => ({
    ...settledBy,
    status: "failed",
    exclude,
    failure,
    deferred: null,
    provider: attempt.provider,
  });
  if (!verdict.mayFailOver) return failed(verdict.failure);

  const excluded = [...charge.excluded, ...(exclude ? [exclude] : [])];
  const tried = new Set([...turn.tried, attempt.provider]);
  const decision = decide(core, charge, [...excluded, ...tried]);
  const [provider] = decision.order;
  if (provider !== undefined) {
    if (turn.declines === null || turn.lease.left() < 2 * MIN_CALL_MS + WRITE_RESERVE_MS || awaitsLook(core, charge)) {
      // No time in this turn, or nothing may be begun yet: the next one, a worker's, goes on.
      return { ...settledBy, status: "processing", exclude, provider: null, nextActionAt: now };
    }
    const { known } = verdict;
    const declined = known.kind === "fenced" ? known.decline : known.kind === "declined" ? known : null;
    const bar = barredBy(charge, turn.declines, declined, now);
    if (bar) return failed(declined ? verdict.failure : barFailure(bar, now));
    const next = newAttempt(core, charge, provider, decision, now);
    return {
      ...settledBy,
      status: "processing",
      exclude,
      provider: null,
      next,
      keepLease: turn.lease.until,
      nextActionAt: turn.lease.until,
    };
  }
  // Somebody can be asked later: one that could not be asked now, or one of this turn's that refused before execution.
  const worthWaiting = Object.keys(charge.paymentMethod.tokens).some(
    (id) => !excluded.includes(id) && decision.candidates.some((c) => c.provider === id && (c.unavailable === "for_now" || tried.has(id))),
  );
  // What the issuer said earlier in the charge's life tells more than that nobody else could be asked.
  if (!worthWaiting) return failed((verdict.known.kind === "not_sent" ? lastDecline(charge) : null) ?? verdict.failure);
  const rest = postponed(core, charge, now, verdict.failure, charge.attempts.length);
  // One that fails here failed at this provider: the event says so, and the statistics count it there.
  return { ...settledBy, exclude, ...rest, ...(rest.status === "failed" ? { provider: attempt.provider } : {}) };
}

/**
 * Whether there is late evidence about an attempt that was given up: nothing new is begun before it is looked at. (A look that is
 * under way, or was put off because somebody holds the charge, is due within a lease's time by the clock of whoever took it; later ones
 * are routine.)
 */
export function awaitsLook(core: Core, charge: Charge): boolean {
  const soon = leaseEnd(core.clock, core.settings).getTime() + MAX_SKEW_MS;
  return charge.attempts.some((attempt) => attempt.nextLookAt !== null && attempt.nextLookAt.getTime() <= soon);
}

/** The next provider for a charge, from the in-process snapshot. */
export function decide(
  core: Core,
  charge: Pick<Charge, "id" | "paymentMethod" | "currency" | "amount">,
  excluded: readonly string[],
): Decision {
  return core.fleet.choose({
    providers: Object.keys(charge.paymentMethod.tokens),
    excluded,
    chargeId: charge.id,
    segment: segmentOf(charge),
    money: { amount: charge.amount, currency: charge.currency },
  });
}

/** What approval rates are kept by. */
export function segmentOf(charge: Pick<Charge, "paymentMethod" | "currency">): Segment {
  const { type, brand, country } = charge.paymentMethod;
  return { type, brand, country, currency: charge.currency };
}

export function newAttempt(
  core: Core,
  charge: Parameters<typeof storedRequest>[0] & { attempts: readonly unknown[] },
  provider: string,
  decision: Decision,
  now: Date,
): NewAttempt {
  const account = core.accountOf(provider);
  if (account === null) throw new Error(`provider ${provider} was chosen before its account was verified`);
  return {
    id: core.newId("at"),
    no: charge.attempts.length + 1,
    provider,
    provider_account: account,
    request: storedRequest(charge, provider),
    decision,
    started_at: now.toISOString(),
  };
}

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

/** Law 8 by way of the invoice id: the money is with an earlier attempt of the same charge. */
function adoptEarlier(charge: Charge, attempt: Attempt, facts: Facts, turn: Turn, now: Date): Change {
  const { attempt: earlier, approved } = facts.earlierPaid!;
  const closed = patch(attempt, facts, judge(charge, attempt, facts.known, facts.ambiguous), now);
  return {
    now,
    actor: turn.actor,
    status: "succeeded",
    amountCaptured: approved.amount,
    provider: earlier.provider,
    providerReference: approved.reference,
    failure: null,
    deferred: null,
    settledBy: turn.actor,
    attempt: closed,
    reopen: reopened(earlier, approved.reference, now),
    tell: [{ type: "charge.late_success", data: { adopted: true, attempt: earlier.id, reference: approved.reference } }],
  };
}

/** An attempt that was given up, and turns out to hold the charge's money. */
export function reopened(attempt: Attempt, reference: string, now: Date): AttemptPatch {
  return {
    id: attempt.id,
    live: true,
    outcome: "approved",
    ambiguous: false,
    detail: { captured: true, late: true },
    object: attempt.object,
    provider_reference: reference,
    finished_at: now.toISOString(),
    latency_ms: null,
    next_look_at: null,
  };
}
