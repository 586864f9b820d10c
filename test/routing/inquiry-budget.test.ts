import { expect, it } from "vitest";
import { fullBudget, type InquiryBudget, takeInquiry } from "../../routing/inquiry-budget.ts";

it("lets three inquiries pass at once, then three in five seconds", () => {
  let budget: InquiryBudget = fullBudget(0);
  const passed: number[] = [];
  for (let now = 0; now <= 10_000; now += 100) {
    const taken = takeInquiry(budget, now);
    if (!taken) continue;
    budget = taken;
    passed.push(now);
  }
  expect(passed.slice(0, 3)).toEqual([0, 100, 200]);
  expect(passed.length).toBeLessThanOrEqual(3 + 6);
  expect(passed.length).toBeGreaterThanOrEqual(8);
});
