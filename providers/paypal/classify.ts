import type { Call } from "../contract/call.ts";
import type { Declined, NotSent, NotSentCause, Outcome, Unknown, UnknownCause } from "../contract/outcome.ts";
import { type Answer, describe, type Refused } from "./answer.ts";
import { declinedByIssue, isDecline, word } from "./declines.ts";
import { ACTION, IN_DOUBT, NOT_EXECUTED, PERHAPS_OUR_REFUND, REFUND_REFUSED, TOKEN_GONE } from "./issues.ts";

const MAX_DETAIL_CHARS = 300;

export type Failed = Exclude<Answer<never>, { kind: "ok" }>;

/** What an answer other than 2xx says about a request that moves money. */
export function outcomeOf(answer: Failed, replay: boolean): Outcome {
  switch (answer.kind) {
    case "refused":
      return refusedOutcome(answer, replay);
    case "unsent":
      return sticky(notSent(answer.cause, answer.cause === "refused" || answer.cause === "token_unavailable", answer.detail), replay);
    case "lost":
    case "unreadable":
      return unknownOf(answer);
  }
}

/** The same about a refund: a refusal is firm, and never a decline of the charge. */
export function refundOutcomeOf(answer: Failed, replay: boolean): Outcome {
  if (answer.kind !== "refused" || answer.status !== 422) return outcomeOf(answer, replay);
  if (
    !answer.issues.some((issue) => IN_DOUBT.has(issue)) &&
    answer.issues.every((issue) => REFUND_REFUSED.has(issue)) &&
    answer.issues[0]
  ) {
    if (replay && answer.issues.some((issue) => PERHAPS_OUR_REFUND.has(issue))) return unknown("conflict", describe(answer));
    return refundFailed(answer.issues[0]);
  }
  const outcome = outcomeOf(answer, replay);
  return outcome.kind === "declined" || outcome.kind === "requires_action" ? unknown("unexpected", describe(answer)) : outcome;
}

/** For a lookup or a fence: whatever is not a 2xx proves nothing. */
export function unknownOf(answer: Failed): Unknown {
  switch (answer.kind) {
    case "refused":
      return unknown(doubtOf(answer) ?? "unexpected", describe(answer));
    case "unreadable":
      return unknown(answer.status !== null && answer.status >= 500 ? "server_error" : "unreadable", describe(answer));
    case "lost":
      return unknown(answer.code.startsWith("RESPONSE_") ? "unreadable" : "connection_lost", `no answer: ${answer.code}`);
    case "unsent":
      return unknown(answer.cause === "refused" ? "connection_lost" : "unexpected", `nothing sent: ${answer.detail}`);
  }
}

/** The call was given up. With nothing written by then, closing the gate in this same step makes it proof. */
export function givenUp(call: Call, replay: boolean, awaitsToken: boolean): Outcome {
  if (call.wireAttempts > 0) return unknown("timeout", `no answer within ${call.timeoutMs} ms`);
  if (call.closed) return sticky(notSent("gate_closed", false, "the call was closed before its first byte"), replay);
  const [cause, missing] = awaitsToken ? (["token_unavailable", "access token"] as const) : (["refused", "connection"] as const);
  return sticky(notSent(cause, true, `no ${missing} within ${call.timeoutMs} ms`), replay);
}

/** The cause of doubt that PayPal names, if it names one. */
export function doubtOf(answer: Refused): UnknownCause | null {
  for (const code of [answer.name, ...answer.issues]) {
    const cause = IN_DOUBT.get(code);
    if (cause) return cause;
  }
  return answer.status === 409 ? "conflict" : null;
}

function refusedOutcome(answer: Refused, replay: boolean): Outcome {
  const { status, issues } = answer;
  const detail = describe(answer);
  const doubt = doubtOf(answer);
  if (doubt) return unknown(doubt, detail);
  if (issues[0] && issues.every(isDecline)) return declinedByIssue(issues[0]);
  if (status === 429) return sticky(notSent("rate_limited", true, detail), replay);
  if (status === 401 || status === 403) return sticky(notSent("unauthorized", true, detail), replay);
  if (status === 400 || status === 404) return sticky(notSent("rejected", false, detail), replay);
  if (status !== 422) return unknown("unexpected", detail);
  if (issues.some((issue) => ACTION.has(issue))) return { kind: "requires_action", url: answer.actionUrl };
  if (issues[0] && issues.every((issue) => NOT_EXECUTED.has(issue))) return sticky(rejected(issues, detail), replay);
  return unknown("unexpected", detail);
}

function rejected(issues: readonly string[], detail: string): NotSent {
  const outcome = notSent("rejected", false, detail);
  return issues.some((issue) => TOKEN_GONE.has(issue)) ? { ...outcome, tokenGone: true } : outcome;
}

/**
 * Doubt is sticky (law 5): "not executed" about a replay says nothing about the first send. A decline is kept: the replay
 * has the same key, so PayPal has answered for both.
 */
export function sticky(outcome: Outcome, replay: boolean): Outcome {
  if (!replay || outcome.kind !== "not_sent" || outcome.cause === "fenced") return outcome;
  return unknown(outcome.cause === "refused" ? "connection_lost" : "unexpected", `replay: ${outcome.detail}`);
}

export function refundFailed(code: string): Declined {
  return {
    kind: "declined",
    reason: "refund_failed",
    source: "provider",
    advice: "never",
    retryAfterS: null,
    providerCode: word(code),
    networkCode: null,
  };
}

export function unknown(cause: UnknownCause, detail: string): Unknown {
  return { kind: "unknown", cause, detail: detail.slice(0, MAX_DETAIL_CHARS) };
}

export function notSent(cause: NotSentCause, fault: boolean, detail: string): NotSent {
  return { kind: "not_sent", cause, fault, detail: detail.slice(0, MAX_DETAIL_CHARS) };
}
