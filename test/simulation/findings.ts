import type { Finding, Outcome } from "../../providers/contract/outcome.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { captureOf, holdOf } from "./holds.ts";
import { declined, notSent, unknown } from "./outcomes.ts";
import type { Payment } from "./payment.ts";
import { EPOCH_MS } from "./timeline.ts";
import type { Psp } from "./weather.ts";

/** What an object's state says, as the real adapters read it. */
export function findingOf(psp: Psp, payment: Readonly<Payment>): Finding {
  switch (payment.status) {
    case "succeeded":
      return { kind: "approved", reference: captureOf(psp, payment.id), amount: payment.captured, captured: true };
    case "held":
      return { kind: "approved", reference: holdOf(psp, payment.id), amount: payment.amount, captured: false, ...heldUntil(payment) };
    case "processing":
      return { kind: "pending", reference: payment.id, reason: "review" };
    case "requires_action":
      return { kind: "requires_action", url: `https://pay.example/${payment.id}` };
    case "canceled":
      return { kind: "fenced", object: payment.id, decline: payment.declined && declined(payment.declined) };
    case "declined":
      return CAPABILITIES[psp].fence ? { kind: "unpaid", object: payment.id } : declined(payment.declined ?? "declined_never");
    default:
      return { kind: "unpaid", object: payment.id };
  }
}

/** The same as the result of a commit. */
export function settledOf(psp: Psp, payment: Readonly<Payment>): Outcome {
  if (payment.status === "declined") return declined(payment.declined ?? "declined_never");
  return asOutcome(findingOf(psp, payment), "accepted, but neither paid nor declined");
}

/** A hold that is gone was not captured, and cannot be; what is unpaid proves nothing. */
export function asOutcome(finding: Finding, unpaid: string): Outcome {
  if (finding.kind === "fenced") return notSent("fenced", false, "canceled");
  return finding.kind === "unpaid" ? unknown("unexpected", unpaid) : finding;
}

/** What a capture came to: another amount than ours was taken by someone else's. */
export function capturedOf(finding: Finding, amount: bigint): Outcome {
  const outcome = asOutcome(finding, "not authorized");
  if (outcome.kind !== "approved") return outcome;
  if (!outcome.captured) return unknown("unexpected", "still only authorized");
  return outcome.amount === amount ? outcome : unknown("conflict", "captured, but with another amount");
}

function heldUntil({ saysUntil, heldUntil: until }: Readonly<Payment>): { heldUntilMs?: number } {
  return saysUntil && until !== null ? { heldUntilMs: EPOCH_MS + Math.floor(until) } : {};
}
