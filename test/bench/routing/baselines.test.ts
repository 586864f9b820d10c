import { describe, expect, it } from "vitest";
import { ManualClock, seeded } from "../../support/manual-clock.ts";
import { argmax } from "./baselines/argmax.ts";
import { bySegment } from "./baselines/by-segment.ts";
import { discountedThompson, drawBeta } from "./baselines/discounted-thompson.ts";
import { epsilonGreedy } from "./baselines/epsilon-greedy.ts";
import { juspay } from "./baselines/juspay.ts";
import { PlainBreaker } from "./baselines/plain-breaker.ts";
import { discountedUcb, slidingWindowUcb } from "./baselines/upper-confidence.ts";
import { roundRobin, staticOrder } from "./baselines/with-breaker.ts";
import { type Answer, type Charge, type NamedPolicy, NOBODY, type Policy } from "./policy.ts";

const CHARGE: Charge = { number: 0, segment: 0, instance: 0 };
const STORE = { away: null, emptiedAt: null };

function made<P extends Policy>(named: NamedPolicy, draw: () => number = seeded(1), providers = 2): P {
  return named.make({ providers, random: draw, clock: new ManualClock(), store: STORE, trueSuccess: () => 1 }) as P;
}

function answer(policy: Policy, provider: number, ...answers: Answer[]): void {
  for (const one of answers) policy.answered(CHARGE, provider, one, 0);
}

function shareOf(policy: Policy, provider: number, choices = 2_000): number {
  return Array.from({ length: choices }, () => policy.choose(CHARGE, 0)).filter((chosen) => chosen === provider).length / choices;
}

describe("Juspay's rule", () => {
  type Scored = Policy & { scores(): number[] };

  it("seeds the window with ones and scores by the mean: one decline of 4 is 0.75, and ages out", () => {
    const policy = made<Scored>(juspay(4, 0));
    expect(policy.scores()).toEqual([1, 1]);
    answer(policy, 0, "declined");
    expect(policy.scores()).toEqual([0.75, 1]);
    expect(shareOf(policy, 1)).toBe(1);
    answer(policy, 0, "approved", "approved", "approved", "approved");
    expect(policy.scores()[0]).toBe(1);
  });

  it("divides the score by 5 below an elimination score of 0.05: 59 failures in a row, 0.95^59 = 0.0485", () => {
    const policy = made<Scored>(juspay(200, 0));
    for (let i = 0; i < 58; i++) answer(policy, 0, "fault");
    expect(policy.scores()[0]).toBeCloseTo(142 / 200, 10);
    answer(policy, 0, "fault");
    expect(policy.scores()[0]).toBeCloseTo(141 / 200 / 5, 10);
    // The success takes the place of one of the seeds.
    answer(policy, 0, "approved");
    expect(policy.scores()[0]).toBeCloseTo(141 / 200, 10);
  });

  it("hedges with another than the leader", () => {
    const policy = made(juspay(10, 0.1));
    answer(policy, 1, "declined");
    expect(shareOf(policy, 1)).toBeGreaterThan(0.07);
    expect(shareOf(policy, 1)).toBeLessThan(0.13);
  });
});

describe("epsilon-greedy", () => {
  it("takes the best mean of the window, and with epsilon any: 1 - epsilon / 2 of two", () => {
    const policy = made(epsilonGreedy(0.2, 3));
    answer(policy, 0, "declined", "approved", "approved", "approved");
    answer(policy, 1, "approved", "declined");
    expect(shareOf(policy, 0)).toBeGreaterThan(0.87);
    expect(shareOf(policy, 0)).toBeLessThan(0.93);
  });
});

describe("upper confidence bounds", () => {
  type Indexed = Policy & { indices(): number[] };

  it("SW-UCB: mean + sqrt(0.6 ln(min(t, window)) / n), with the window over all providers together", () => {
    const policy = made<Indexed>(slidingWindowUcb(3));
    answer(policy, 0, "declined", "approved");
    expect(policy.indices()).toEqual([0.5 + Math.sqrt((0.6 * Math.log(2)) / 2), Number.MAX_VALUE]);
    answer(policy, 1, "approved", "approved");
    expect(policy.indices()).toEqual([1 + Math.sqrt(0.6 * Math.log(3)), 1 + Math.sqrt((0.6 * Math.log(3)) / 2)]);
  });

  it("D-UCB: everything fades with each outcome, mean + 2 sqrt(0.6 ln(sum) / n)", () => {
    const policy = made<Indexed>(discountedUcb(0.5));
    answer(policy, 0, "approved", "declined");
    answer(policy, 1, "approved");
    const [n0, n1] = [0.75, 1];
    const spread = 0.6 * Math.log(n0 + n1);
    const [first, second] = policy.indices();
    expect(first).toBeCloseTo(0.25 / n0 + 2 * Math.sqrt(spread / n0), 10);
    expect(second).toBeCloseTo(1 + 2 * Math.sqrt(spread / n1), 10);
  });
});

describe("discounted Thompson sampling", () => {
  it("shrinks all counts with each outcome and adds one", () => {
    const policy = made<Policy & { counts: unknown }>(discountedThompson(0.5));
    answer(policy, 0, "approved", "approved");
    answer(policy, 1, "declined");
    expect(policy.counts).toEqual([
      { successes: 0.75, failures: 0 },
      { successes: 0, failures: 1 },
    ]);
  });

  it("draws from the beta distribution: mean a / (a + b), variance ab / ((a + b)^2 (a + b + 1))", () => {
    const random = seeded(7);
    const draws = Array.from({ length: 20_000 }, () => drawBeta(9, 3, random));
    const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(0.75, 2);
    expect(variance).toBeCloseTo(27 / (144 * 13), 3);
  });
});

describe("the plain breaker", () => {
  function fire(breaker: PlainBreaker, calls: number, fault: boolean, at = 0): void {
    for (let i = 0; i < calls; i++) breaker.fired(at);
    for (let i = 0; i < calls; i++) breaker.ended(fault, at);
  }

  it("opens above half of at least 10 calls in 10 s, for 30 s, then tries one call", () => {
    const breaker = new PlainBreaker();
    fire(breaker, 9, true);
    expect(breaker.admits(0)).toBe(true);
    fire(breaker, 1, true);
    expect(breaker.admits(29_999)).toBe(false);
    expect(breaker.admits(30_000)).toBe(true);
    breaker.fired(30_000);
    expect(breaker.admits(30_000)).toBe(false);
    breaker.ended(true, 30_100);
    expect(breaker.admits(60_000)).toBe(false);
    expect(breaker.admits(60_100)).toBe(true);
    breaker.fired(60_100);
    breaker.ended(false, 60_100);
    expect(breaker.admits(60_100)).toBe(true);
  });

  it("is diluted by calls in flight, and forgets after 10 s", () => {
    const breaker = new PlainBreaker();
    for (let i = 0; i < 20; i++) breaker.fired(0);
    fire(breaker, 19, true);
    expect(breaker.admits(0)).toBe(true);
    fire(breaker, 1, true, 11_000);
    expect(breaker.admits(11_000)).toBe(true);
  });

  it("skips in static order what is open, turns in round robin, and says when nobody is left", () => {
    const fixed = made(staticOrder);
    expect([1, 2, 3].map(() => fixed.choose(CHARGE, 0))).toEqual([0, 0, 0]);
    for (let i = 0; i < 10; i++) fixed.choose(CHARGE, 0);
    for (let i = 0; i < 13; i++) answer(fixed, 0, "fault");
    expect(fixed.choose(CHARGE, 0)).toBe(1);
    for (let i = 0; i < 10; i++) fixed.choose(CHARGE, 0);
    for (let i = 0; i < 11; i++) answer(fixed, 1, "fault");
    expect(fixed.choose(CHARGE, 0)).toBe(NOBODY);
    const turning = made(roundRobin, seeded(1), 3);
    expect([1, 2, 3, 4].map(() => turning.choose(CHARGE, 0))).toEqual([0, 1, 2, 0]);
  });
});

describe("per segment", () => {
  it("each segment learns alone", () => {
    const policy = made(bySegment(juspay(4, 0)));
    policy.answered(CHARGE, 0, "declined", 0);
    policy.answered({ ...CHARGE, segment: 1 }, 1, "declined", 0);
    expect([0, 1].map((segment) => policy.choose({ ...CHARGE, segment }, 0))).toEqual([1, 0]);
  });
});

describe("argmax", () => {
  it("draws between equals", () => {
    expect([0, 0.4, 0.99].map((draw) => argmax([2, 1, 2], () => draw))).toEqual([0, 0, 2]);
  });
});
