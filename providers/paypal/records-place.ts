import type { RecordsQuery } from "../contract/records.ts";

/** A page of one search. Payments are found by two: those that moved money, and those that only hold it. */
export interface Place {
  readonly what: "payments" | "holds" | "refunds";
  /** The window, milliseconds since 1970: what is before it was searched, up to the query's end will be. */
  readonly fromMs: number;
  readonly toMs: number;
  /** 1 is the first. */
  readonly page: number;
}

/** PayPal searches at most 31 days at a time. */
const MAX_WINDOW_MS = 31 * 86_400_000 - 2_000;
/** It knows the last three years. */
const OLDEST_MS = 3 * 365 * 86_400_000;
/** A search is by whole seconds. */
const MIN_WINDOW_MS = 1_000;

/** null: nothing can be in it. */
export function firstPlace(query: RecordsQuery): Place | null {
  return query.fromMs < query.toMs ? firstWindow(query.what, query) : null;
}

function firstWindow(what: Place["what"], { fromMs, toMs }: RecordsQuery): Place {
  return window(what, Math.max(fromMs, toMs - OLDEST_MS), toMs);
}

/** The place of a cursor, or null when it is none of this query. */
export function readPlace(cursor: string, query: RecordsQuery): Place | null {
  const match = /^(payments|holds|refunds)\.(\d{1,15})\.(\d{1,15})\.([1-9]\d{0,5})$/.exec(cursor);
  if (!match) return null;
  const what = match[1] as Place["what"];
  const [fromMs, toMs, page] = [Number(match[2]), Number(match[3]), Number(match[4])];
  const ofQuery = (what === "refunds") === (query.what === "refunds") && query.fromMs <= fromMs && fromMs < toMs && toMs <= query.toMs;
  return ofQuery && toMs - fromMs <= MAX_WINDOW_MS ? { what, fromMs, toMs, page } : null;
}

/** The cursor after `place`: its next page, else the next window, else the holds; null: that was all. */
export function writePlace(place: Place, query: RecordsQuery, morePages: boolean): string | null {
  if (morePages) return text({ ...place, page: place.page + 1 });
  if (place.toMs < query.toMs) return text(window(place.what, place.toMs, query.toMs));
  return place.what === "payments" ? text(firstWindow("holds", query)) : null;
}

/** The cursor of the first half of `place`, or null when it cannot be shorter. */
export function half(place: Place): string | null {
  const { fromMs, toMs } = place;
  if (toMs - fromMs < 2 * MIN_WINDOW_MS) return null;
  return text({ ...place, toMs: fromMs + Math.floor((toMs - fromMs) / 2), page: 1 });
}

function window(what: Place["what"], fromMs: number, toMs: number): Place {
  return { what, fromMs, toMs: Math.min(toMs, fromMs + MAX_WINDOW_MS), page: 1 };
}

function text({ what, fromMs, toMs, page }: Place): string {
  return `${what}.${fromMs}.${toMs}.${page}`;
}
