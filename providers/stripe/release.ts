import { record } from "./judge.ts";

/**
 * Stripe books what was held and never captured (a partial capture's rest, a canceled or lapsed hold) as a refund of the
 * charge, though nobody ever paid it. Such a refund carries no key of ours.
 */
export function isRelease(refund: Record<string, unknown>, charge: unknown): boolean {
  const { amount: held, amount_captured: captured } = record(charge);
  if (typeof held !== "number" || typeof captured !== "number" || record(refund.metadata).operation_key !== undefined) return false;
  return captured < held && refund.amount === held - captured;
}
