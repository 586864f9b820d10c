import { describe, expect, it } from "vitest";
import { Dice } from "../../simulation/dice.ts";
import { chargesUntilOpen, gateAloneMarkdown, meanChargesUntilOpen } from "./gate-alone.ts";

describe("the gate alone", () => {
  it("opens with the fourth fault in a row, and never without one", () => {
    expect(chargesUntilOpen(1, new Dice(1, "x"), 100)).toBe(4);
    expect(chargesUntilOpen(0, new Dice(1, "x"), 10_000)).toBeNull();
  });

  it("cries wolf less than once in 80,000 charges at 2 % faults, by computation, and computation agrees with trials", () => {
    expect(meanChargesUntilOpen(0.02)).toBeGreaterThan(80_000);
    const dice = new Dice(2, "x");
    const trials = Array.from({ length: 2_000 }, () => chargesUntilOpen(0.15, dice, Number.MAX_SAFE_INTEGER)!);
    const mean = trials.reduce((sum, charges) => sum + charges, 0) / trials.length;
    expect(mean / meanChargesUntilOpen(0.15)).toBeCloseTo(1, 1);
  });

  it("is reported for calm and for outages of several strengths", () => {
    const lines = gateAloneMarkdown(2_000, 50).split("\n");
    expect(lines).toHaveLength(9);
    expect(lines[4]).toMatch(/^\| 2 % /);
    expect(lines.at(-1)).toMatch(/^\| 100 % +\| 50 +\| 4 /);
  });
});
