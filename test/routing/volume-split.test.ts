import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { choose } from "../../routing/choose.ts";
import { CHARGE, contender, NOW, open } from "./contenders.ts";

const WEIGHTS = { a: 50, b: 30, c: 15, d: 5 };
const IDS = Object.keys(WEIGHTS);

function winner(id: string, down: readonly string[] = [], weights: Readonly<Record<string, number>> = WEIGHTS): string {
  const contenders = IDS.map((provider) => contender(provider, down.includes(provider) ? { gate: open() } : {}));
  const rules = { version: 1, rules: { strategy: "weights", weights } as const };
  return choose({ now: NOW, random: Math.random, contenders, charge: { ...CHARGE, id }, rules }).order[0]!;
}

describe("a volume split", () => {
  it("gives each provider its part", () => {
    const all = 40_000;
    const counts: Record<string, number> = {};
    for (let i = 0; i < all; i++) {
      const first = winner(`ch_01k${i.toString(32).padStart(23, "0")}`);
      counts[first] = (counts[first] ?? 0) + 1;
    }
    // Five standard deviations.
    for (const [provider, weight] of Object.entries(WEIGHTS))
      expect(Math.abs(counts[provider]! / all - weight / 100), provider).toBeLessThan(5 * Math.sqrt(0.25 / all));
  });

  it("sends a charge to the same provider each time, and moves only the charges of one that cannot serve", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.constantFrom(...IDS), (id, down) => {
        const before = winner(id);
        expect(winner(id)).toBe(before);
        const without = winner(id, [down]);
        if (before !== down) expect(without).toBe(before);
        else expect(without).not.toBe(down);
      }),
      { numRuns: 500 },
    );
  });

  it("moves charges only to the provider whose weight grew", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (id) => {
        const after = winner(id, [], { ...WEIGHTS, d: 50 });
        if (after !== winner(id)) expect(after).toBe("d");
      }),
      { numRuns: 500 },
    );
  });

  it("gives nothing to a provider without a part while one with a part can serve", () => {
    expect(new Set(Array.from({ length: 500 }, (_, i) => winner(`ch_${i}`, [], { a: 1, b: 0 })))).toEqual(new Set(["a"]));
    expect(winner("ch_1", ["a"], { a: 1 })).toBe("b");
  });
});
