import type { Declined } from "../../providers/contract/outcome.ts";
import { type BanRule, type Bar, banAfter, barOf, type DeclinedAttempt } from "../../routing/retry-limits.ts";
import { isMarked } from "../store/closed-attempts.ts";
import { DatabaseAmbiguous, DatabaseUnavailable } from "../store/database.ts";
import { type NewDecline, readDeclines } from "../store/declined-attempts.ts";
import type { AttemptPatch } from "../store/write-transitions.ts";
import type { Attempt, Charge, Failure } from "./charge.ts";
import type { Core } from "./core.ts";
import { instrumentsOf } from "./instrument.ts";
import { gatewayFailure, judge, type Known } from "./verdict.ts";

/** What is remembered of an attempt that this patch closes with a decline; null: it is none. */
export function declineRow(charge: Charge, patch: AttemptPatch | undefined, now: Date): NewDecline | null {
  const declined = patch && !patch.live ? declineIn(patch) : null;
  if (!patch || !declined) return null;
  const { ban, counted, networkCode } = remembered(charge, declined, now);
  return {
    // The attempt's own token may be none of the charge's any more: its stored method has changed.
    instruments: instrumentsOf({ tokens: { ...charge.paymentMethod.tokens, ...tokenOf(charge, patch.id) } }),
    attempt_id: patch.id,
    amount: charge.amount.toString(),
    currency: charge.currency,
    counted,
    forbidden_until: ban ? new Date(ban.untilMs).toISOString() : null,
    rule: ban?.rule ?? null,
    network_code: networkCode,
  };
}

function tokenOf(charge: Charge, attemptId: string): Record<string, unknown> {
  const attempt = charge.attempts.find(({ id }) => id === attemptId);
  return attempt ? { [attempt.provider]: attempt.request.token } : {};
}

/** Settled by hand, an attempt has a person's words instead of the decline's. */
function declineIn({ outcome, detail }: Pick<AttemptPatch, "outcome" | "detail">): Declined | null {
  const known = detail as { kind?: unknown; decline?: Declined | null };
  if (outcome === "declined" && known.kind === "declined") return detail as Declined;
  return outcome === "fenced" ? (known.decline ?? null) : null;
}

function remembered(charge: Charge, declined: Declined, now: Date): DeclinedAttempt {
  return {
    atMs: now.getTime(),
    amount: charge.amount,
    currency: charge.currency,
    counted: declined.source === "issuer",
    ban: banAfter(declined, charge.paymentMethod.brand, now.getTime()),
    networkCode: declined.networkCode,
  };
}

/** The declined attempts with the charge's instrument. */
export function declinesOf(core: Core, charge: Pick<Charge, "paymentMethod">, now: Date): Promise<DeclinedAttempt[]> {
  return readDeclines(core.db, instrumentsOf(charge.paymentMethod), now);
}

/**
 * The same before a failover, which is the only time that a turn needs them. null: the database did not say, or there is late evidence that
 * this attempt was paid; what was learned must not be lost for it, so the next attempt is left to a turn that can ask.
 */
export async function declinesBeforeFailover(
  core: Core,
  charge: Charge,
  attempt: Attempt,
  facts: { readonly known: Known; readonly ambiguous: boolean },
): Promise<readonly DeclinedAttempt[] | null> {
  const verdict = judge(charge, attempt, facts.known, facts.ambiguous);
  const ended = verdict.kind === "ended";
  const asks = ended ? verdict.mayFailOver : verdict.kind === "waits" && charge.failover === "authorize_first";
  if (!asks || hasNoOther(charge, attempt)) return [];
  try {
    // What is left as an orphan moves no money, whatever was heard of it.
    return ended && (await isMarked(core.db, attempt.id)) ? null : await declinesOf(core, charge, new Date(core.clock.now()));
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof DatabaseAmbiguous) return null;
    throw error;
  }
}

function hasNoOther({ paymentMethod }: Charge, attempt: Attempt): boolean {
  return Object.keys(paymentMethod.tokens).every((provider) => provider === attempt.provider);
}

/** Why no further attempt of the charge may be begun, given what was declined before; `last` is not written yet. */
export function barredBy(charge: Charge, declines: readonly DeclinedAttempt[], last: Declined | null, now: Date): Bar | null {
  const history = last ? [...declines, remembered(charge, last, now)] : declines;
  const { type, brand } = charge.paymentMethod;
  return barOf(history, { type, brand, amount: charge.amount, currency: charge.currency }, now.getTime());
}

const RULES: Readonly<Record<BanRule, string>> = {
  visa_never: "Visa forbids another attempt with this card after the decline that it had",
  mastercard_never: "Mastercard forbids another attempt with this card after the advice that came with its decline",
  advice_never: "this payment method was declined for good",
  retry_after: "the card's network asked to wait before the next attempt",
};

/** What a charge fails with that was refused before anything was sent. */
export function barFailure(bar: Bar, now: Date): Failure {
  const end = new Date(bar.untilMs).toISOString();
  const retryAfterS = Math.max(1, Math.ceil((bar.untilMs - now.getTime()) / 1_000));
  if (bar.kind === "limit") {
    const message = `Refused before it was sent: ${bar.scheme} allows ${bar.words}. Possible again after ${end}.`;
    return { ...gatewayFailure("retry_limit_reached", message), advice: "same_later", retry_after: retryAfterS };
  }
  const code = bar.networkCode === null ? "" : ` (network code ${bar.networkCode})`;
  const message = `Refused before it was sent: ${RULES[bar.rule]}${code}. It holds until ${end}; another payment method may be tried.`;
  return {
    ...gatewayFailure("retry_forbidden", message),
    advice: bar.rule === "retry_after" ? "same_later" : "never",
    retry_after: retryAfterS,
    network_code: bar.networkCode,
  };
}
