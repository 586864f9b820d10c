/** Numbers, money and times as people read them. */
import { exponentOf, isCurrency } from "../../../../providers/contract/money.ts";

const number = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const formats = new Map<string, Intl.NumberFormat>();

export function count(value: number): string {
  return number.format(value);
}

/** 12,345 as 12.3K: for axes. */
export function shortCount(value: number): string {
  return compact.format(value);
}

/** A share from 0 to 1; "–" when there is none. */
export function share(value: number | null): string {
  return value === null ? "–" : percent.format(value);
}

/** Minor units of a currency: (4200, "usd") is $42.00. */
export function money(amount: number, currency: string): string {
  return formatOf(currency).format(major(amount, currency));
}

/** Minor units as a plain number, for spreadsheets: (4250, "usd") is 42.5. */
export function major(amount: number, currency: string): number {
  return amount / 10 ** digitsOf(currency);
}

/** The gateway's own word, ISO 4217's: a browser knows fewer for some, because their coins are out of use. */
function digitsOf(currency: string): number {
  return isCurrency(currency) ? exponentOf(currency) : 2;
}

/** Amounts of several currencies in a sentence, at most three of them: they are never added. */
export function moneys(amounts: readonly { readonly amount: number; readonly currency: string }[]): string {
  const shown = amounts.slice(0, MAX_CURRENCIES).map(({ amount, currency }) => money(amount, currency));
  const more = amounts.length - shown.length;
  return list(more > 0 ? [...shown, `${count(more)} more`] : shown);
}

const MAX_CURRENCIES = 3;

function formatOf(currency: string): Intl.NumberFormat {
  const known = formats.get(currency);
  if (known) return known;
  const digits = digitsOf(currency);
  const made = new Intl.NumberFormat("en", { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits });
  formats.set(currency, made);
  return made;
}

const STEPS = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
] as const;

/** A length of time by its largest unit: "3 minutes". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const [size, unit] = STEPS.find(([step]) => seconds >= step) ?? ([1, "second"] as const);
  const whole = Math.floor(seconds / size);
  return `${whole} ${unit}${whole === 1 ? "" : "s"}`;
}

/** "3 minutes ago", "in 2 hours", "now". */
export function fromNow(at: number, now: number): string {
  const away = at - now;
  // The page's clock is up to two seconds behind: what has just happened does not lie ahead.
  if (away > -1_500 && away < 2_500) return "now";
  return away < 0 ? `${duration(-away)} ago` : `in ${duration(away)}`;
}

/** Of this device's time zone: 22 Nov 2026, 14:03:07. */
export function dateTime(at: number | string): string {
  return new Date(at).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** The same without year and seconds: 22 Nov, 14:03. */
export function dayTime(at: number | string): string {
  return new Date(at).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** 14:03 when that is today, else 23 Nov, 14:03. `now`: milliseconds since 1970. */
export function whenTime(at: number | string, now: number): string {
  return new Date(at).toDateString() === new Date(now).toDateString() ? clockTime(at) : dayTime(at);
}

export function clockTime(at: number | string): string {
  return new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** `in_doubt` as "in doubt". */
export function plain(word: string): string {
  return word.replaceAll("_", " ");
}

/** Names as people write them; a configured id that is not known stays as it is. */
const NAMES: Readonly<Record<string, string>> = { stripe: "Stripe", paypal: "PayPal" };

export function providerName(id: string): string {
  return NAMES[id] ?? id;
}

const BRANDS: Readonly<Record<string, string>> = { amex: "American Express", jcb: "JCB", unionpay: "UnionPay" };

/** A card's brand: "Visa". */
export function brandName(brand: string): string {
  const words = plain(brand);
  return BRANDS[brand] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** "a, b and c". */
export function list(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
