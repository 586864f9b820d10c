import type { Declined, NotSent } from "../../providers/contract/outcome.ts";
import type { Answer, ClaimedOperation, Learned, OperationFailure, OperationState } from "./operation.ts";

/** What an answer means for an operation. Pure. What is left out stays as it is. */
export interface OperationVerdict {
  readonly state: OperationState;
  readonly reference?: string | null;
  readonly failure?: OperationFailure | null;
  /** An answer left a doubt, or a crash did. */
  readonly ambiguous?: true;
  /** Its present key was not executed and never will be: the next send is the first one. */
  readonly unsent?: true;
}

/**
 * A no to a replay is the answer to the key, but an earlier send that is still on its way could be judged anew when it arrives (a balance
 * that was too small is filled up): so it is firm only when nothing else was heard for so long. Requests are not held back longer.
 */
export const NO_IS_FIRM_AFTER_MS = 3 * 3_600_000;

export function judgeOperation(operation: ClaimedOperation, { answer, by }: Learned, now: Date): OperationVerdict {
  switch (answer.kind) {
    case "approved":
      // Of a hold that should be released it says only that it is not.
      return operation.captured ? { state: "succeeded", reference: answer.reference, failure: null } : doubt(operation, by);
    case "fenced":
      return operation.captured ? doubt(operation, by) : { state: "succeeded", reference: answer.object, failure: null };
    case "pending":
      // Of a hold: somebody captures it at this moment.
      if (!operation.captured) return doubt(operation, by);
      // Once told as succeeded it stays so until it has failed.
      if (operation.state === "succeeded") return { state: "succeeded" };
      return { state: "pending", reference: answer.reference ?? operation.providerReference, failure: null };
    case "declined":
      return refused(operation, answer, by, now);
    case "not_sent":
      return by === "first" ? unsent(operation, answer, now) : doubt(operation, by);
    default:
      return doubt(operation, by);
  }
}

/** Its own record is firm, and so is the answer to the only send there ever was. */
function refused(operation: ClaimedOperation, declined: Declined, by: Learned["by"], now: Date): OperationVerdict {
  const since = operation.failure?.since ?? now.toISOString();
  const failure: OperationFailure = {
    code: declined.reason,
    message: "The provider refused the refund, or could not carry it out.",
    provider_code: declined.providerCode,
    since,
  };
  const onlySend = by === "first" && !operation.ambiguous;
  const firm = by === "look" || onlySend || now.getTime() - Date.parse(since) >= NO_IS_FIRM_AFTER_MS;
  return firm ? { state: "failed", failure } : { state: "in_doubt", failure, ambiguous: true };
}

/** Proof, on the first send of its key. */
function unsent(operation: ClaimedOperation, { cause, detail }: NotSent, now: Date): OperationVerdict {
  // Under an earlier key it may have been executed (law 5).
  if (operation.ambiguous) return { state: "in_doubt", unsent: true };
  if (cause !== "rejected") return { state: "deferred", unsent: true };
  const disputed = operation.disputed;
  const failure: OperationFailure = {
    code: disputed ? "charge_disputed" : "provider_rejected",
    message: disputed
      ? "A dispute about the charge was opened before the refund was sent."
      : `The provider refused the request before execution: ${detail}`,
    provider_code: null,
    since: now.toISOString(),
  };
  return { state: "failed", failure };
}

/** Nothing learned: what is known stays known, and what was sent without an answer is in doubt. */
function doubt(operation: ClaimedOperation, by: Learned["by"]): OperationVerdict {
  switch (operation.state) {
    case "pending":
    case "succeeded":
    case "failed":
      return { state: operation.state };
    default:
      // Another send without an answer: what an earlier one was refused with says nothing of this one.
      return { state: "in_doubt", ambiguous: true, ...(by === "look" ? {} : { failure: null }) };
  }
}

/** In a few words, for people. */
export function inWords(answer: Answer): string {
  if (answer.kind === "declined") return `declined: ${answer.providerCode ?? answer.reason}`;
  if ("detail" in answer) return `${answer.kind}, ${answer.cause}: ${answer.detail}`;
  return "reason" in answer ? `${answer.kind}: ${answer.reason}` : answer.kind;
}
