import type { Outcome } from "../../providers/contract/outcome.ts";
import type { FindingKind, NewFinding } from "../store/findings.ts";
import type { OwnOperation, SuspectRefund } from "../store/reconciliation-suspects.ts";

/** What became of one refund. `unverified`: the provider would not say; `under_way`: it may still change by itself. */
export type RefundVerdict =
  | { readonly kind: "agrees" | "under_way" | "unverified" }
  | { readonly kind: "differs"; readonly finding: Omit<NewFinding, "id"> };

const AGREES: RefundVerdict = { kind: "agrees" };
const UNDER_WAY: RefundVerdict = { kind: "under_way" };
const UNVERIFIED: RefundVerdict = { kind: "unverified" };

const IN_FLIGHT: ReadonlySet<string> = new Set(["processing", "pending", "in_doubt", "deferred"]);

/** A refund of the provider's list that none of ours was found for; `ours` is what we did to the charge's money by now. */
export function judgeUnknownRefund(
  refund: SuspectRefund,
  ours: readonly OwnOperation[],
  context: { readonly provider: string; readonly accountId: string; readonly settledBefore: Date },
): RefundVerdict {
  if (refund.created_at > context.settledBefore) return UNDER_WAY;
  const sameAttempt = ours.filter(({ attempt_id }) => attempt_id === refund.attempt_id);
  if (sameAttempt.some(({ provider_reference }) => provider_reference === refund.reference)) return AGREES;
  // Its answer is on its way to us: the list was quicker.
  const awaited = ({ kind, state, amount, provider_reference }: OwnOperation): boolean =>
    (kind === "refund" || kind === "compensate") && IN_FLIGHT.has(state) && provider_reference === null && amount === refund.amount;
  if (sameAttempt.some(awaited)) return UNDER_WAY;
  // Stripe lists what a void or a partial capture released as a refund: no money moved.
  if (sameAttempt.some(({ kind, state, captured }) => state === "succeeded" && (kind === "void" || (kind === "compensate" && !captured))))
    return AGREES;
  return differs("unknown_refund", refund.reference, {
    account_id: context.accountId,
    provider: context.provider,
    charge_id: refund.charge_id,
    attempt_id: refund.attempt_id,
    operation_id: null,
    our_amount: null,
    their_amount: refund.amount.toString(),
    currency: refund.currency,
    detail: { window_at: refund.created_at.toISOString(), payment: refund.payment },
  });
}

/** A refund of ours and the provider's record of it. `look` is its present word. */
export async function judgeKnownRefund(
  operation: OwnOperation,
  refund: SuspectRefund,
  settledBefore: Date,
  look: () => Promise<Outcome>,
): Promise<RefundVerdict> {
  if (IN_FLIGHT.has(operation.state) || operation.updated_at > settledBefore) return UNDER_WAY;
  const at = refund.created_at;
  if (operation.state === "failed") {
    if (refund.state !== "succeeded") return AGREES;
    return differs("unknown_refund", refund.reference, about(operation, { at, ours: null, theirs: refund.amount, ours_state: "failed" }));
  }
  if (refund.state === "failed") return judgeMissingRefund(operation, settledBefore, look, at);
  if (refund.amount === operation.amount && refund.currency === operation.currency) return AGREES;
  const theirs = { their_currency: refund.currency };
  return differs("amount_differs", refund.reference, about(operation, { at, ours: operation.amount, theirs: refund.amount, ...theirs }));
}

/** A refund of ours that succeeded, as we know, and is not among those that the provider made. */
export async function judgeMissingRefund(
  operation: OwnOperation,
  settledBefore: Date,
  look: () => Promise<Outcome>,
  at: Date = operation.updated_at,
): Promise<RefundVerdict> {
  if (operation.state !== "succeeded" || operation.updated_at > settledBefore) return UNDER_WAY;
  const found = await look();
  const subject = operation.provider_reference ?? operation.id;
  if (found.kind === "approved") {
    if (found.amount === operation.amount) return AGREES;
    return differs("amount_differs", subject, about(operation, { at, ours: operation.amount, theirs: found.amount }));
  }
  if (found.kind !== "declined") return UNVERIFIED;
  return differs("missing_refund", subject, about(operation, { at, ours: operation.amount, theirs: null, found: found.reason }));
}

function about(
  operation: OwnOperation,
  facts: { readonly at: Date; readonly ours: bigint | null; readonly theirs: bigint | null; readonly [more: string]: unknown },
): Omit<NewFinding, "id" | "kind" | "subject"> {
  const { at, ours, theirs, ...more } = facts;
  return {
    account_id: operation.account_id,
    provider: operation.provider,
    charge_id: operation.charge_id,
    attempt_id: operation.attempt_id,
    operation_id: operation.id,
    our_amount: ours?.toString() ?? null,
    their_amount: theirs?.toString() ?? null,
    currency: operation.currency,
    detail: { window_at: at.toISOString(), operation: operation.kind, ...more },
  };
}

function differs(kind: FindingKind, subject: string, rest: Omit<NewFinding, "id" | "kind" | "subject">): RefundVerdict {
  return { kind: "differs", finding: { kind, subject, ...rest } };
}
