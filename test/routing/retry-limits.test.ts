import { describe, expect, it } from "vitest";
import type { Declined } from "../../providers/contract/outcome.ts";
import { declinedByProcessor } from "../../providers/paypal/declines.ts";
import { declinedBy } from "../../providers/stripe/declines.ts";
import { banAfter, barOf, type DeclinedAttempt, type Retry } from "../../routing/retry-limits.ts";

const NOW = Date.parse("2026-11-01T12:00:00Z");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function declined(more: Partial<Declined> = {}): Declined {
  return {
    kind: "declined",
    reason: "generic_decline",
    source: "issuer",
    advice: "other_provider",
    retryAfterS: null,
    providerCode: "generic_decline",
    networkCode: null,
    ...more,
  };
}

const retry = (brand: string | null, more: Partial<Retry> = {}): Retry => ({
  type: "card",
  brand,
  amount: 4200n,
  currency: "usd",
  ...more,
});

function history(count: number, more: Partial<DeclinedAttempt> & { readonly everyMs?: number } = {}): DeclinedAttempt[] {
  const { everyMs = 1_000, ...rest } = more;
  return Array.from({ length: count }, (_, i) => ({
    atMs: NOW - (i + 1) * everyMs,
    amount: 4200n,
    currency: "usd",
    counted: true,
    ban: null,
    networkCode: null,
    ...rest,
  }));
}

describe("a decline forbids the instrument", () => {
  it.each("04 07 12 14 15 46 57 R0 R1 R3".split(" "))("for 30 days after Visa's code %s, whatever the advice", (networkCode) => {
    const ban = { rule: "visa_never", untilMs: NOW + 30 * DAY };
    expect(banAfter(declined({ networkCode }), "visa", NOW)).toEqual(ban);
    expect(banAfter(declined({ networkCode, advice: "fix_data" }), null, NOW)).toEqual(ban);
    expect(banAfter(declined({ networkCode }), "mastercard", NOW)).toBeNull();
  });

  it.each(["41", "43"])(
    "for 30 days after Visa's code %s with the advice never, and not after the same word as a virtual card's",
    (networkCode) => {
      for (const brand of ["visa", null]) {
        const never = declined({ networkCode, advice: "never" });
        expect(banAfter(never, brand, NOW)).toEqual({ rule: "visa_never", untilMs: NOW + 30 * DAY });
        // PayPal passes Mastercard's advice on: 41 and 43 are virtual cards there, and its response code decides.
        expect(banAfter(declinedByProcessor("0500", networkCode), brand, NOW)).toBeNull();
        expect(banAfter(declinedByProcessor("5120", networkCode), brand, NOW)).toBeNull();
        // Stripe passes the issuer's response code on.
        const lost = declinedBy({ code: "card_declined", decline_code: "do_not_honor", network_decline_code: networkCode });
        expect(banAfter(lost, brand, NOW)).toEqual({ rule: "visa_never", untilMs: NOW + 30 * DAY });
      }
    },
  );

  it.each(["03", "21"])("for 30 days after Mastercard's advice %s", (networkCode) => {
    const ban = { rule: "mastercard_never", untilMs: NOW + 30 * DAY };
    expect(banAfter(declined({ networkCode, advice: "never" }), "mastercard", NOW)).toEqual(ban);
    expect(banAfter(declined({ networkCode, advice: "never" }), null, NOW)).toEqual(ban);
  });

  it.each([
    ["03", "other_provider"],
    ["21", "other_provider"],
    ["03", "same_later"],
  ] as const)("not after the response code %s with the advice %s: it is no merchant advice code", (networkCode, advice) => {
    for (const brand of ["mastercard", null]) expect(banAfter(declined({ networkCode, advice }), brand, NOW)).toBeNull();
  });

  it.each(["issuer", "provider"] as const)("for 30 days after the advice never of the %s", (source) => {
    expect(banAfter(declined({ advice: "never", source }), "amex", NOW)).toEqual({ rule: "advice_never", untilMs: NOW + 30 * DAY });
  });

  it("until the time that the network named", () => {
    const later = declined({ advice: "same_later", retryAfterS: 3_600 });
    expect(banAfter(later, "mastercard", NOW)).toEqual({ rule: "retry_after", untilMs: NOW + HOUR });
    expect(banAfter(declined({ advice: "same_later", retryAfterS: 90 * 86_400 }), "visa", NOW)?.untilMs).toBe(NOW + 30 * DAY);
  });

  it("not for a code that nobody taught us, for data that can be mended, for authentication, or for later at no named time", () => {
    expect(banAfter(declined({ advice: "never", untaught: true }), "visa", NOW)).toBeNull();
    for (const advice of ["fix_data", "authenticate", "same_later", "other_provider"] as const)
      expect(banAfter(declined({ advice }), "visa", NOW)).toBeNull();
  });
});

describe("the limits", () => {
  it("let the 15th attempt with one Visa card and amount pass, and not the 16th until the first is 30 days old", () => {
    expect(barOf(history(14), retry("visa"), NOW)).toBeNull();
    expect(barOf(history(15, { everyMs: DAY }), retry("visa"), NOW)).toMatchObject({
      kind: "limit",
      scheme: "Visa",
      untilMs: NOW + 15 * DAY,
    });
    expect(barOf(history(15), retry("visa", { amount: 4201n }), NOW)).toBeNull();
    expect(barOf(history(15), retry("visa", { currency: "eur" }), NOW)).toBeNull();
    expect(barOf(history(20, { atMs: NOW - 30 * DAY }), retry("visa"), NOW)).toBeNull();
  });

  it("count 10 in 24 hours and 35 in 30 days of a Mastercard, whatever the amount", () => {
    const other = { amount: 1n };
    expect(barOf(history(9, other), retry("mastercard"), NOW)).toBeNull();
    expect(barOf(history(10, { ...other, everyMs: HOUR }), retry("mastercard"), NOW)).toMatchObject({
      kind: "limit",
      untilMs: NOW + 14 * HOUR,
    });
    expect(barOf(history(34, { ...other, everyMs: 20 * HOUR }), retry("mastercard"), NOW)).toBeNull();
    expect(barOf(history(35, { ...other, everyMs: 20 * HOUR }), retry("mastercard"), NOW)).toMatchObject({
      kind: "limit",
      scheme: "Mastercard",
    });
  });

  it.each([null, "amex"])("all hold for the brand %s", (brand) => {
    expect(barOf(history(10), retry(brand), NOW)).toMatchObject({ scheme: "Mastercard" });
    expect(barOf(history(15, { everyMs: DAY }), retry(brand), NOW)).toMatchObject({ scheme: "Visa" });
  });

  it("count what issuers declined, and cards only", () => {
    expect(barOf(history(50, { counted: false }), retry("visa"), NOW)).toBeNull();
    expect(barOf(history(50), retry(null, { type: "wallet" }), NOW)).toBeNull();
  });
});

it("the bar that lasts longest is the one that is told, and none that is over", () => {
  const over = history(1, { ban: { rule: "retry_after", untilMs: NOW } });
  expect(barOf(over, retry("visa"), NOW)).toBeNull();
  const short = history(1, { ban: { rule: "retry_after", untilMs: NOW + HOUR } });
  const long = history(1, { ban: { rule: "visa_never", untilMs: NOW + 2 * HOUR }, networkCode: "41" });
  const told = { kind: "forbidden", rule: "visa_never", untilMs: NOW + 2 * HOUR, networkCode: "41" };
  expect(barOf([...over, ...short, ...long], retry("visa"), NOW)).toEqual(told);
});
