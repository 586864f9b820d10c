import { describe, expect, it } from "vitest";
import { type Contender, choose } from "../../routing/choose.ts";
import { accepts, type Condition, mayExplore, namedProviders, policyFor, type RoutingRules, withDefaults } from "../../routing/rules.ts";
import { seeded } from "../support/manual-clock.ts";
import { CHARGE, contender, NOW, open } from "./contenders.ts";

function decide(rules: RoutingRules, contenders: Contender[], charge = CHARGE, random = () => 0.5) {
  return choose({ now: NOW, random, contenders, charge, rules: { version: 3, rules } });
}
const order = (...given: Parameters<typeof decide>) => decide(...given).order;
const approving = (provider: string, rate: number, more: Partial<Contender> = {}) =>
  contender(provider, { approval: { rate, spread: 0, outcomes: 100 }, ...more });

describe("a rule", () => {
  it("decides over the defaults, and the first that fits over those after it", () => {
    const rules: RoutingRules = {
      strategy: "order",
      order: ["a"],
      rules: [
        { name: "euros", when: { currencies: ["eur"] }, use: { order: ["b"] } },
        { name: "americans", when: { countries: ["US"] }, use: { order: ["c"] } },
        { name: "cards", when: {}, use: { strategy: "success_rate" } },
      ],
    };
    expect(policyFor(rules, CHARGE)).toMatchObject({ rule: "americans", strategy: "order", order: ["c"] });
    expect(policyFor(rules, { ...CHARGE, currency: "eur" })).toMatchObject({ rule: "euros", order: ["b"] });
    expect(policyFor(rules, { ...CHARGE, country: "DE" })).toMatchObject({ rule: "cards", strategy: "success_rate", order: ["a"] });
    expect(policyFor({ ...rules, rules: [] }, CHARGE)).toMatchObject({ rule: null, order: ["a"], allowed: null });
  });

  it.each<[Condition, boolean]>([
    [{}, true],
    [{ currencies: ["eur", "usd"] }, true],
    [{ currencies: ["eur"] }, false],
    [{ methods: ["card"], brands: ["visa"], countries: ["US"] }, true],
    [{ methods: ["card"], brands: ["amex"], countries: ["US"] }, false],
    [{ amount: { currency: "usd", min: 4200, max: 4200 } }, true],
    [{ amount: { currency: "usd", min: 4201 } }, false],
    [{ amount: { currency: "usd", max: 4199 } }, false],
    [{ amount: { currency: "eur" } }, false],
  ])("with %o fits a charge of 42.00 usd by an American visa card: %s", (when, fits) => {
    expect(policyFor({ rules: [{ name: "r", when, use: {} }] }, CHARGE).rule).toBe(fits ? "r" : null);
    expect(accepts({ providers: { a: { accepts: [when] } } }, "a", CHARGE)).toBe(fits);
  });

  it("that asks for a brand or a country does not fit a charge without one", () => {
    const bare = { ...CHARGE, brand: null, country: null };
    for (const when of [{ brands: ["visa"] }, { countries: ["US"] }])
      expect(policyFor({ rules: [{ name: "r", when, use: {} }] }, bare).rule).toBeNull();
  });

  it("keeps others away from the charge for as long as it says so", () => {
    const rules: RoutingRules = { rules: [{ name: "only b", when: {}, use: { providers: ["b"] } }] };
    const decision = decide(rules, [contender("a"), contender("b")]);
    expect(decision).toMatchObject({ order: ["b"], rule: "only b", version: 3 });
    expect(decision.candidates[0]).toMatchObject({ unavailable: "by_rule", obstacle: { code: "rule", detail: "only b" } });
  });
});

describe("without rules", () => {
  it("the best approval is first, whatever the amount, and nobody is explored", () => {
    expect(order({}, [approving("a", 0.8), approving("b", 0.9)])).toEqual(["b", "a"]);
    expect(mayExplore(undefined, CHARGE)).toBe(false);
  });
});

describe("the strategy order", () => {
  it("beats approval; those that it does not name follow by score; health still decides who can be asked", () => {
    const rules: RoutingRules = { strategy: "order", order: ["c", "b"] };
    const all = [approving("a", 0.99), approving("b", 0.9), approving("c", 0.8), approving("d", 0.995)];
    expect(order(rules, all)).toEqual(["c", "b", "d", "a"]);
    expect(order(rules, [...all.slice(0, 2), approving("c", 0.8, { gate: open() })])).toEqual(["b", "a"]);
  });
});

describe("what a provider accepts", () => {
  it("is any of its conditions", () => {
    const rules: RoutingRules = { providers: { a: { accepts: [{ currencies: ["eur"] }, { brands: ["amex"] }] } } };
    expect(order(rules, [contender("a"), contender("b")])).toEqual(["b"]);
    expect(order(rules, [contender("a"), contender("b")], { ...CHARGE, brand: "amex" })).toEqual(["a", "b"]);
    expect(decide(rules, [contender("a")]).candidates[0]).toMatchObject({ unavailable: "by_rule", obstacle: { code: "not_accepted" } });
  });
});

describe("the objective profit", () => {
  const fees = { a: { fees: { usd: { percent: 3, fixed: 30 } } }, b: { fees: { "*": { percent: 1, per_attempt: 5 } } } };

  it("weighs approval against fees: a cheap provider wins where the margin is thin, the better one where it is not", () => {
    const all = [approving("a", 0.92), approving("b", 0.9)];
    const rules = (margin: number): RoutingRules => ({ objective: { kind: "profit", margin }, providers: fees });
    expect(order(rules(0.1), all)).toEqual(["b", "a"]);
    expect(order(rules(1), [approving("a", 0.96), approving("b", 0.9)])).toEqual(["a", "b"]);
    expect(order({ providers: fees }, all)).toEqual(["a", "b"]);
  });

  it("is theta x health x (margin x amount - fee of a success) - fee of an attempt", () => {
    const rules: RoutingRules = { objective: { kind: "profit", margin: 0.5 }, providers: fees };
    const [a, b] = decide(rules, [approving("a", 0.9), approving("b", 0.8)]).candidates;
    expect(a).toMatchObject({ facts: { gain: 2100 - 126 - 30, per_attempt: 0, health: 0.99 } });
    expect(a?.score).toBeCloseTo(0.9 * 0.99 * 1944, 4);
    expect(b?.score).toBeCloseTo(0.8 * 0.99 * (2100 - 42) - 5, 4);
  });
});

describe("exploration", () => {
  const rules: RoutingRules = { exploration: { share: 0.5, up_to: { usd: 5_000 } } };
  const all = [approving("a", 0.99), approving("b", 0.5), approving("c", 0.4, { gate: open() })];

  it("sends its share by lot to healthy providers", () => {
    const random = seeded(3);
    const firsts = Array.from({ length: 2_000 }, () => order(rules, all, CHARGE, random)[0]);
    expect(new Set(firsts)).toEqual(new Set(["a", "b"]));
    expect(firsts.filter((first) => first === "b").length / 2_000).toBeCloseTo(0.25, 1);
  });

  it("is off above its amount, and in currencies that it does not name", () => {
    for (const charge of [
      { ...CHARGE, amount: 5_001 },
      { ...CHARGE, currency: "eur" },
    ])
      expect(decide(rules, all, charge, () => 0)).toMatchObject({ explored: false, order: ["a", "b"] });
  });
});

describe("a share of the volume", () => {
  it("sends a provider to the end of the order, and lets it serve when it is alone", () => {
    expect(order({}, [approving("a", 0.99, { overShare: true }), approving("b", 0.5)])).toEqual(["b", "a"]);
    expect(order({}, [approving("a", 0.99, { overShare: true }), approving("b", 0.5, { gate: open() })])).toEqual(["a"]);
  });
});

describe("a rate limit", () => {
  it("keeps a provider away for now, also when it is alone", () => {
    const decision = decide({}, [contender("a", { limitReached: 5 })]);
    expect(decision).toMatchObject({ order: [], candidates: [{ unavailable: "for_now", obstacle: { code: "rate_limit", detail: "5" } }] });
  });
});

it("tells each place where rules name a provider", () => {
  const rules: RoutingRules = {
    order: ["a"],
    weights: { b: 1 },
    rules: [{ name: "r", when: {}, use: { order: ["c"], weights: { d: 1 }, providers: ["e"] } }],
    providers: { f: {} },
  };
  expect(namedProviders(rules).map(({ provider, path }) => `${provider} ${path.join("/")}`)).toEqual([
    "a order/0",
    "b weights/b",
    "c rules/0/use/order/0",
    "d rules/0/use/weights/d",
    "e rules/0/use/providers/0",
    "f providers/f",
  ]);
});

describe("fees and limits of the configuration", () => {
  const defaults = { a: { fees: { usd: { percent: 2.9, fixed: 30 } }, limits: { per_second: 5 } } };

  it("hold where the rules say nothing of them", () => {
    expect(withDefaults({}, defaults)).toEqual({ providers: defaults });
    const accepting = { providers: { a: { accepts: [{ currencies: ["usd"] }] } } };
    expect(withDefaults(accepting, defaults).providers?.a).toEqual({ ...accepting.providers.a, ...defaults.a });
  });

  it("are replaced, each as a whole, by what the rules say", () => {
    const rules = { providers: { a: { limits: { share: 0.5 } } } };
    expect(withDefaults(rules, defaults).providers?.a).toEqual({ fees: defaults.a.fees, limits: { share: 0.5 } });
  });
});
