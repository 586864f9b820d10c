import { describe, expect, it } from "vitest";
import { worldOf } from "./grid.ts";
import type { NamedPolicy } from "./policy.ts";
import { play } from "./run.ts";
import { FOUR_PROVIDERS, MAIN_SCENARIOS } from "./scenarios.ts";

const OUTAGE = MAIN_SCENARIOS.find(({ name }) => name === "outage, fast errors")!;

function backAfter(toMs: number, laterMs: number, fromMs: number): NamedPolicy {
  const choose = (_: unknown, now: number): number => (now >= fromMs && now < toMs + laterMs ? 1 : 0);
  return { name: "fixed", make: () => ({ choose, answered: () => {} }) };
}

describe("the tally", () => {
  const { world, seed } = worldOf(OUTAGE, { approvals: FOUR_PROVIDERS, perSecond: 20, seconds: 900, set: "tuning" }, 0);
  const { from, to } = world.outageMs!;

  it("says when a provider had 90 % of its share again: 9 of 10 seconds after it came back", async () => {
    const { restoredS, sentDown, openings } = await play(world, backAfter(to, 40_000, from), seed);
    expect(restoredS).toBeGreaterThan(48);
    expect(restoredS).toBeLessThan(50.5);
    expect([sentDown, openings]).toEqual([0, null]);
  });

  it("counts until the end of the run where it never comes back", async () => {
    const { restoredS } = await play(world, backAfter(to, 900_000, from), seed);
    expect(restoredS).toBeGreaterThan((900_000 - to) / 1_000 - 2);
  });

  it("says nothing about a provider that had no share, or without an outage", async () => {
    expect((await play(world, backAfter(to, 0, 0), seed)).restoredS).toBeNull();
    const calm = worldOf(MAIN_SCENARIOS[0]!, { approvals: FOUR_PROVIDERS, perSecond: 20, seconds: 300, set: "tuning" }, 0);
    expect((await play(calm.world, backAfter(to, 0, from), seed)).restoredS).toBeNull();
  });
});
