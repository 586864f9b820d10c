import type { Declined } from "../providers/contract/outcome.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long a ban lasts that names no time of its own, and the longest window of any limit: nothing older is needed. */
export const RETRY_MEMORY_MS = 30 * DAY_MS;

/** Visa's category 1, "issuer will never approve" (Visa Core Rules, decline response codes): no reattempt with the same card. */
const VISA_NEVER: ReadonlySet<string> = new Set("04 07 12 14 15 41 43 46 57 R0 R1 R3".split(" "));
/** To Mastercard these are advice codes as well, about virtual cards, and PayPal passes an advice on in the place of the issuer's code. */
const VISA_OR_ADVICE: ReadonlySet<string> = new Set(["41", "43"]);
/** Mastercard's merchant advice codes "do not try again" and "payment cancellation" (Transaction Processing Excellence). */
const MASTERCARD_NEVER: ReadonlySet<string> = new Set(["03", "21"]);

interface RetryLimit {
  readonly scheme: "Visa" | "Mastercard";
  /** So many declined attempts within the window; the next one is refused. */
  readonly max: number;
  readonly windowMs: number;
  /** Per card and amount, else per card. */
  readonly sameAmount: boolean;
  readonly words: string;
}

/** The schemes' caps on attempts that an issuer declined. */
const VISA_LIMITS: readonly RetryLimit[] = [
  { scheme: "Visa", max: 15, windowMs: 30 * DAY_MS, sameAmount: true, words: "15 declined attempts in 30 days with one card and amount" },
];
const MASTERCARD_LIMITS: readonly RetryLimit[] = [
  { scheme: "Mastercard", max: 10, windowMs: DAY_MS, sameAmount: false, words: "10 declined attempts in 24 hours with one card" },
  { scheme: "Mastercard", max: 35, windowMs: 30 * DAY_MS, sameAmount: false, words: "35 declined attempts in 30 days with one card" },
];
const ALL_LIMITS = [...VISA_LIMITS, ...MASTERCARD_LIMITS];

/** With fewer declined attempts than this no limit can be reached, whatever the brand. */
export const SMALLEST_LIMIT = Math.min(...ALL_LIMITS.map(({ max }) => max));

export type BanRule = "visa_never" | "mastercard_never" | "advice_never" | "retry_after";

export interface Ban {
  readonly rule: BanRule;
  readonly untilMs: number;
}

/** A declined attempt with an instrument, at any provider and for any charge. */
export interface DeclinedAttempt {
  readonly atMs: number;
  readonly amount: bigint;
  readonly currency: string;
  /** An issuer declined it: the schemes count it. */
  readonly counted: boolean;
  readonly ban: Ban | null;
  readonly networkCode: string | null;
}

/** What the next attempt would be. */
export interface Retry {
  readonly type: string;
  readonly brand: string | null;
  readonly amount: bigint;
  readonly currency: string;
}

/** Why an instrument may not be tried now, and from when on it may. */
export type Bar =
  | { readonly kind: "forbidden"; readonly rule: BanRule; readonly untilMs: number; readonly networkCode: string | null }
  | { readonly kind: "limit"; readonly words: string; readonly scheme: string; readonly untilMs: number };

/** Until when a decline forbids another attempt with the same instrument; null: it only counts. */
export function banAfter(declined: Declined, brand: string | null, atMs: number): Ban | null {
  const code = declined.networkCode ?? "";
  const forGood = (rule: BanRule): Ban => ({ rule, untilMs: atMs + RETRY_MEMORY_MS });
  // Which set a code is of, only the brand tells; without one both are possible, and both are kept.
  const visas = VISA_NEVER.has(code) && (declined.advice === "never" || !VISA_OR_ADVICE.has(code));
  if (visas && (brand === "visa" || brand === null)) return forGood("visa_never");
  // As an advice they say never; as a response code they mean something else (03: the merchant is not valid).
  const advised = declined.advice === "never" && !declined.untaught;
  if (advised && MASTERCARD_NEVER.has(code) && (brand === "mastercard" || brand === null)) return forGood("mastercard_never");
  // "never" for a code that nobody taught us is our own caution about failover, and nobody's word about the card.
  if (declined.advice === "never") return declined.untaught ? null : forGood("advice_never");
  if (declined.advice !== "same_later" || declined.retryAfterS === null) return null;
  return { rule: "retry_after", untilMs: atMs + Math.min(declined.retryAfterS * 1_000, RETRY_MEMORY_MS) };
}

/** Whether the schemes, the network or the issuer forbid this attempt; of several reasons the one that lasts longest. */
export function barOf(history: readonly DeclinedAttempt[], retry: Retry, nowMs: number): Bar | null {
  const bars: Bar[] = [];
  for (const { ban, networkCode } of history) {
    if (ban && ban.untilMs > nowMs) bars.push({ kind: "forbidden", ...ban, networkCode });
  }
  for (const limit of limitsOf(retry)) {
    const untilMs = reachedUntil(history, limit, retry, nowMs);
    if (untilMs !== null) bars.push({ kind: "limit", scheme: limit.scheme, words: limit.words, untilMs });
  }
  return bars.reduce<Bar | null>((worst, bar) => (worst === null || bar.untilMs > worst.untilMs ? bar : worst), null);
}

/** Of a brand that we have no rules of, or that nobody named, any limit may be the one: all of them hold. */
function limitsOf({ type, brand }: Retry): readonly RetryLimit[] {
  if (type !== "card") return [];
  if (brand === "visa") return VISA_LIMITS;
  return brand === "mastercard" ? MASTERCARD_LIMITS : ALL_LIMITS;
}

/** When enough of them will have left the window; null: the limit is not reached. */
function reachedUntil(history: readonly DeclinedAttempt[], limit: RetryLimit, retry: Retry, nowMs: number): number | null {
  const times = history
    .filter((one) => one.counted && one.atMs > nowMs - limit.windowMs)
    .filter((one) => !limit.sameAmount || (one.amount === retry.amount && one.currency === retry.currency))
    .map(({ atMs }) => atMs)
    .sort((a, b) => b - a);
  const last = times[limit.max - 1];
  return last === undefined ? null : last + limit.windowMs;
}
