import { never } from "../../providers/contract/outcome.ts";
import type { AttemptPatch, SettlementPatch } from "../store/write-transitions.ts";
import { afterEnd, type Turn } from "./after-end.ts";
import type { Attempt, Charge, Failure, Settlement } from "./charge.ts";
import type { Core } from "./core.ts";
import { intentOf, warnAt } from "./hold.ts";
import { doubtLetter, hadDeadLetter } from "./letters.ts";
import { askAgainMs, DOUBT_DEAD_LETTER_MS, drainDelayMs, nextInquiryMs } from "./schedule.ts";
import type { Settled } from "./settlement.ts";
import type { Change } from "./transition.ts";
import { gatewayFailure, judge } from "./verdict.ts";

type Waits = Extract<Settled, { kind: "waits" }>;

/** From what the capture or void of a hold came to, to the change to commit. Decides, writes nothing, calls nobody. */
export function concludeSettlement(core: Core, charge: Charge, attempt: Attempt, act: Settlement, settled: Settled, turn: Turn): Change {
  const now = new Date(core.clock.now());
  const base = { now, actor: turn.actor, ...(hadDeadLetter(charge) ? { settledBy: turn.actor } : {}) };
  switch (settled.kind) {
    case "captured": {
      const { amount, reference } = settled.approved;
      return {
        ...base,
        status: "succeeded",
        amountCaptured: amount,
        provider: attempt.provider,
        providerReference: reference,
        failure: null,
        deferred: null,
        settlement: captured(act, reference),
        tell: [{ type: "charge.captured", data: { operation: act.id, amount: amount.toString(), reference } }],
      };
    }
    case "voided":
      return { ...base, ...(act.kind === "void" ? released(charge, attempt, act, now) : gone(core, charge, attempt, act, turn, now)) };
    case "refused":
      return { ...base, ...refused(core, charge, attempt, act, settled.failure, turn, now) };
    case "waits":
      return { now, actor: turn.actor, ...waiting(core, charge, attempt, act, settled, now) };
    default:
      return never(settled);
  }
}

type Rest = Omit<Change, "now" | "actor">;

/** The void that was asked for; or the one after a refused capture, which the charge fails with. */
function released(charge: Charge, attempt: Attempt, act: Settlement, now: Date): Rest {
  const status = charge.failure ? "failed" : "canceled";
  return { status, provider: attempt.provider, deferred: null, settlement: done(act, null), attempt: fencedHold(attempt, now) };
}

/** There is no hold any more to capture, and nothing was captured: proof, as for any fenced attempt. */
function gone(core: Core, charge: Charge, attempt: Attempt, act: Settlement, turn: Turn, now: Date): Rest {
  const failure = holdGone(charge, now);
  const closed = { settlement: failed(act, failure), attempt: fencedHold(attempt, now) };
  if (charge.capture === "manual") return { ...closed, status: "canceled", provider: attempt.provider, failure };
  const free = { ...charge, settlement: null };
  const verdict = judge(free, attempt, { kind: "fenced", object: attempt.object ?? "", decline: null }, false);
  if (verdict.kind !== "ended") throw new Error("a fenced attempt has ended");
  return { ...afterEnd(core, free, attempt, verdict, turn, now), ...closed };
}

/** A capture never fails over. A manual one may be tried again; an automatic one releases the hold, and the charge fails. */
function refused(core: Core, charge: Charge, attempt: Attempt, act: Settlement, failure: Failure, turn: Turn, now: Date): Rest {
  const settlement = failed(act, failure);
  if (charge.capture === "manual") {
    return { status: "authorized", settlement, failure, nextActionAt: warnAt(charge.authorizedUntil ?? now, now) };
  }
  const operation = intentOf(core, charge, attempt, "void", act.amount);
  return { status: "processing", settlement, failure, operation, keepLease: turn.lease.until, nextActionAt: turn.lease.until };
}

function waiting(core: Core, charge: Charge, attempt: Attempt, act: Settlement, seen: Waits, now: Date): Rest {
  const tries = act.tries + (seen.asked ? 1 : 0);
  const old = now.getTime() - act.createdAt.getTime() >= DOUBT_DEAD_LETTER_MS && seen.state !== "pending";
  const waitMs = !seen.asked
    ? askAgainMs(core.random)
    : seen.state === "deferred"
      ? drainDelayMs(tries, core.random)
      : nextInquiryMs(seen.state, tries);
  const settlement: SettlementPatch = {
    ...openPatch(act),
    state: seen.state,
    ambiguous: seen.state === "in_doubt",
    tries,
    provider_reference: seen.reference,
    detail: seen.detail,
  };
  return {
    // A void in doubt leaves no doubt about money.
    status: act.kind === "capture" && seen.state !== "deferred" ? seen.state : atRest(charge),
    settlement,
    nextActionAt: new Date(now.getTime() + waitMs),
    ...(old ? { deadLetter: doubtLetter(core, charge, attempt) } : {}),
  };
}

function atRest({ capture }: Charge): "authorized" | "processing" {
  return capture === "manual" ? "authorized" : "processing";
}

/** Why an authorized charge ends without a capture of ours. */
export function holdGone({ authorizedUntil }: Charge, now: Date): Failure {
  return authorizedUntil !== null && authorizedUntil <= now
    ? gatewayFailure("authorization_expired", "The authorization lapsed before it was captured; nothing was charged.")
    : gatewayFailure("authorization_gone", "The provider released the authorization before it was captured; nothing was charged.");
}

/** The attempt of a hold that is released: it can never be captured. */
export function fencedHold(attempt: Attempt, now: Date): AttemptPatch {
  return {
    id: attempt.id,
    live: false,
    outcome: "fenced",
    ambiguous: false,
    detail: { decline: null },
    object: attempt.object,
    provider_reference: null,
    finished_at: now.toISOString(),
    latency_ms: null,
    next_look_at: null,
  };
}

/** The hold's money was taken: by this act, or although it should have been released. */
export function captured(act: Settlement, reference: string | null): SettlementPatch {
  return act.kind === "capture" ? done(act, reference) : failed(act, gatewayFailure("already_captured", "It was captured."));
}

export function done(act: Settlement, reference: string | null): SettlementPatch {
  return { ...openPatch(act), state: "succeeded", tries: act.tries + 1, provider_reference: reference };
}

export function failed(act: Settlement, failure: Failure): SettlementPatch {
  return { ...openPatch(act), state: "failed", tries: act.tries + 1, detail: failure.code, failure };
}

/** The act as it is. */
export function openPatch({ id, state, tries }: Settlement): SettlementPatch {
  return { id, state, ambiguous: false, tries, provider_reference: null, detail: null, failure: null };
}
