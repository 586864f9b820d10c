import { z } from "zod";
import type { ApprovalCounts } from "../../routing/approval.ts";

/** More than any decay leaves. */
const MAX_OUTCOMES = 10_000;
const COUNTS = z.object({
  approved: z.number().min(0).max(MAX_OUTCOMES),
  declined: z.number().min(0).max(MAX_OUTCOMES),
  at: z.number().nonnegative(),
});

/** Counts as a store may hold them; null: damaged. */
export function takeCounts(value: unknown): ApprovalCounts | null {
  return COUNTS.safeParse(value).data ?? null;
}
