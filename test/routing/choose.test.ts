import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Candidate, type Contender, choose, type OverrideMode } from "../../routing/choose.ts";
import { decisionWords, obstaclesInWords } from "../../routing/decision-words.ts";
import { newGate } from "../../routing/health-gate.ts";
import { obstacleWords } from "../../routing/obstacle-words.ts";
import { seeded } from "../support/manual-clock.ts";
import { CHARGE, contender, halfOpen, justClosed, NOW, open, USD } from "./contenders.ts";
import { observe, takeProbe } from "./gate-events.ts";

function order(contenders: Contender[], draw = 0.5, now = NOW): readonly string[] {
  return choose({ now, random: () => draw, contenders, charge: CHARGE }).order;
}

function wordsAgainst({ obstacle }: Candidate): string | null {
  return obstacle && obstacleWords(obstacle.code, obstacle.detail);
}

describe("the order", () => {
  it("is by approval rate", () => {
    expect(order([contender("a", { approval: { rate: 0.8, outcomes: 90, spread: 0 } }), contender("b")])).toEqual(["b", "a"]);
  });

  it("gives the benefit of the doubt to the one that less is known of, by one standard deviation", () => {
    const unknown = (spread: number) => contender("b", { approval: { rate: 0.88, outcomes: 9, spread } });
    expect(order([contender("a"), unknown(0.019)])).toEqual(["a", "b"]);
    expect(order([contender("a"), unknown(0.021)])).toEqual(["b", "a"]);
  });

  it("is the configured one between equals", () => {
    expect(order([contender("b"), contender("a")])).toEqual(["a", "b"]);
  });

  it("counts technical faults against the approval rate before they open the gate", () => {
    let gate = newGate(0);
    for (let i = 0; i < 4; i++) gate = observe(gate, { now: NOW, random: () => 0, generation: 0, fault: i % 2 === 0 });
    expect(order([contender("a", { gate }), contender("b", { approval: { rate: 0.7, outcomes: 9, spread: 0 } })])).toEqual(["b", "a"]);
  });

  it("gives a provider that came back a tenth of its traffic at first, then all of it", () => {
    const contenders = [contender("a", { gate: justClosed() }), contender("b", { approval: { rate: 0.8, outcomes: 9, spread: 0 } })];
    expect([0.05, 0.15].map((draw) => order(contenders, draw)[0])).toEqual(["a", "b"]);
    expect([0.05, 0.15, 0.99].map((draw) => order(contenders, draw, NOW + 20_000)[0])).toEqual(["a", "a", "a"]);
  });

  it("lets a provider that came back serve at once when it is the only one", () => {
    expect(order([contender("a", { gate: justClosed() })], 0.99)).toEqual(["a"]);
  });
});

describe("a provider is never eligible for this charge", () => {
  it.each([
    [{ hasToken: false }, "the payment method has no token for it"],
    [{ excluded: true }, "this charge may not go there again"],
    [{ takesCurrency: false }, "it does not take this currency"],
  ])("with %o", (more, why) => {
    const decision = choose({ now: NOW, random: () => 0, charge: CHARGE, contenders: [contender("a", { ...more, override: "up" })] });
    expect(decision).toMatchObject({
      order: [],
      candidates: [{ eligible: false, unavailable: "never", score: null, propensity: 0 }],
    });
    expect(obstaclesInWords(decision)).toBe(`a: ${why}`);
  });
});

describe("a provider is unavailable for now", () => {
  it.each<[string, Partial<Contender>, string]>([
    ["while its gate is open", { gate: open() }, "open: 100 % of the last attempts were faults, 4 in a row, the last: an error"],
    ["while an operator has it down", { override: "down" }, "an operator set it down"],
    ["while an operator drains it", { override: "drain" }, "an operator drains it"],
    ["before its identity is checked", { unverified: "no answer yet" }, "not verified: no answer yet"],
    [
      "before its identity is checked, even if an operator set it up",
      { unverified: "no answer yet", override: "up" },
      "not verified: no answer yet",
    ],
  ])("%s", (_, more, why) => {
    const decision = choose({ now: NOW, random: () => 0, charge: CHARGE, contenders: [contender("a", more)] });
    expect(decision.candidates[0]).toMatchObject({ eligible: false, unavailable: "for_now" });
    expect(wordsAgainst(decision.candidates[0]!)).toBe(why);
  });
});

describe("half open", () => {
  it("one arrival in ten probes it, first in the order, though another scores better", () => {
    const contenders = [contender("a"), contender("b", { gate: halfOpen(), approval: { rate: 0.5, outcomes: 9, spread: 0 } })];
    expect(order(contenders, 0.05)).toEqual(["b", "a"]);
    expect(order(contenders, 0.5)).toEqual(["a"]);
  });

  it("any arrival probes it when no other can serve", () => {
    expect(order([contender("a", { gate: open() }), contender("b", { gate: halfOpen() })], 0.99)).toEqual(["b"]);
  });

  it("nothing goes there while all probes are out", () => {
    let gate = halfOpen();
    for (let i = 0; i < 3; i++) gate = takeProbe(gate, NOW)!.gate;
    expect(order([contender("a", { gate })], 0)).toEqual([]);
  });
});

describe("overrides", () => {
  it("`up` ignores an open gate", () => {
    expect(order([contender("a", { gate: open(), override: "up" })])).toEqual(["a"]);
  });

  it("`only` keeps the others away, and does not mend a bad gate", () => {
    expect(order([contender("a"), contender("b", { override: "only" })])).toEqual(["b"]);
    expect(order([contender("a"), contender("b", { override: "only", gate: open() })])).toEqual([]);
  });

  it("`only` on several allows all of them", () => {
    expect(order([contender("a", { override: "only" }), contender("b", { override: "only" }), contender("c")])).toEqual(["a", "b"]);
  });

  it("another provider's `only` beats `up`; `down` and `drain` stay what they are beside it", () => {
    const others: OverrideMode[] = ["up", "down", "drain"];
    for (const override of others) expect(order([contender("a", { override }), contender("b", { override: "only" })])).toEqual(["b"]);
  });
});

describe("whatever comes in", () => {
  const gates = fc.constantFrom(newGate(0), open(), halfOpen(), justClosed());
  const contenders = fc.uniqueArray(
    fc.record({
      provider: fc.constantFrom("a", "b", "c", "d"),
      priority: fc.nat(3),
      hasToken: fc.boolean(),
      excluded: fc.boolean(),
      takesCurrency: fc.boolean(),
      unverified: fc.constantFrom(null, null, "not yet"),
      override: fc.constantFrom<OverrideMode | null>(null, null, "down", "drain", "only", "up"),
      gate: gates,
      approval: fc.record({
        rate: fc.double({ min: 0, max: 1, noNaN: true }),
        outcomes: fc.nat(400),
        spread: fc.double({ min: 0, max: 0.5, noNaN: true }),
      }),
      limitReached: fc.constantFrom(null, null, 5),
      overShare: fc.boolean(),
    }),
    { selector: ({ provider }) => provider },
  );

  it("the decision names every provider once, says why, survives JSON, and orders exactly the eligible ones", () => {
    fc.assert(
      fc.property(contenders, fc.nat(), (contenders, seed) => {
        const decision = choose({ now: NOW, random: seeded(seed), contenders, charge: CHARGE });
        expect(decision.candidates.map(({ provider }) => provider)).toEqual(contenders.map(({ provider }) => provider));
        const eligible = decision.candidates.filter((candidate) => candidate.eligible);
        expect([...decision.order].sort()).toEqual(eligible.map(({ provider }) => provider).sort());
        for (const { obstacle, unavailable, score, facts, eligible } of decision.candidates) {
          expect([obstacle === null, unavailable === null, score !== null, facts !== null]).toEqual(Array(4).fill(eligible));
        }
        expect(JSON.parse(JSON.stringify(decision))).toEqual(decision);
        const words = decisionWords(decision, USD);
        expect(Object.keys(words.candidates)).toEqual(contenders.map(({ provider }) => provider));
        expect(`${words.reason} ${Object.values(words.candidates)}`).not.toMatch(/undefined|NaN|null/);
      }),
    );
  });

  it("the same inputs and draws give the same decision", () => {
    fc.assert(
      fc.property(contenders, fc.nat(), (contenders, seed) => {
        const decide = () => choose({ now: NOW, random: seeded(seed), contenders, charge: CHARGE });
        expect(decide()).toEqual(decide());
      }),
    );
  });

  it("a provider without a token, excluded, down, drained or unverified is never in the order", () => {
    fc.assert(
      fc.property(contenders, fc.nat(), (contenders, seed) => {
        const decision = choose({ now: NOW, random: seeded(seed), contenders, charge: CHARGE });
        for (const one of contenders) {
          const barred =
            !one.hasToken || one.excluded || !one.takesCurrency || one.unverified || one.override === "down" || one.override === "drain";
          if (barred) expect(decision.order).not.toContain(one.provider);
        }
      }),
    );
  });
});
