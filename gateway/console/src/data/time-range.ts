import { useNow } from "../parts/use-now.ts";
import { useSearch } from "../shell/router.tsx";

export type RangeName = "hour" | "day" | "week" | "month";
export type Interval = "minute" | "hour" | "day";

export interface Range {
  readonly name: RangeName;
  /** In a sentence: "the last hour". */
  readonly words: string;
  readonly from: Date;
  readonly to: Date;
  readonly interval: Interval;
  /** Beginnings of the intervals, milliseconds since 1970, oldest first; aligned as the gateway aligns them, in UTC. */
  readonly starts: readonly number[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
export const INTERVAL_MS: Readonly<Record<Interval, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

const RANGES: Readonly<Record<RangeName, { words: string; text: string; lengthMs: number; interval: Interval }>> = {
  hour: { words: "the last hour", text: "1 hour", lengthMs: HOUR_MS, interval: "minute" },
  day: { words: "the last 24 hours", text: "24 hours", lengthMs: DAY_MS, interval: "hour" },
  week: { words: "the last 7 days", text: "7 days", lengthMs: 7 * DAY_MS, interval: "hour" },
  month: { words: "the last 30 days", text: "30 days", lengthMs: 30 * DAY_MS, interval: "day" },
};

export const RANGE_OPTIONS = (Object.keys(RANGES) as RangeName[]).map((value) => ({ value, text: RANGES[value].text }));

/** The range that the address names (`?range=day`), up to now; it moves on with each minute. */
export function useRange(otherwise: RangeName = "hour"): [Range, (name: RangeName) => void] {
  const [search, change] = useSearch();
  const now = useNow(MINUTE_MS);
  const asked = search.get("range");
  const name = asked !== null && asked in RANGES ? (asked as RangeName) : otherwise;
  return [rangeOf(name, now), (chosen) => change({ range: chosen === otherwise ? null : chosen })];
}

/** `now`: milliseconds since 1970, a whole minute. */
function rangeOf(name: RangeName, now: number): Range {
  const { words, lengthMs, interval } = RANGES[name];
  const step = INTERVAL_MS[interval];
  // The minute, hour or day of now is the last one.
  const last = Math.floor(now / step) * step;
  const first = last - lengthMs + step;
  const starts = Array.from({ length: lengthMs / step }, (_, index) => first + index * step);
  return { name, words, from: new Date(first), to: new Date(now + MINUTE_MS), interval, starts };
}
