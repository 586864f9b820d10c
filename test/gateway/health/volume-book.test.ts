import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFleet } from "../../../gateway/health/fleet.ts";
import { VolumeBook } from "../../../gateway/health/volume-book.ts";
import type { ProviderDefaults, RoutingRules } from "../../../routing/rules.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { QUERY } from "./small-fleet.ts";

function fleetWith(rules: RoutingRules, defaults: ProviderDefaults = {}) {
  const clock = new ManualClock();
  const inForce = { version: 1, rules };
  const capabilities = { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, holdMs: 1, currencies: null };
  const fleet = createFleet({
    providers: ["a", "b"].map((id) => ({ id, capabilities })),
    clock,
    random: () => 0.5,
    overrides: { current: () => new Map(), modeOf: () => null },
    rules: () => inForce,
    defaults,
    instance: "test",
    documents: null,
    onBug: () => {},
  });
  for (const id of ["a", "b"]) fleet.markVerified(id);
  return { clock, fleet, first: () => fleet.choose(QUERY).order[0] };
}

describe("a limit per second", () => {
  it("is never exceeded, in no window of time, and used in full while there is demand", () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 50, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), pauses, (limit, pauses) => {
        const { clock, first } = fleetWith({ providers: { a: { limits: { per_second: limit } } } });
        const at: number[] = [];
        for (const pause of pauses) {
          clock.pass(pause);
          if (first() === "a") at.push(clock.monotonic());
        }
        const excess = at.flatMap((start, i) => at.slice(i).map((end, n) => n + 1 - limit - (limit * (end - start)) / 1_000));
        expect(Math.max(...excess)).toBeLessThan(1e-6);
        expect(at.length).toBeGreaterThanOrEqual(limit);
      }),
      { numRuns: 30 },
    );
  });

  it("comes from the configuration where the rules name none", () => {
    const { first } = fleetWith({}, { a: { limits: { per_second: 1 } } });
    expect([first(), first()]).toEqual(["a", "b"]);
  });

  it("is divided by the instances that share it", () => {
    const book = new VolumeBook();
    const ofFive = { limits: { per_second: 10 }, instances: 5 };
    const admitted = Array.from({ length: 5 }, () => {
      const free = book.standing("a", ofFive, 0).limitReached === null;
      if (free) book.count("a", ofFive, 0);
      return free;
    });
    expect(admitted).toEqual([true, true, false, false, false]);
  });

  it("is not touched by explaining, and keeps deferred charges from being drained there", () => {
    const { fleet, first, clock } = fleetWith({ providers: { a: { limits: { per_second: 1 } }, b: { limits: { per_second: 0.5 } } } });
    for (let i = 0; i < 10; i++) expect(fleet.explain(QUERY, { providers: { a: { limits: { per_second: 1 } } } }).order[0]).toBe("a");
    expect([first(), first(), first()]).toEqual(["a", "b", undefined]);
    expect(fleet.available()).toEqual([]);
    clock.pass(1_000);
    expect(fleet.available()).toEqual(["a"]);
  });
});

describe("a share of the volume", () => {
  it("is kept while another can serve, from the first charge on", () => {
    const { first } = fleetWith({ providers: { a: { limits: { share: 0.3 } } } });
    let toA = 0;
    for (let i = 1; i <= 500; i++) {
      if (first() === "a") toA += 1;
      expect(toA).toBeLessThanOrEqual(0.3 * i + 1e-6);
    }
    expect(toA).toBeGreaterThanOrEqual(149);
  });
});
