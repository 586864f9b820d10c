import type { AttemptPatch } from "../store/write-transitions.ts";
import { afterEnd, leftAsOrphan, type Turn } from "./after-end.ts";
import type { Attempt, Charge } from "./charge.ts";
import type { Core } from "./core.ts";
import { held } from "./hold.ts";
import { doubtLetter, hadDeadLetter } from "./letters.ts";
import type { Found } from "./look.ts";
import { askAgainMs, DOUBT_DEAD_LETTER_MS, FIRST_LOOK_MS, nextInquiryMs } from "./schedule.ts";
import type { Change } from "./transition.ts";
import { declinedForGood, detailOf, judge, type Known, type Verdict } from "./verdict.ts";

/** What was learned about the live attempt. */
export interface Facts extends Found {
  /** Its commit step, or a crash in it, left a doubt at some time. */
  readonly ambiguous: boolean;
  readonly latencyMs: number | null;
}

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
    case "held": {
      const closing = hadDeadLetter(charge) ? { settledBy: turn.actor } : {};
      return { ...base, ...closing, ...held(core, charge, attempt, verdict.approved, turn.lease, now) };
    }
    case "waits": {
      const failure = facts.leave ? declinedForGood(charge, attempt) : null;
      if (failure) {
        const end = { status: "failed", failure, deferred: null, provider: attempt.provider, settledBy: turn.actor } as const;
        return { ...base, ...end, attempt: orphaned(attempt, facts, now) };
      }
      const rest = leftAsOrphan(core, charge, attempt, verdict.known, turn, now);
      if (rest) return { ...base, ...rest, attempt: orphaned(attempt, facts, now) };
      return { ...base, ...waiting(core, charge, attempt, verdict, now) };
    }
    case "ended":
      return { ...base, ...afterEnd(core, charge, attempt, verdict, turn, now) };
  }
}

function patch(attempt: Attempt, facts: Facts, verdict: Verdict, now: Date): AttemptPatch {
  const known: Known = facts.known;
  const decided = verdict.kind !== "waits";
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

/** Given up for another provider while nobody knows what became of it: looked at until somebody does. */
function orphaned(attempt: Attempt, facts: Facts, now: Date): AttemptPatch {
  return {
    id: attempt.id,
    live: false,
    outcome: "unknown",
    ambiguous: true,
    detail: detailOf(facts.known),
    object: facts.object,
    provider_reference: null,
    finished_at: null,
    latency_ms: facts.latencyMs,
    next_look_at: new Date(now.getTime() + nextInquiryMs("in_doubt", 0)).toISOString(),
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
