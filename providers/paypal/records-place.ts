import type { RecordsQuery } from "../contract/records.ts";

/** A page of one search. Payments are found by two: those that moved money, and those that only hold it. Milliseconds since 1970. */
export interface Place {
  readonly what: "payments" | "holds" | "refunds";
  /** What is searched now: what is before it was searched, up to the query's end will be. */
  readonly fromMs: number;
  readonly toMs: number;
  /** 1 is the first. */
  readonly page: number;
  /** The window of the query with which it all began. */
  readonly beginMs: number;
  readonly endMs: number;
}

/** PayPal searches at most 31 days at a time. */
const MAX_WINDOW_MS = 31 * 86_400_000 - 2_000;
/** It knows the last three years. */
const OLDEST_MS = 3 * 365 * 86_400_000;
/** A search is by whole seconds. */
const MIN_WINDOW_MS = 1_000;

/** null: nothing can be in it. */
export function firstPlace({ what, fromMs, toMs }: RecordsQuery): Place | null {
  return fromMs < toMs ? windowAt(what, fromMs, Math.max(fromMs, toMs - OLDEST_MS), toMs) : null;
}

/** The place of a cursor, or null when it is none of such a query. */
export function readPlace(cursor: string, query: RecordsQuery): Place | null {
  const match = /^(payments|holds|refunds)\.(\d{1,15})\.(\d{1,15})\.([1-9]\d{0,5})\.(\d{1,15})\.(\d{1,15})$/.exec(cursor);
  if (!match) return null;
  const what = match[1] as Place["what"];
  const [fromMs, toMs, page, beginMs, endMs] = match.slice(2).map(Number) as [number, number, number, number, number];
  const inOrder = beginMs <= fromMs && fromMs < toMs && toMs <= endMs && toMs - fromMs <= MAX_WINDOW_MS;
  return inOrder && (what === "refunds") === (query.what === "refunds") ? { what, fromMs, toMs, page, beginMs, endMs } : null;
}

/** The cursor after `place`: its next page, else the next window, else the holds; null: that was all. */
export function writePlace(place: Place, morePages: boolean): string | null {
  const { what, toMs, page, beginMs, endMs } = place;
  if (morePages) return text({ ...place, page: page + 1 });
  if (toMs < endMs) return text(windowAt(what, beginMs, toMs, endMs));
  return what === "payments" ? text(windowAt("holds", beginMs, Math.max(beginMs, endMs - OLDEST_MS), endMs)) : null;
}

/** The cursor of the first half of `place`, or null when it cannot be shorter. */
export function half(place: Place): string | null {
  const { fromMs, toMs } = place;
  if (toMs - fromMs < 2 * MIN_WINDOW_MS) return null;
  return text({ ...place, toMs: fromMs + Math.floor((toMs - fromMs) / 2), page: 1 });
}

function windowAt(what: Place["what"], beginMs: number, fromMs: number, endMs: number): Place {
  return { what, fromMs, toMs: Math.min(endMs, fromMs + MAX_WINDOW_MS), page: 1, beginMs, endMs };
}

function text({ what, fromMs, toMs, page, beginMs, endMs }: Place): string {
  return [what, fromMs, toMs, page, beginMs, endMs].join(".");
}
