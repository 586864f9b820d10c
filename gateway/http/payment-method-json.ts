import { z } from "zod";
import { isExpired, type StoredMethod } from "../payment-methods/payment-method.ts";

/** A stored payment method as the interface shows it. Tokens are not in it: only which provider has one, and whether it can be charged. */
export function paymentMethodJson(method: StoredMethod, now: Date): object {
  return {
    id: method.id,
    object: "payment_method",
    type: method.type,
    brand: method.brand,
    country: method.country,
    exp_month: method.expMonth,
    exp_year: method.expYear,
    expired: isExpired(method, now),
    tokens: method.tokens.map(({ provider, state, reason, updatedAt }) => ({ provider, state, reason, updated_at: updatedAt })),
    metadata: method.metadata,
    created_at: method.createdAt,
    updated_at: method.updatedAt,
    deleted_at: method.deletedAt,
  };
}

const time = z.iso.datetime();

const tokenSchema = z.object({
  provider: z.string(),
  state: z.enum(["active", "gone"]).meta({ description: "`gone`: the provider says that it can never be charged again" }),
  reason: z.string().nullable().meta({ description: "Why it is gone" }),
  updated_at: time,
});

export const storedMethodSchema = z
  .object({
    id: z.string(),
    object: z.literal("payment_method"),
    type: z.string(),
    brand: z.string().nullable(),
    country: z.string().nullable(),
    exp_month: z.int().nullable(),
    exp_year: z.int().nullable(),
    expired: z.boolean().meta({ description: "Its last month is over, by UTC; the issuer may know a newer one" }),
    tokens: z.array(tokenSchema),
    metadata: z.record(z.string(), z.string()),
    created_at: time,
    updated_at: time,
    deleted_at: time.nullable(),
  })
  .meta({ id: "PaymentMethod" });
