import { z } from "zod";
import { OPERATION_STATES, type Operation } from "../charges/operation.ts";

/** A refund as the interface shows it. */
export function refundJson(refund: Operation): object {
  const { failure } = refund;
  return {
    id: refund.id,
    object: "refund",
    livemode: refund.livemode,
    charge: refund.chargeId,
    status: refund.state,
    // at most 12 digits: exact as a number
    amount: Number(refund.amount),
    currency: refund.currency,
    reason: refund.reason,
    provider: refund.provider,
    provider_reference: refund.providerReference,
    failure:
      refund.state === "failed" && failure ? { code: failure.code, message: failure.message, provider_code: failure.provider_code } : null,
    metadata: refund.metadata,
    created_at: refund.createdAt,
    updated_at: refund.updatedAt,
  };
}

const text = z.string().nullable();

export const refundSchema = z
  .object({
    id: z.string(),
    object: z.literal("refund"),
    livemode: z.boolean(),
    charge: z.string(),
    status: z
      .enum(OPERATION_STATES)
      .describe(
        "`pending`: the provider has it in work. `in_doubt`: it was sent, and nobody knows yet. `deferred`: it could not be sent, and will be. A `succeeded` refund may still become `failed`",
      ),
    amount: z.int(),
    currency: z.string(),
    reason: text,
    provider: z.string(),
    provider_reference: text,
    failure: z.object({ code: z.string(), message: z.string(), provider_code: text }).nullable(),
    metadata: z.record(z.string(), z.string()),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "Refund" });
