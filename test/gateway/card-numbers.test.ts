import { randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasCardNumber, maskCardNumbers, numberIsCardNumber } from "../../gateway/card-numbers.ts";
import { idSource } from "../../gateway/ids.ts";

/** What processors publish for tests: one per network, some of an unusual length. */
const CARDS = {
  visa: "4111111111111111",
  "visa of 13 digits": "4222222222222",
  mastercard: "5555555555554444",
  "mastercard's second series": "2223003122003222",
  "american express": "378282246310005",
  discover: "6011111111111117",
  "diners club": "30569309025904",
  "diners club of 14 digits": "36227206271667",
  jcb: "3566002020360505",
  unionpay: "6200000000000005",
  "unionpay of 19 digits": "6205500000000000004",
  maestro: "6759649826438453",
  mir: "2200000000000004",
  elo: "6362970000457013",
};

/** Any number with a known prefix, a valid length and a right check digit. */
const cardNumber = fc
  .tuple(
    fc.constantFrom(["4", 16], ["4", 13], ["51", 16], ["2221", 16], ["34", 15], ["6011", 16], ["36", 14], ["3528", 16], ["62", 19]),
    fc.infiniteStream(fc.nat(9)),
  )
  .map(([[prefix, length], digits]) => {
    let number = String(prefix);
    for (const digit of digits) {
      if (number.length === Number(length) - 1) break;
      number += digit;
    }
    return number + checkDigit(number);
  });

function checkDigit(number: string): number {
  const sum = [...number].reverse().reduce((total, character, i) => {
    const value = Number(character) * (i % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return (10 - (sum % 10)) % 10;
}

describe("a card number", () => {
  it.each(Object.entries(CARDS))("of %s is found", (_network, number) => {
    expect(hasCardNumber(number)).toBe(true);
    expect(hasCardNumber(`please charge ${number}, thanks`)).toBe(true);
  });

  it("is found with any prefix, length and check digit that belong together", () => {
    fc.assert(fc.property(cardNumber, (number) => hasCardNumber(number)));
  });

  it("is found in groups, between words", () => {
    for (const text of ["4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005", "card: 4111 1111 1111 1111 12/28 123"])
      expect(hasCardNumber(text), text).toBe(true);
  });

  it("is found with its digits divided anyhow by spaces and dashes", () => {
    fc.assert(
      fc.property(cardNumber, fc.array(fc.constantFrom("", " ", "-"), { minLength: 19, maxLength: 19 }), (number, separators) =>
        hasCardNumber([...number].map((digit, i) => digit + separators[i]).join("")),
      ),
    );
  });

  it("is found with letters around it, in wide digits, and with exotic spaces", () => {
    for (const text of [
      "card4111111111111111",
      "order_4111111111111111",
      "４１１１１１１１１１１１１１１１",
      "4111\u00a01111\u20091111\u20111111",
    ])
      expect(hasCardNumber(text), text).toBe(true);
  });

  it("is not what has a wrong check digit, an unknown prefix or a wrong length", () => {
    for (const text of ["4111111111111112", "9999999999999995", "411111111111116", "1234567890123452"])
      expect(hasCardNumber(text), text).toBe(false);
  });

  it("is not inside an id that mixes letters and digits", () => {
    for (const text of ["pi_3N4111111111111111ab", "ch_01k9x4111111111111111", "tok4a4111111111111111"])
      expect(hasCardNumber(text), text).toBe(false);
  });

  it("is not a time, a phone number, a list of numbers or a UUID", () => {
    for (const text of [
      "2026-12-01T00:00:00.000Z",
      "1764547200000",
      "1764547200000000",
      "1764547200000000000",
      "+44 20 7946 0958 or +44 20 7946 0959",
      "seats 4 12 15 22 31 40 52 61 70 and 81",
      "41111111-1111-1111-8111-111111111111",
    ])
      expect(hasCardNumber(text), text).toBe(false);
  });

  it("is not seen in random ids", () => {
    const newId = idSource({ now: () => Date.now() }, Math.random);
    for (let i = 0; i < 20_000; i++) {
      for (const id of [randomUUID(), randomBytes(16).toString("hex"), randomBytes(18).toString("base64url"), newId("ch")])
        expect(hasCardNumber(id), id).toBe(false);
    }
  });

  it("is seen in a JSON number, unless the number is short enough to be an amount", () => {
    expect(numberIsCardNumber("4111111111111111")).toBe(true);
    expect(numberIsCardNumber("4.111111111111111e15")).toBe(true);
    expect(numberIsCardNumber("6205500000000000004")).toBe(true);
    fc.assert(fc.property(fc.integer({ min: 1, max: 999_999_999_999 }), (amount) => !numberIsCardNumber(String(amount))));
  });

  it("is masked where a message that is not ours may quote it", () => {
    expect(maskCardNumbers("invalid value: 4111 1111 1111 1111 (and 5555555555554444)")).toBe(
      "invalid value: [card number] (and [card number])",
    );
    fc.assert(fc.property(fc.string(), cardNumber, fc.string(), (a, number, b) => !hasCardNumber(maskCardNumbers(`${a} ${number} ${b}`))));
  });

  it("is looked for in a whole body of digits within a fraction of a second", () => {
    // Of this process's own time: what else the machine does is no fault of ours.
    const before = process.cpuUsage();
    for (const text of ["1 ".repeat(32_000), "0-0".repeat(21_000), "1234 ".repeat(13_000), "9".repeat(64_000)]) hasCardNumber(text);
    expect(process.cpuUsage(before).user).toBeLessThan(3_000_000);
  });
});
