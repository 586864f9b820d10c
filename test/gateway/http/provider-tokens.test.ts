import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { PaymentMethod } from "../../../gateway/charges/charge.ts";
import { chargeExample, chargeRequestSchema } from "../../../gateway/http/charge-request.ts";
import { pointerTo } from "../../../gateway/http/pointer.ts";
import { faultsOf } from "../../../gateway/schema-faults.ts";

const token = { checkToken: () => null };
const of = (...providers: [id: string, kind: string][]) => new Map(providers.map(([id, kind]) => [id, { kind, ...token }]));
const clock = { now: () => 0 };

function read(providers: ReturnType<typeof of>, paymentMethod: object) {
  const body = { amount: 1, currency: "usd", payment_method: paymentMethod };
  const result = chargeRequestSchema(providers, clock).safeParse(body);
  return result.success
    ? (result.data.payment_method as PaymentMethod).tokens
    : faultsOf(result.error, pointerTo).map(({ pointer, message }) => `${pointer} ${message}`);
}

const ONE_EACH = of(["stripe-us", "stripe"], ["paypal-eu", "paypal"]);
const TWO_STRIPES = of(["stripe-us", "stripe"], ["stripe-eu", "stripe"], ["paypal", "paypal"]);
const US = { payment_method: "pm_us" };
const EU = { payment_method: "pm_eu" };

describe("a payment method", () => {
  it("is keyed by provider id", () => {
    expect(read(TWO_STRIPES, { "stripe-us": US, "stripe-eu": EU })).toEqual({ "stripe-us": US, "stripe-eu": EU });
    expect(read(TWO_STRIPES, { "stripe-asia": US })).toEqual(expect.arrayContaining([expect.stringContaining("at least one of")]));
  });

  it("takes an adapter's name for the only provider of that adapter, and stores the id", () => {
    expect(read(ONE_EACH, { stripe: US, paypal: EU })).toEqual({ "stripe-us": US, "paypal-eu": EU });
  });

  it("names the providers where an adapter's name could be several", () => {
    expect(read(TWO_STRIPES, { stripe: US })).toEqual([
      "/payment_method/stripe names 2 providers: give the token under the id that it belongs to, one of stripe-us, stripe-eu",
    ]);
  });

  it("refuses one provider twice, by its id and by its adapter's name", () => {
    expect(read(ONE_EACH, { stripe: US, "stripe-us": US })).toEqual([
      "/payment_method names one provider twice: by its id, and by its adapter's name",
    ]);
  });

  it("means the provider of that id where there is one, also beside others of its adapter", () => {
    expect(read(of(["stripe", "stripe"], ["stripe-eu", "stripe"]), { stripe: US })).toEqual({ stripe: US });
  });
});

it("the documentation's example is for the providers that there are, and valid", () => {
  const example = chargeExample(TWO_STRIPES);
  expect(Object.keys(example.payment_method)).toEqual(["stripe-us", "stripe-eu", "paypal", "type", "brand", "country"]);
  expect(chargeRequestSchema(TWO_STRIPES, clock).safeParse(example).success).toBe(true);
});

it("the schema of ambiguous names can still be shown as JSON schema", () => {
  expect(() => z.toJSONSchema(chargeRequestSchema(TWO_STRIPES, clock), { io: "input", unrepresentable: "any" })).not.toThrow();
});
