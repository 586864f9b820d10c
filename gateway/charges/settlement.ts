import type { Approved, Outcome } from "../../providers/contract/outcome.ts";
import { isFault, never } from "../../providers/contract/outcome.ts";
import { openCall } from "./attempt.ts";
import type { Attempt, Charge, Failure, Settlement } from "./charge.ts";
import { type Core, MIN_CALL_MS, WRITE_RESERVE_MS } from "./core.ts";
import type { Lease } from "./lease.ts";
import { fence, lookup, ownProvider } from "./look.ts";
import { declineFailure, notSentFailure } from "./verdict.ts";

/** What one turn at the capture or void of a hold came to. */
export type Settled =
  | { readonly kind: "captured"; readonly approved: Approved }
  /** The hold is released: nothing was captured, and nothing ever can be. */
  | { readonly kind: "voided" }
  /** A firm no to the capture; the hold may still be there. */
  | { readonly kind: "refused"; readonly failure: Failure }
  | {
      readonly kind: "waits";
      /** `deferred`: proven not executed. */
      readonly state: "pending" | "in_doubt" | "deferred";
      readonly reference: string | null;
      readonly detail: string;
      /** false: our own breaker did not let it pass. */
      readonly asked: boolean;
    };

export function isOpen(settlement: Settlement | null): settlement is Settlement {
  return settlement !== null && settlement.state !== "succeeded";
}

/**
 * One turn at an act on a hold whose intent is committed. `fresh`: by this very turn, after proof that no earlier send was executed; else
 * what became of an earlier send is looked up first, and what is sent then is a replay of the same key. Never by another provider.
 */
export function settle(core: Core, charge: Charge, attempt: Attempt, act: Settlement, lease: Lease, fresh: boolean): Promise<Settled> {
  return act.kind === "capture" ? capture(core, charge, attempt, act, lease, fresh) : release(core, attempt, lease, fresh);
}

async function capture(core: Core, charge: Charge, attempt: Attempt, act: Settlement, lease: Lease, fresh: boolean): Promise<Settled> {
  const unsent = fresh && !act.ambiguous;
  if (!unsent) {
    const { finding } = await lookup(core, charge, attempt, lease);
    if (finding.kind === "fenced") return { kind: "voided" };
    if (finding.kind === "pending") return waits("pending", finding.reason, { reference: finding.reference });
    if (finding.kind !== "approved") return waits(act.state === "pending" ? "pending" : "in_doubt", why(finding), notAsked(finding));
    if (finding.captured) return { kind: "captured", approved: finding };
  }
  if (unsent && lease.left() < MIN_CALL_MS + WRITE_RESERVE_MS) return waits("deferred", "no time left in this turn");
  const provider = ownProvider(core, attempt);
  if (!provider) return waits(unsent ? "deferred" : "in_doubt", "its provider is not configured, or belongs to another account now");
  // What was proven not to be executed, each time, may be sent for the first time at any age of its key.
  const keyAgeMs = unsent ? Number.POSITIVE_INFINITY : (provider.capabilities.captureKeyAgeMs ?? provider.capabilities.operationKeyAgeMs);
  if (core.clock.now() - act.firstSentAt.getTime() >= keyAgeMs) return waits("in_doubt", "held, and its key is too old to be replayed");
  const request = {
    chargeId: charge.id,
    attemptId: attempt.id,
    key: act.id,
    reference: attempt.providerReference ?? attempt.object ?? "",
    object: attempt.object ?? "",
    money: { amount: act.amount, currency: charge.currency },
  };
  const call = openCall(core, attempt, provider, lease, { share: 1, keyAgeMs, since: act.firstSentAt });
  const send = () => provider.capture(request, call, { replay: !unsent });
  const answer = await core.fleet.circuit(attempt.provider).inquire("operation", send, isFault);
  if (!answer.admitted) return waits(unsent ? "deferred" : "in_doubt", answer.reason, { asked: false });
  return captured(answer.result, unsent);
}

function captured(outcome: Outcome, unsent: boolean): Settled {
  switch (outcome.kind) {
    case "approved":
      return outcome.captured && outcome.amount > 0n
        ? { kind: "captured", approved: outcome }
        : waits("in_doubt", "answered as captured, but nothing was");
    case "pending":
      return waits("pending", outcome.reason, { reference: outcome.reference });
    case "declined":
      return { kind: "refused", failure: declineFailure(outcome) };
    case "not_sent":
      if (!unsent) return waits("in_doubt", `replay not executed: ${outcome.cause}`);
      if (outcome.cause === "fenced") return { kind: "voided" };
      return outcome.cause === "rejected"
        ? { kind: "refused", failure: notSentFailure(outcome) }
        : waits("deferred", `${outcome.cause}: ${outcome.detail}`);
    case "requires_action":
    case "unknown":
      return waits("in_doubt", why(outcome));
    default:
      return never(outcome);
  }
}

/** A void can be repeated at any time: what it has done once, it says again. */
async function release(core: Core, attempt: Attempt, lease: Lease, fresh: boolean): Promise<Settled> {
  const known = await fence(core, attempt, attempt.object ?? "", lease);
  if (known.kind === "fenced") return { kind: "voided" };
  if (known.kind === "approved" && known.captured) return { kind: "captured", approved: known };
  return waits(fresh && notAsked(known).asked === false ? "deferred" : "in_doubt", why(known), notAsked(known));
}

function waits(
  state: "pending" | "in_doubt" | "deferred",
  detail: string,
  more: { reference?: string | null; asked?: boolean } = {},
): Extract<Settled, { kind: "waits" }> {
  return { kind: "waits", state, detail, reference: more.reference ?? null, asked: more.asked ?? true };
}

function notAsked(known: { kind: string; cause?: string }): { asked: boolean } {
  return { asked: known.kind !== "unknown" || known.cause !== "not_asked" };
}

function why(known: { kind: string; detail?: string }): string {
  return known.detail ?? known.kind;
}
