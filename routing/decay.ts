/** What is left of `value` after `elapsedMs`, when it halves every `halfLifeMs`. A clock that went back decays nothing. */
export function halved(value: number, elapsedMs: number, halfLifeMs: number): number {
  return elapsedMs <= 0 ? value : value * 2 ** (-elapsedMs / halfLifeMs);
}

/** A count that forgets: `value` as of `at` (milliseconds). */
export interface Decaying {
  readonly value: number;
  readonly at: number;
}

export function valueAt(count: Decaying, now: number, halfLifeMs: number): number {
  return halved(count.value, now - count.at, halfLifeMs);
}

export function plusOne(count: Decaying, now: number, halfLifeMs: number): Decaying {
  return { value: valueAt(count, now, halfLifeMs) + 1, at: Math.max(now, count.at) };
}
