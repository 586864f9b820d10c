import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromStripeAmount, toStripeAmount } from "../../../providers/stripe/amounts.ts";
import { always, attempt, intent, money, newCall, provider } from "./raw-stripe.ts";

describe("Stripe's amounts", () => {
  test.each([
    ["usd", 4200n, 4200],
    ["jpy", 4200n, 4200],
    ["kwd", 4200n, 4200],
    ["isk", 5n, 500], // no decimals, sent with two
    ["ugx", 5n, 500],
    ["mga", 4200n, 42], // two decimals in ISO 4217, none at Stripe
    ["huf", 4200n, 4200], // special for payouts only
    ["twd", 4200n, 4200],
  ])("%s %d is sent as %d", (currency, ours, theirs) => {
    expect(toStripeAmount(money(ours, currency))).toEqual({ amount: theirs });
    expect(fromStripeAmount(theirs, currency)).toEqual(money(ours, currency));
  });

  test.each([
    ["kwd", 4201n],
    ["bhd", 5n],
    ["mga", 4250n],
    ["usd", 0n],
    ["usd", BigInt(Number.MAX_SAFE_INTEGER) + 1n],
    ["isk", BigInt(Number.MAX_SAFE_INTEGER)],
  ])("%s %d cannot be said to Stripe, and is refused without sending", async (currency, amount) => {
    expect(toStripeAmount(money(amount, currency))).toHaveProperty("problem");
    const server = await always(200, intent("requires_confirmation"));
    const outcome = await provider(server.url).prepare(attempt({ money: money(amount, currency) }), newCall());
    expect(outcome).toMatchObject({ kind: "not_sent", cause: "rejected", fault: false });
    expect(server.seen).toHaveLength(0);
  });

  test("what is not such an amount is not read", () => {
    for (const amount of [1.5, -1, "4200", null, Number.NaN, 2 ** 53]) expect(fromStripeAmount(amount, "usd")).toBeNull();
    expect(fromStripeAmount(4250, "isk")).toBeNull();
    expect(fromStripeAmount(100, "xxx")).toBeNull();
  });

  test("there and back is the same money", () => {
    const currencies = fc.constantFrom("usd", "jpy", "kwd", "isk", "ugx", "mga", "bhd");
    fc.assert(
      fc.property(currencies, fc.bigInt({ min: 1n, max: 10n ** 13n }), (currency, amount) => {
        const sent = toStripeAmount(money(amount, currency));
        if ("amount" in sent) expect(fromStripeAmount(sent.amount, currency)).toEqual(money(amount, currency));
      }),
    );
  });
});
