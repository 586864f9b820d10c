import { z } from "zod";
import { DISPUTE_STATUSES, type Dispute } from "../store/read-disputes.ts";

export function disputeJson(dispute: Dispute): object {
  return {
    id: dispute.id,
    object: "dispute",
    charge: dispute.charge_id,
    attempt: dispute.attempt_id,
    provider: dispute.provider,
    provider_dispute: dispute.provider_dispute,
    status: dispute.status,
    // at most 12 digits, as the charge's: exact as a number
    amount: dispute.amount === null ? null : Number(dispute.amount),
    currency: dispute.currency,
    reason: dispute.reason,
    network_code: dispute.network_code,
    evidence_due_at: dispute.evidence_due_at,
    opened_at: dispute.opened_at,
    updated_at: dispute.updated_at,
  };
}

const time = z.iso.datetime();
const text = z.string().nullable();

export const disputeSchema = z
  .object({
    id: z.string(),
    object: z.literal("dispute"),
    charge: z.string(),
    attempt: z.string(),
    provider: z.string(),
    provider_dispute: z.string().describe("The provider's id of it"),
    status: z.enum(DISPUTE_STATUSES).describe("`warning`: an inquiry, no money was taken yet. `open`: refunds of the charge are refused"),
    amount: z.int().nullable().describe("What is disputed"),
    currency: text,
    reason: text,
    network_code: text,
    evidence_due_at: time.nullable().describe("Answer at the provider before"),
    opened_at: time,
    updated_at: time,
  })
  .meta({ id: "Dispute" });
