import { InvalidArgumentError } from "commander";

const SPAN_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const SPAN = /^(?:\d{1,6}(?:s|min|m|h|d|w))+$/;

/** `90s`, `15m`, `1h30m`, `2d`, `1w` in milliseconds; null when it is no such span. */
function spanMs(text: string): number | null {
  if (!SPAN.test(text)) return null;
  const parts = text.matchAll(/(\d+)(s|min|m|h|d|w)/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (SPAN_MS[unit as string] as number), 0);
}

/** An option's span of time, in seconds. */
export function parseSpan(text: string): number {
  const ms = spanMs(text);
  if (ms === null || ms < 1_000) throw new InvalidArgumentError("A span is written like 90s, 15m, 1h30m or 2d.");
  return ms / 1_000;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * An option's point in time, as RFC 3339: a date (its midnight, UTC), a time (UTC unless it says otherwise), or a span before now
 * (`24h`: a day ago).
 */
export function parseWhen(nowMs: number): (text: string) => string {
  return (text) => {
    const ago = spanMs(text);
    const zoned = /(Z|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text}Z`;
    const at =
      ago !== null ? nowMs - ago : DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : TIME.test(text) ? Date.parse(zoned) : Number.NaN;
    if (Number.isNaN(at) || (ago === null && !isDay(text.slice(0, 10))))
      throw new InvalidArgumentError("A time is written like 2026-11-01, 2026-11-01T09:30:00Z, or 24h (ago).");
    return new Date(at).toISOString();
  };
}

/** Not the 30th of February, which `Date` takes for a day in March. */
function isDay(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

/** An option's whole number, from `min` to `max`. */
export function parseCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (!/^\d{1,12}$/.test(text) || count < min || count > max)
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
    return count;
  };
}
