/** What "not decided yet" stands for in the list's filter. */
const OPEN = "processing,requires_action,pending,in_doubt,deferred,authorized";

/** The page's filters as `&name=value…` for `GET /v1/charges`. Days are whole days of this device's time zone. */
export function queryOf(search: URLSearchParams): string {
  const query = new URLSearchParams();
  const given = (name: string) => search.get(name) || null;
  const add = (name: string, value: string | null) => value !== null && query.append(name, value);
  add("q", given("q"));
  const status = given("status");
  add("status", status === "open" ? OPEN : status);
  add("provider", given("provider"));
  add("created_from", startOfDay(given("from"), 0));
  add("created_before", startOfDay(given("to"), 1));
  const text = query.toString();
  return text === "" ? "" : `&${text}`;
}

/** `2026-11-22` as the RFC 3339 time at which that day, or one `later`, begins here; null for anything else. */
export function startOfDay(day: string | null, later: number): string | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? "");
  if (match === null) return null;
  const date = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + later);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
