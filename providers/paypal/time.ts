const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d):?(\d\d)?$/i;

/** Milliseconds since 1970 of PayPal's times, or null. Its reports write zones without a colon: `2026-11-22T10:00:00+0000`. */
export function timeOf(text: unknown): number | null {
  const match = typeof text === "string" ? RFC3339.exec(text) : null;
  if (!match) return null;
  const [, local = "", zone = "", minutes = "00"] = match;
  const ms = Date.parse(local + (zone.toUpperCase() === "Z" ? "Z" : `${zone}:${minutes}`));
  return Number.isNaN(ms) ? null : ms;
}
