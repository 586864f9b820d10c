import { type Decaying, plusOne, valueAt } from "./decay.ts";

/** Tokens as of `at` (milliseconds): one for each attempt, refilled at the limit's pace. */
export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** An idle second may be caught up at once, and no more; a limit below 1/s still lets single attempts through. */
const BURST_S = 1;
/** A share is one of the attempts of the last few minutes. */
export const SHARE_HALF_LIFE_MS = 120_000;

export function fullBucket(perSecond: number, now: number): Bucket {
  return { tokens: capacity(perSecond), at: now };
}

/** As of `now`, under this limit: it may have changed since. */
export function refilled(bucket: Bucket, perSecond: number, now: number): Bucket {
  const elapsedMs = Math.max(0, now - bucket.at);
  return { tokens: Math.min(capacity(perSecond), bucket.tokens + (perSecond * elapsedMs) / 1_000), at: Math.max(now, bucket.at) };
}

/** Of a refilled bucket. */
export function hasToken(bucket: Bucket): boolean {
  // Sums of refills miss a whole by a rounding error.
  return bucket.tokens >= 1 - 1e-9;
}

export function withoutToken(bucket: Bucket): Bucket {
  return { ...bucket, tokens: Math.max(0, bucket.tokens - 1) };
}

/** Whether one more attempt here would be more than `share` of all recent ones, itself included. */
export function wouldExceed(share: number, own: Decaying, all: Decaying, now: number): boolean {
  return valueAt(own, now, SHARE_HALF_LIFE_MS) + 1 > share * (valueAt(all, now, SHARE_HALF_LIFE_MS) + 1) + 1e-9;
}

export function counted(attempts: Decaying, now: number): Decaying {
  return plusOne(attempts, now, SHARE_HALF_LIFE_MS);
}

function capacity(perSecond: number): number {
  return Math.max(1, perSecond * BURST_S);
}
