import type { Random } from "../../providers/contract/clock.ts";
import type { ChargeStatus } from "./charge.ts";

const S = 1_000;
const MIN = 60 * S;
const HOUR = 60 * MIN;

/** A breaker that is not closed lets a question pass every 1.7 s: sooner would only wear the database. */
const ASK_AGAIN_MS = 5 * S;
/** When a doubt is looked at again, by tries so far; the last one repeats. A lost answer usually shows within seconds. */
const DOUBT_MS = [2 * S, 10 * S, 30 * S, 2 * MIN, 10 * MIN, HOUR];
/** Reviews and e-checks take minutes to days; webhooks will tell sooner. */
const PENDING_MS = [5 * S, 30 * S, 2 * MIN, 10 * MIN, HOUR];
/** The customer is at the screen now, or not at all. */
const ACTION_MS = [5 * S, 15 * S, 30 * S, MIN, 2 * MIN, 5 * MIN];
/** After an attempt was given up without a fence: long enough to see a success that was on its way. */
const LOOK_MS = [MIN, 10 * MIN, HOUR, 6 * HOUR, 24 * HOUR, 72 * HOUR];

/** The first of these looks. */
export const FIRST_LOOK_MS = MIN;
/** A doubt older than this is also a dead letter: a person should look. */
export const DOUBT_DEAD_LETTER_MS = 24 * HOUR;
/** A customer who has not authenticated by then is not coming. */
export const ACTION_EXPIRY_MS = 24 * HOUR;
/** Real tries (not mere waiting) of a deferred charge, before it needs a person. */
export const MAX_DRAIN_TRIES = 40;
/** A deferred charge that could not even be tried is due again after this. */
export const REDEFER_MS = 5 * S;
/** One that only the routing rules keep from everybody: they change by hand, and until then it takes the drain's turns. */
export const RULED_OUT_MS = MIN;
/** A refund that its provider has had in work for so long is also a dead letter: most take minutes, some banks ten days. */
export const PENDING_DEAD_LETTER_MS = 30 * 24 * HOUR;

function step(table: readonly number[], tries: number): number {
  return table[Math.min(tries, table.length - 1)] as number;
}

export function nextInquiryMs(status: ChargeStatus, tries: number): number {
  if (status === "pending") return step(PENDING_MS, tries);
  if (status === "requires_action") return step(ACTION_MS, tries);
  return step(DOUBT_MS, tries);
}

/** After a question that our own breaker did not let pass. Spread: a backlog that came back in step would be refused in step. */
export function askAgainMs(random: Random): number {
  return ASK_AGAIN_MS * (1 + random());
}

/** Between two turns at a refund or compensation. */
export function nextOperationMs(state: "pending" | "in_doubt" | "deferred", tries: number, random: Random): number {
  if (state === "deferred") return drainDelayMs(tries, random);
  return step(state === "pending" ? PENDING_MS : DOUBT_MS, tries);
}

/** When to look again at a given-up attempt; null: enough. As long as it could still be paid without us, once a day. */
export function nextLookMs(looks: number, canStillBePaid: boolean): number | null {
  return LOOK_MS[looks] ?? (canStillBePaid ? 24 * HOUR : null);
}

/** Full jitter between two tries of one deferred charge: rand(0, min(5 min, 1 s x 2^tries)). */
export function drainDelayMs(tries: number, random: Random): number {
  return random() * Math.min(5 * MIN, S * 2 ** Math.min(tries, 20));
}
