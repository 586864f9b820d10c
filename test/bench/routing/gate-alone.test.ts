import { describe, expect, it } from "vitest";
import { Dice } from "../../simulation/dice.ts";
import { chargesUntilOpen, gateAloneMarkdown } from "./gate-alone.ts";

describe("the gate alone", () => {
  it("opens with the fourth fault in a row, and never without one", () => {
    expect(chargesUntilOpen(1, new Dice(1, "x"), 100)).toBe(4);
    expect(chargesUntilOpen(0, new Dice(1, "x"), 10_000)).toBeNull();
  });

  it("is reported for calm and for outages of several strengths", () => {
    const lines = gateAloneMarkdown(2_000, 50).split("\n");
    expect(lines).toHaveLength(9);
    expect(lines[4]).toMatch(/^\| 2 % /);
    expect(lines.at(-1)).toMatch(/^\| 100 % +\| 50 +\| 4 /);
  });
});
