import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Contender, choose, type OverrideMode } from "../../routing/choose.ts";
import { newGate } from "../../routing/health-gate.ts";
import type { RoutingRules } from "../../routing/rules.ts";
import { seeded } from "../support/manual-clock.ts";
import { CHARGE, contender, halfOpen, justClosed, NOW, open } from "./contenders.ts";

const DRAWS = 20_000;
/** Five standard deviations of a share that 100,000 draws estimate, at worst. */
const SAMPLING_ERROR = 5 * Math.sqrt(0.25 / DRAWS);

function decide(contenders: readonly Contender[], rules: RoutingRules, random: () => number, id = "ch_1") {
  return choose({ now: NOW, random, contenders, charge: { ...CHARGE, id }, rules: { version: 1, rules } });
}

const approval = (rate: number) => ({ rate, spread: 0, outcomes: 100 });
const ramping = contender("a", { gate: justClosed(), approval: approval(0.95) });
const second = contender("b", { approval: approval(0.9) });
const third = contender("c", { approval: approval(0.8) });
const tested = contender("d", { gate: halfOpen(), approval: approval(0.5) });
const alsoTested = contender("e", { gate: halfOpen(), approval: approval(0.7) });

describe("a propensity is the share of such charges that go there first", () => {
  it.each<[string, Contender[], RoutingRules]>([
    ["one is clearly best", [second, third], {}],
    ["one ramps", [ramping, second, third], {}],
    ["two ramp", [ramping, { ...second, gate: justClosed() }, third], {}],
    ["all that can be used are tested", [tested, alsoTested], {}],
    ["two are tested while others can serve", [ramping, second, tested, alsoTested], {}],
    ["there are lots", [ramping, second, third, tested], { exploration: { share: 0.2 } }],
    ["there is an order, and its first ramps", [third, second, ramping], { strategy: "order", order: ["a", "c"] }],
    ["the volume is split", [second, third, tested], { strategy: "weights", weights: { b: 3, c: 1 } }],
    [
      "the volume is split, one ramps, there are lots",
      [ramping, second, third, tested],
      { strategy: "weights", weights: { a: 5, b: 3, c: 2 }, exploration: { share: 0.1 } },
    ],
    ["nobody with a part can be used", [ramping, second], { strategy: "weights", weights: { z: 1 } }],
    ["the best has had its share", [{ ...second, overShare: true }, third, ramping], {}],
    [
      "all with a part have had their share",
      [
        { ...second, overShare: true },
        { ...third, overShare: true },
      ],
      { strategy: "weights", weights: { b: 1, c: 4 } },
    ],
  ])("when %s", { timeout: 180_000 }, (_, contenders, rules) => {
    const random = seeded(7);
    const firsts = new Map<string | undefined, number>();
    for (let i = 0; i < DRAWS; i++) {
      const [first] = decide(contenders, rules, random, `ch_${i}`).order;
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    for (const { provider, propensity } of decide(contenders, rules, random).candidates)
      expect(Math.abs((firsts.get(provider) ?? 0) / DRAWS - propensity), provider).toBeLessThan(SAMPLING_ERROR);
  });
});

describe("whatever comes in", () => {
  const contenders = fc.uniqueArray(
    fc.record({
      provider: fc.constantFrom("a", "b", "c", "d"),
      gate: fc.constantFrom(newGate(0), open(), halfOpen(), justClosed()),
      override: fc.constantFrom<OverrideMode | null>(null, null, null, "down", "up"),
      rate: fc.double({ min: 0, max: 1, noNaN: true }),
      overShare: fc.boolean(),
      limitReached: fc.constantFrom(null, null, 5),
    }),
    { selector: ({ provider }) => provider },
  );
  const rules = fc.record<RoutingRules>({
    strategy: fc.constantFrom("success_rate", "order", "weights"),
    order: fc.constantFrom(["c", "a"], ["d"]),
    weights: fc.constantFrom({ a: 1 }, { b: 2, c: 1 }, { a: 1, b: 1, c: 1, d: 1 }),
    exploration: fc.constantFrom(undefined, { share: 0.01 }, { share: 0.5, up_to: { usd: 100 } }, { share: 1, up_to: { usd: 5_000 } }),
    objective: fc.constantFrom(undefined, { kind: "profit", margin: 0.1 } as const),
    providers: fc.constantFrom({}, { a: { fees: { "*": { percent: 50, per_attempt: 10 } } } }),
  });

  it("propensities sum to 1 where somebody can be used; what cannot be has none, and who was chosen has one", () => {
    fc.assert(
      fc.property(contenders, rules, fc.nat(), (given, rules, seed) => {
        const all = given.map(({ rate, ...one }) => contender(one.provider, { ...one, approval: approval(rate) }));
        const { order, candidates } = decide(all, rules, seeded(seed));
        const sum = candidates.reduce((total, { propensity }) => total + propensity, 0);
        expect(sum).toBeCloseTo(order.length > 0 ? 1 : 0, 5);
        for (const { provider, propensity, eligible, obstacle } of candidates) {
          if (!eligible && obstacle?.code !== "no_probe") expect(propensity).toBe(0);
          if (provider === order[0]) expect(propensity).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});
