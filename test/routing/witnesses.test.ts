import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acquitted, failsAlone, MAX_WITNESSES, onlyOneSees, WITNESS_MS, type Witnesses, witnessed } from "../../routing/witnesses.ts";

const NONE: Witnesses = {};
const fault = (at: number) => ({ at, fault: true });
const ok = (at: number) => ({ at, fault: false });

describe("one instance's faults are doubted", () => {
  it("while another one gets answers", () => {
    const seen = witnessed(witnessed(NONE, "a", fault(100)), "b", ok(200));
    expect(onlyOneSees(seen, 300)).toBe(true);
  });

  it("not without another one, and not by its own answers", () => {
    expect(onlyOneSees(NONE, 0)).toBe(false);
    expect(onlyOneSees(witnessed(NONE, "a", fault(100)), 100)).toBe(false);
    expect(onlyOneSees(witnessed(witnessed(NONE, "a", fault(100)), "a", ok(200)), 300)).toBe(false);
  });

  it("not once another one sees faults too, whatever answers it gets", () => {
    let seen = witnessed(witnessed(NONE, "a", fault(100)), "b", fault(110));
    seen = witnessed(witnessed(seen, "b", ok(120)), "c", ok(130));
    expect(onlyOneSees(seen, 140)).toBe(false);
  });

  it("not by answers that are old", () => {
    const seen = witnessed(witnessed(NONE, "b", ok(0)), "a", fault(1));
    expect(onlyOneSees(seen, WITNESS_MS - 1)).toBe(true);
    expect(onlyOneSees(seen, WITNESS_MS)).toBe(false);
  });
});

describe("an instance fails alone", () => {
  const failing = witnessed(witnessed(NONE, "a", ok(50)), "a", fault(100));

  it("when another one got an answer lately", () => {
    expect(failsAlone(witnessed(failing, "b", ok(110)), "a", 120)).toBe(true);
    expect(failsAlone(witnessed(failing, "b", ok(90)), "a", 120)).toBe(true);
    expect(failsAlone(witnessed(failing, "b", ok(110)), "a", 110 + WITNESS_MS)).toBe(false);
  });

  it("not after an answer of its own, nor for nobody else", () => {
    expect(failsAlone(witnessed(witnessed(failing, "b", ok(110)), "a", ok(115)), "a", 120)).toBe(false);
    expect(failsAlone(failing, "a", 120)).toBe(false);
    expect(failsAlone(failing, "nobody", 120)).toBe(false);
  });
});

it("an acquittal ends what was said of faults, and keeps the answers", () => {
  const seen = witnessed(witnessed(witnessed(NONE, "a", ok(50)), "a", fault(100)), "b", ok(200));
  expect(acquitted(seen)).toEqual({
    a: { okAt: 50, faultAt: null, failingSince: 100 },
    b: { okAt: 200, faultAt: null, failingSince: null },
  });
  expect(acquitted(acquitted(seen))).toEqual(acquitted(seen));
});

it("remembers no more instances than there is room for, and the latest of them", () => {
  const report = fc.record({ by: fc.integer({ min: 0, max: 200 }), fault: fc.boolean() });
  fc.assert(
    fc.property(fc.array(report, { maxLength: 400 }), (reports) => {
      let seen = NONE;
      for (const [at, { by, fault }] of reports.entries()) seen = witnessed(seen, `gw-${by}`, { at: at + 1, fault });
      const latest = [...new Set(reports.map(({ by }) => `gw-${by}`).reverse())].slice(0, MAX_WITNESSES);
      expect(new Set(Object.keys(seen))).toEqual(new Set(latest));
    }),
    { numRuns: 60 },
  );
});
