import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advance, type DrainPace, type DrainSigns } from "../../routing/drain-pace.ts";

const CALM: Omit<DrainSigns, "now"> = { faults: 0, calls: 100, p95Ms: 900, baselineMs: 800, ratePerS: 20, anyOpen: false };

/** Drains for `seconds`, once a second, and tells the grants. */
function drain(
  seconds: number,
  signs: Partial<DrainSigns> = {},
  from: { state: DrainPace | null; now: number } = { state: null, now: 1_000_000 },
) {
  const grants: number[] = [];
  let { state, now } = from;
  for (let i = 0; i < seconds; i++, now += 1_000) {
    const step = advance(state, { ...CALM, ...signs, now });
    state = step.state;
    grants.push(step.grant);
  }
  return { grants, state, now };
}

describe("the drain", () => {
  it("starts with five a second and grows by one a second every five seconds", () => {
    expect(drain(11).grants).toEqual([5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 7]);
  });

  it("starts with and grows by 5 % of a large rate before", () => {
    expect(drain(6, { ratePerS: 400 }).grants).toEqual([20, 20, 20, 20, 20, 40]);
  });

  it.each([
    ["faults are above 2 %", { faults: 3 }],
    ["p95 is above one and a half times its baseline", { p95Ms: 1_201 }],
  ])("halves when %s", (_, signs) => {
    const calm = drain(30);
    expect(calm.state?.ratePerS).toBe(10);
    expect(drain(6, signs, calm).state?.ratePerS).toBeLessThanOrEqual(5);
  });

  it("neither grows nor shrinks without calls that could tell", () => {
    expect(drain(60, { calls: 0, p95Ms: null }).state?.ratePerS).toBe(5);
  });

  it("stops at once when a gate opens, and starts again from the beginning", () => {
    const calm = drain(60);
    const stopped = drain(3, { anyOpen: true }, calm);
    expect(stopped.grants).toEqual([0, 0, 0]);
    expect(drain(2, {}, stopped).grants).toEqual([5, 5]);
  });

  it("does not hand out a pause at once, and begins again after a long one", () => {
    const calm = drain(60);
    expect(calm.state?.ratePerS).toBe(16);
    expect(drain(1, {}, { ...calm, now: calm.now + 30_000 }).grants[0]).toBeLessThanOrEqual(2 * 17);
    expect(drain(2, {}, { ...calm, now: calm.now + 3_600_000 }).grants).toEqual([5, 5]);
  });

  it("goes on when the clock was set back by an hour", () => {
    const calm = drain(5);
    expect(drain(2, {}, { ...calm, now: calm.now - 3_600_000 }).grants).toEqual([5, 5]);
  });

  it("grants whole charges, never more than its rate allows, however often it is asked", () => {
    const asks = fc.array(fc.record({ ms: fc.nat(3_000), faults: fc.nat(10), anyOpen: fc.boolean() }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(asks, (asks) => {
        let state: DrainPace | null = null;
        let now = 0;
        for (const { ms, faults, anyOpen } of asks) {
          now += ms;
          const starts = state === null || state.ratePerS === 0;
          const step: { state: DrainPace; grant: number } = advance(state, { ...CALM, now, faults, anyOpen });
          state = step.state;
          expect(Number.isInteger(step.grant)).toBe(true);
          expect(step.grant).toBeGreaterThanOrEqual(0);
          expect(step.grant).toBeLessThanOrEqual(starts ? 5 : 1 + (state.ratePerS * Math.min(ms, 2_000)) / 1_000);
          expect(JSON.parse(JSON.stringify(state))).toEqual(state);
        }
      }),
    );
  });
});
