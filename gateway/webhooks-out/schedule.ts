import type { Random } from "../../providers/contract/clock.ts";

const FIRST_RETRY_MS = 5_000;
const FACTOR = 4;
/** An endpoint that comes back after a day does not wait half a day for the next try. */
const LONGEST_RETRY_MS = 3 * 3_600_000;
/** Both ways: what failed together does not come back together. */
const JITTER = 0.25;
/** A longer pause than this is not granted: a wrong header must not silence an endpoint. */
const LONGEST_PAUSE_MS = 3_600_000;

/** 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, then every 3 h, each a quarter less or more. `tries`: those made, from 1. */
export function retryDelayMs(tries: number, random: Random): number {
  const plain = Math.min(FIRST_RETRY_MS * FACTOR ** Math.min(tries - 1, 10), LONGEST_RETRY_MS);
  return Math.round(plain * (1 - JITTER + 2 * JITTER * random()));
}

/** Milliseconds that a Retry-After (seconds, or an HTTP date) asks for, within limits; null: it asks for nothing. */
export function pauseMs(retryAfter: string | undefined, nowMs: number): number | null {
  const text = retryAfter?.trim() ?? "";
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, LONGEST_PAUSE_MS) : null;
}
