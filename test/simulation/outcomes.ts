import type { Call } from "../../providers/contract/call.ts";
import type { Declined, Finding, NotSent, NotSentCause, Outcome, Unknown, UnknownCause } from "../../providers/contract/outcome.ts";
import type { AttemptRequest } from "../../providers/contract/provider.ts";
import type { Card, Payment, Reply } from "./payment.ts";
import type { Answer, Intent } from "./wire.ts";

type Failed = Exclude<Answer, { kind: "ok" }>;

/** What an answer other than a success says about a request that can execute something. */
export function outcomeOf(answer: Failed, call: Call, replay: boolean): Outcome {
  switch (answer.kind) {
    case "refused":
      return call.wireAttempts > 0
        ? unknown("connection_lost", "refused, after a request was sent")
        : sticky(notSent("refused", true, "no connection"), replay);
    case "gate_closed":
      return call.wireAttempts > 0 ? unknown("timeout", "closed") : sticky(notSent("gate_closed", false, "closed"), replay);
    case "lost":
      return unknown("connection_lost", "no answer");
    case "server_error":
      return unknown("server_error", "500");
    case "unreadable":
      return unknown("unreadable", "html");
    case "rate_limited":
      return sticky(notSent("rate_limited", true, "429"), replay);
    case "unauthorized":
      return sticky(notSent("unauthorized", true, "401"), replay);
    case "declined":
      return declined(answer.card);
    case "error":
      if (answer.code === "not_found") return sticky(notSent("rejected", false, "404"), replay);
      if (answer.code === "too_much_captured") return sticky(notSent("rejected", false, answer.code), replay);
      if (answer.code === "in_progress") return unknown("in_progress", answer.code);
      return unknown(answer.code === "duplicate_invoice" ? "duplicate_invoice" : "conflict", answer.code);
  }
}

export function ended(call: Call, replay: boolean): Outcome {
  if (call.wireAttempts > 0) return unknown("timeout", `no answer within ${Math.round(call.timeoutMs)} ms`);
  return sticky(call.closed ? notSent("gate_closed", false, "closed") : notSent("refused", true, "no connection in time"), replay);
}

export function sticky(outcome: NotSent, replay: boolean): Outcome {
  return replay && outcome.cause !== "fenced"
    ? unknown(outcome.cause === "refused" ? "connection_lost" : "unexpected", `replay: ${outcome.detail}`)
    : outcome;
}

export function doubtful(outcome: Outcome): Finding {
  return outcome.kind === "not_sent" ? unknown("unexpected", outcome.detail) : outcome;
}

export function hidden(reply: Reply, fails: "before" | "after" | null): Reply {
  return fails ? { kind: "server_error", replayed: false } : reply;
}

/** The refund that was asked for with this key, or that has this id. */
export function refundOf(payment: Readonly<Payment>, wanted: { readonly key: string } | { readonly id: string }): Outcome {
  const refund = payment.refunds.find((one) => ("id" in wanted ? one.id === wanted.id : one.key === wanted.key));
  if (!refund) return unknown("unexpected", "no such refund is there");
  if (refund.status === "failed") return refundFailed("failed");
  if (refund.status === "pending") return { kind: "pending", reference: refund.id, reason: "pending" };
  return { kind: "approved", reference: refund.id, amount: refund.amount, captured: true };
}

export function refundFailed(code: string): Declined {
  return {
    kind: "declined",
    reason: "refund_failed",
    source: "provider",
    advice: "never",
    retryAfterS: null,
    providerCode: code,
    networkCode: null,
  };
}

const ADVICE = { declined_other: "other_provider", declined_later: "same_later", declined_never: "never" } as const;

export function declined(card: Card): Declined {
  const advice = ADVICE[card as keyof typeof ADVICE] ?? "never";
  return {
    kind: "declined",
    reason: "generic_decline",
    source: "issuer",
    advice,
    retryAfterS: null,
    providerCode: card,
    networkCode: null,
  };
}

export function intentOf({ attemptId, chargeId, money, token }: AttemptRequest): Intent {
  return { attemptId, chargeId, ...money, token };
}

export function unknown(cause: UnknownCause, detail: string): Unknown {
  return { kind: "unknown", cause, detail };
}

export function notSent(cause: NotSentCause, fault: boolean, detail: string): NotSent {
  return { kind: "not_sent", cause, fault, detail };
}

export function bug(): Unknown {
  return unknown("unexpected", "a bug in the simulated adapter");
}
