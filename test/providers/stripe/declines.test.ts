import { describe, expect, test } from "vitest";
import { DECLINES, declinedBy } from "../../../providers/stripe/declines.ts";

const declined = (code: string, more: object = {}) => declinedBy({ code: "card_declined", decline_code: code, ...more });

describe("Stripe's declines", () => {
  test("each code stands in the table once", () => {
    const codes = DECLINES.flatMap((row) => row.codes.split(" "));
    expect(new Set(codes).size).toBe(codes.length);
  });

  test("a code that nobody knows is an issuer's no, never another provider", () => {
    for (const error of [
      { code: "card_declined", decline_code: "brand_new" },
      { code: "card_declined" },
      {},
      { code: 7, decline_code: null },
    ]) {
      expect(declinedBy(error)).toMatchObject({ kind: "declined", reason: "generic_decline", source: "issuer", advice: "never" });
    }
  });

  test("an empty decline code, as the SDK makes it, falls back to the code", () => {
    for (const code of ["expired_card", "incorrect_cvc", "processing_error"]) {
      expect(declinedBy({ code, decline_code: "" }).providerCode).toBe(code);
      expect(declinedBy({ code, decline_code: "" }).reason).not.toBe("generic_decline");
    }
  });

  test("an unknown decline code does not hide a known code", () => {
    expect(declinedBy({ code: "expired_card", decline_code: "brand_new" })).toMatchObject({
      reason: "expired_card",
      providerCode: "brand_new",
    });
  });

  test("Stripe's advice overrides the table", () => {
    expect(declined("do_not_honor", { advice_code: "do_not_try_again" }).advice).toBe("never");
    expect(declined("do_not_honor", { advice_code: "try_again_later" }).advice).toBe("same_later");
    expect(declined("do_not_honor", { advice_code: "confirm_card_data" }).advice).toBe("fix_data");
    expect(declined("do_not_honor", { advice_code: "brand_new" }).advice).toBe("other_provider");
  });

  test.each([
    ["01", "fix_data", null],
    ["02", "same_later", null],
    ["03", "never", null],
    ["21", "never", null],
    ["99", "never", null],
    ["24", "same_later", 3_600],
    ["25", "same_later", 86_400],
    ["26", "same_later", 2 * 86_400],
    ["27", "same_later", 4 * 86_400],
    ["28", "same_later", 6 * 86_400],
    ["29", "same_later", 8 * 86_400],
    ["30", "same_later", 10 * 86_400],
  ])("the network's advice %s overrides all: %s", (code, advice, retryAfterS) => {
    const more = { advice_code: "try_again_later", network_advice_code: code };
    expect(declined("do_not_honor", more)).toMatchObject({ advice, retryAfterS, networkCode: code });
  });

  test("a network code after which the scheme forbids another attempt is never tried elsewhere or later", () => {
    for (const code of "04 07 12 14 15 41 43 46 57 R0 R1 R3".split(" ")) {
      expect(declined("do_not_honor", { network_decline_code: code })).toMatchObject({ advice: "never", networkCode: code });
      expect(declined("insufficient_funds", { network_decline_code: code, network_advice_code: "24" })).toMatchObject({
        advice: "never",
        retryAfterS: null,
      });
    }
    expect(declined("do_not_honor", { network_decline_code: "51" }).advice).toBe("other_provider");
    expect(declined("incorrect_number", { network_decline_code: "14" }).advice).toBe("fix_data"); // new data is another attempt
  });

  test("codes that are no words are not repeated", () => {
    expect(declined("4242 4242 4242 4242", { network_decline_code: "x".repeat(65) })).toMatchObject({
      providerCode: "card_declined",
      networkCode: null,
    });
  });
});
