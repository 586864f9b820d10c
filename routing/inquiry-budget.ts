/**
 * How often a provider whose gate is not closed may still be asked about money already in doubt: at the rate of probes,
 * three per shortest opening. Per instance; a token bucket in plain JSON.
 */
export interface InquiryBudget {
  readonly left: number;
  readonly at: number;
}

export const INQUIRY_BURST = 3;
export const INQUIRY_INTERVAL_MS = 1_667;

export function fullBudget(now: number): InquiryBudget {
  return { left: INQUIRY_BURST, at: now };
}

/** null when there is nothing left. */
export function takeInquiry(budget: InquiryBudget, now: number): InquiryBudget | null {
  const left = Math.min(INQUIRY_BURST, budget.left + Math.max(0, now - budget.at) / INQUIRY_INTERVAL_MS);
  return left < 1 ? null : { left: left - 1, at: now };
}
