import type { Approved, Declined, Fenced, NotSent, Outcome, Pending, RequiresAction, Unknown } from "../../providers/contract/outcome.ts";
import { never } from "../../providers/contract/outcome.ts";
import type { Attempt, Charge, Failure } from "./charge.ts";

/** What is known of an attempt after calling, looking or fencing. */
export type Known = Outcome | Fenced;

/**
 * Law 3 in one place: what an outcome means for the charge. Pure. Only `ended` closes the attempt, and only with
 * `mayFailOver` may another provider be asked. `ambiguous`: a send of the commit step was left without an answer.
 */
export type Verdict =
  | { readonly kind: "moved"; readonly approved: Approved }
  /** Authorized, as it was asked for: the money is held and has not moved. */
  | { readonly kind: "held"; readonly approved: Approved }
  | { readonly kind: "waits"; readonly status: "pending"; readonly known: Pending }
  | { readonly kind: "waits"; readonly status: "requires_action"; readonly known: RequiresAction }
  | { readonly kind: "waits"; readonly status: "in_doubt"; readonly known: Unknown | Approved }
  | {
      readonly kind: "ended";
      readonly known: Declined | NotSent | Fenced;
      /** Proof, and nothing that the provider said speaks against asking another one. */
      readonly mayFailOver: boolean;
      /** This provider is not eligible for this charge again. */
      readonly exclude: boolean;
      /** What the charge fails with, if it ends here. */
      readonly failure: Failure;
    };

/** Generic issuer declines allow another provider once; more would be hammering the card (scheme limits). */
const MAX_DECLINES = 2;

export function judge(charge: Charge, attempt: Attempt, known: Known, ambiguous: boolean): Verdict {
  switch (known.kind) {
    case "approved":
      if (known.captured && known.amount > 0n) return { kind: "moved", approved: known };
      // A hold where a capture was asked for, or of another amount, is an answer that we do not understand.
      if (!known.captured && authorizes(attempt) && known.amount === charge.amount) return { kind: "held", approved: known };
      return { kind: "waits", status: "in_doubt", known };
    case "pending":
      return { kind: "waits", status: "pending", known };
    case "requires_action":
      return { kind: "waits", status: "requires_action", known };
    case "unknown":
      return { kind: "waits", status: "in_doubt", known };
    case "declined":
      return {
        kind: "ended",
        known,
        // A no to a replay is a no; but whether a first send on its way would get the same one, only a fence could tell.
        mayFailOver: !ambiguous && allowsAnother(charge, attempt, known),
        exclude: true,
        failure: declineFailure(known),
      };
    case "not_sent": {
      const firm = declinedForGood(charge, attempt);
      return { kind: "ended", known, mayFailOver: !firm, exclude: forGood(known), failure: firm ?? notSentFailure(known) };
    }
    case "fenced":
      return known.decline
        ? {
            kind: "ended",
            known,
            mayFailOver: allowsAnother(charge, attempt, known.decline),
            exclude: true,
            failure: declineFailure(known.decline),
          }
        : fencedUnpaid(charge, attempt, known);
    default:
      return never(known);
  }
}

/** The attempt only authorizes: what came of it may hold money, and moves none. */
export function authorizes(attempt: Pick<Attempt, "request">): boolean {
  return attempt.request.capture === "manual";
}

function fencedUnpaid(charge: Charge, attempt: Attempt, known: Fenced): Verdict {
  const firm = declinedForGood(charge, attempt);
  return { kind: "ended", known, mayFailOver: !firm, exclude: false, failure: firm ?? noProviderFailure() };
}

/**
 * What the charge fails with if an attempt of it, other than this one, was declined in a way that allows no further one. Only with
 * authorize_first can an attempt outlive the decline of a later one.
 */
export function declinedForGood(charge: Charge, attempt: Attempt): Failure | null {
  const declines = charge.attempts.filter((other) => other.id !== attempt.id && isDecline(other));
  const final = declines.some((other) => declineOf(other)?.advice !== "other_provider") || declines.length >= MAX_DECLINES;
  return final ? lastDecline(charge) : null;
}

function declineOf({ detail }: Attempt): Declined | null {
  if (!detail) return null;
  return ("decline" in detail ? detail.decline : detail) as unknown as Declined;
}

function allowsAnother(charge: Charge, attempt: Attempt, declined: Declined): boolean {
  const before = charge.attempts.filter((other) => other.id !== attempt.id && isDecline(other)).length;
  return declined.advice === "other_provider" && before + 1 < MAX_DECLINES;
}

function isDecline(attempt: Attempt): boolean {
  return attempt.outcome === "declined" || (attempt.outcome === "fenced" && attempt.detail?.decline != null);
}

/** It would be refused again in the same way. */
function forGood(known: NotSent): boolean {
  return known.cause === "rejected" || known.cause === "duplicate_elsewhere";
}

export function declineFailure(declined: Declined): Failure {
  return {
    code: declined.reason,
    source: declined.source,
    message: `Declined by the ${declined.source}: ${declined.reason.replaceAll("_", " ")}.`,
    advice: declined.advice,
    retry_after: declined.retryAfterS,
    provider_code: declined.providerCode,
    network_code: declined.networkCode,
  };
}

/** The last decline in the charge's life, from what is kept with its attempts. */
export function lastDecline(charge: Charge): Failure | null {
  const last = charge.attempts.findLast(isDecline);
  const declined = last ? declineOf(last) : null;
  return declined && declineFailure(declined);
}

export function notSentFailure(known: NotSent): Failure {
  if (known.cause !== "rejected") return noProviderFailure();
  return {
    ...gatewayFailure("provider_rejected", `The provider refused the request before execution: ${known.detail}`),
    source: "provider",
  };
}

export function noProviderFailure(): Failure {
  return gatewayFailure("no_provider_available", "No provider could be used; no money moved.");
}

export function gatewayFailure(code: string, message: string): Failure {
  return { code, source: "gateway", message, advice: null, retry_after: null, provider_code: null, network_code: null };
}

/** The fields of an outcome that are kept with the attempt, for people. */
export function detailOf(known: Known): Record<string, unknown> {
  switch (known.kind) {
    case "approved":
      return { captured: known.captured };
    case "pending":
      return { reason: known.reason };
    case "requires_action":
      return {};
    case "declined":
      return { ...known };
    case "not_sent":
      return { cause: known.cause, detail: known.detail, ...(known.tokenGone ? { tokenGone: true } : {}) };
    case "unknown":
      return { cause: known.cause, detail: known.detail };
    case "fenced":
      return { decline: known.decline };
    default:
      return never(known);
  }
}

/** Why the provider will never charge this token again, from what `detailOf` kept; null: it said nothing of the kind. */
export function tokenGoneReason(detail: object): string | null {
  const own = detail as { tokenGone?: unknown; reason?: unknown; decline?: { tokenGone?: unknown; reason?: unknown } | null };
  const said = own.decline ?? own;
  if (said.tokenGone !== true) return null;
  return typeof said.reason === "string" ? said.reason : "refused_by_provider";
}
