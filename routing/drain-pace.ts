/**
 * How many deferred charges the whole fleet may send now: a ramp, so that recovery is no second outage. Plain JSON, kept
 * in one row; whoever advances it by compare-and-set holds the grant. `now` is wall time, since instances share it.
 */
export interface DrainPace {
  /** Charges per second. 0: stopped. */
  readonly ratePerS: number;
  /** What the fleet sent per second when this ramp began. */
  readonly beforePerS: number;
  /** When the rate was last looked at. */
  readonly steppedAt: number;
  readonly grantedAt: number;
  /** The part of a charge that was not granted yet, in [0, 1). */
  readonly carry: number;
}

export interface DrainSigns {
  readonly now: number;
  /** Technical faults among `calls`, over about the last step (5 s). */
  readonly faults: number;
  readonly calls: number;
  /** null: no calls to tell. */
  readonly p95Ms: number | null;
  /** p95 in normal times; null: not known yet. */
  readonly baselineMs: number | null;
  /** Live charges per second. */
  readonly ratePerS: number;
  /** A gate is open among the providers that deferred charges would go to. */
  readonly anyOpen: boolean;
}

export const MIN_START_PER_S = 5;
export const MIN_STEP_PER_S = 1;
/** The share of the rate before at which a ramp starts, and by which it grows. */
export const RAMP_SHARE = 0.05;
export const STEP_MS = 5_000;
export const MAX_FAULT_SHARE = 0.02;
export const MAX_P95_FACTOR = 1.5;
/** Trouble halves the rate down to here; below, nothing would be learned. A real outage opens the gate and stops it. */
export const MIN_RATE_PER_S = 1;
/** The backlog never takes more than twice what the providers carried before, or this: additive growth has no end of its own. */
export const MAX_RATE_PER_S = 100;
/** A worker that slept must not send the whole pause at once. */
export const MAX_GRANT_S = 2;
/** A ramp that granted nothing for so long is over: what was safe then says nothing about the next outage. */
export const RESTART_AFTER_MS = 60_000;

const STOPPED: DrainPace = { ratePerS: 0, beforePerS: 0, steppedAt: 0, grantedAt: 0, carry: 0 };

/** `state` null: never drained. `grant` is a whole number of charges. */
export function advance(state: DrainPace | null, signs: DrainSigns): { state: DrainPace; grant: number } {
  const { now } = signs;
  if (signs.anyOpen) return { state: { ...STOPPED, steppedAt: now, grantedAt: now }, grant: 0 };
  const began = state && state.ratePerS > 0 && isRecent(state, now) ? stepped(state, signs) : started(signs);
  const elapsedS = Math.min(MAX_GRANT_S, Math.max(0, now - began.grantedAt) / 1_000);
  const due = began.carry + began.ratePerS * elapsedS;
  const grant = Math.floor(due);
  return { state: { ...began, grantedAt: Math.max(now, began.grantedAt), carry: due - grant }, grant };
}

/** Neither from long ago nor from the future: a clock that went far back would stop the drain until it has caught up. */
function isRecent(state: DrainPace, now: number): boolean {
  return now - state.grantedAt < RESTART_AFTER_MS && state.grantedAt <= now + STEP_MS;
}

/** The first grant comes at once: one second's worth. */
function started(signs: DrainSigns): DrainPace {
  const beforePerS = Math.max(0, signs.ratePerS);
  const ratePerS = Math.max(MIN_START_PER_S, RAMP_SHARE * beforePerS);
  return { ratePerS, beforePerS, steppedAt: signs.now, grantedAt: signs.now - 1_000, carry: 0 };
}

function stepped(state: DrainPace, signs: DrainSigns): DrainPace {
  if (signs.now - state.steppedAt < STEP_MS) return state;
  return { ...state, ratePerS: nextRate(state, signs), steppedAt: signs.now };
}

function nextRate({ ratePerS, beforePerS }: DrainPace, signs: DrainSigns): number {
  if (signs.calls === 0) return ratePerS;
  const slow = signs.p95Ms !== null && signs.baselineMs !== null && signs.p95Ms > MAX_P95_FACTOR * signs.baselineMs;
  if (slow || signs.faults > MAX_FAULT_SHARE * signs.calls) return Math.max(MIN_RATE_PER_S, ratePerS / 2);
  const most = Math.max(MAX_RATE_PER_S, 2 * beforePerS);
  return Math.min(most, ratePerS + Math.max(MIN_STEP_PER_S, RAMP_SHARE * beforePerS));
}
