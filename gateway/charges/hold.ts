import type { Approved } from "../../providers/contract/outcome.ts";
import type { NewOperation } from "../store/write-transitions.ts";
import type { Attempt, Charge } from "./charge.ts";
import type { Core } from "./core.ts";
import type { Lease } from "./lease.ts";
import type { Rest } from "./postpone.ts";

/** So long before a hold lapses its owner is warned. */
export const WARN_BEFORE_LAPSE_MS = 24 * 3_600_000;

/**
 * The money is held. `capture: manual` stops here, until it is captured, voided or lapses; else (authorize_first) the capture's intent is
 * committed with the outcome, and the same turn goes on to send it.
 */
export function held(core: Core, charge: Charge, attempt: Attempt, approved: Approved, lease: Lease, now: Date): Rest {
  const until = approved.heldUntilMs ?? now.getTime() + (core.providers.get(attempt.provider)?.capabilities.holdMs ?? 0);
  const authorizedUntil = new Date(until);
  const after = {
    provider: attempt.provider,
    providerReference: approved.reference,
    failure: null,
    deferred: null,
    authorizedUntil,
    tries: 0,
  };
  if (charge.capture === "manual") return { ...after, status: "authorized", nextActionAt: warnAt(authorizedUntil, now) };
  const operation = intentOf(core, charge, { ...attempt, providerReference: approved.reference }, "capture", charge.amount);
  return { ...after, status: "processing", operation, keepLease: lease.until, nextActionAt: lease.until };
}

/** When an authorized charge is looked at next: to warn that its hold lapses. */
export function warnAt(authorizedUntil: Date, now: Date): Date {
  return new Date(Math.max(now.getTime(), authorizedUntil.getTime() - WARN_BEFORE_LAPSE_MS));
}

/** The intent of an act on the hold of `attempt`. */
export function intentOf(core: Core, charge: Charge, attempt: Attempt, kind: "capture" | "void", amount: bigint): NewOperation {
  const id = core.newId("op");
  return {
    id,
    kind,
    account_id: charge.accountId,
    attempt_id: attempt.id,
    provider_key: id,
    object: attempt.object,
    reference: attempt.providerReference ?? attempt.object ?? attempt.id,
    amount: amount.toString(),
    currency: charge.currency,
    captured: false,
  };
}
