import { isCurrency, toDecimal } from "../../../providers/contract/money.ts";

/** `{4200, usd}` is `42.00 USD`. Negative sums too. */
export function moneyText(amount: number | bigint | null | undefined, currency: string | null | undefined): string {
  if (amount === null || amount === undefined) return "-";
  const whole = BigInt(amount);
  if (!currency || !isCurrency(currency)) return `${whole}${currency ? ` ${currency.toUpperCase()}` : ""}`;
  const decimal = toDecimal({ amount: whole < 0n ? -whole : whole, currency });
  return `${whole < 0n ? "-" : ""}${decimal} ${currency.toUpperCase()}`;
}

/** `2026-11-22 13:25:20`: UTC, to the second. */
export function timeText(time: string | null | undefined): string {
  return time ? time.slice(0, 19).replace("T", " ") : "-";
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** `1 h 30 min`: the two largest units of it. */
export function spanText(ms: number): string {
  let left = Math.abs(ms);
  if (left < 1_000) return `${Math.round(left)} ms`;
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** `12 min ago`, `in 3 h`. */
export function fromNow(time: string, nowMs: number): string {
  const ms = Date.parse(time) - nowMs;
  if (Math.abs(ms) < 1_000) return "now";
  return ms < 0 ? `${spanText(ms)} ago` : `in ${spanText(ms)}`;
}

/** Of what is to come: `in 3 h`; `now` when its time has passed already. */
export function dueText(time: string, nowMs: number): string {
  return Date.parse(time) <= nowMs ? "now" : fromNow(time, nowMs);
}

/** `98.4 %`. */
export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? "-" : `${(share * 100).toFixed(1)} %`;
}

export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
