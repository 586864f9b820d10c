import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Currency, exponentOf, fromDecimal, isCurrency, toDecimal } from "../../../providers/contract/money.ts";

const CURRENCIES = ["usd", "jpy", "kwd", "isk", "eur", "clp", "tnd"] as Currency[];

describe("money", () => {
  it.each([
    ["usd", 4200n, "42.00"],
    ["usd", 5n, "0.05"],
    ["jpy", 4200n, "4200"],
    ["kwd", 4200n, "4.200"],
    ["kwd", 7n, "0.007"],
  ])("%s %s is %s", (currency, amount, decimal) => {
    expect(toDecimal({ amount, currency: currency as Currency })).toBe(decimal);
  });

  it("comes back exactly from its decimal form, whatever the currency", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 999_999_999_999n), fc.constantFrom(...CURRENCIES), (amount, currency) => {
        expect(fromDecimal(toDecimal({ amount, currency }), currency)).toEqual({ amount, currency });
      }),
    );
  });

  it.each(["", "1,5", "1.234", "-1", "1e3", " 1", "1.", "0x1"])("does not read %j as dollars", (text) => {
    expect(fromDecimal(text, "usd" as Currency)).toBeNull();
  });

  it("knows the exponents of ISO 4217 and no other code", () => {
    expect(CURRENCIES.map(exponentOf)).toEqual([2, 0, 3, 0, 2, 0, 3]);
    expect(isCurrency("USD")).toBe(false);
    expect(isCurrency("xyz")).toBe(false);
  });
});
