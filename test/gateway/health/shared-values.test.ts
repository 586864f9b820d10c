import { expect, it } from "vitest";
import { assertWithinLimits } from "../../../gateway/health/document-limits.ts";
import { documentValue } from "../../../gateway/health/document-value.ts";
import { takeGate, takePresence } from "../../../gateway/health/shared-values.ts";
import { apply, newGate } from "../../../routing/health-gate.ts";
import { heard, MAX_INSTANCES } from "../../../routing/presence.ts";

const NOW = Date.UTC(2026, 10, 1) + 0.1234;
const COMMON = { generation: 1e12, trips: 1e12, since: NOW };
/** The longest there is, as the number that takes the most characters. */
const name = (i: number) => `instance-${i}`.padEnd(40, "x");
const LONG = 1 / 3e300;

function named<T>(count: number, value: T): Record<string, T> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), value]));
}

/** As this instance writes it, after the longest list of writers. */
function assertFits(state: unknown): void {
  const { value } = documentValue(state, named(100, Number.MAX_SAFE_INTEGER), name(999), Number.MAX_SAFE_INTEGER);
  assertWithinLimits({ since: null, writes: [{ name: "one", expected: 0, value }], urgent: false });
}

it.each([
  [
    "a closed gate",
    {
      ...COMMON,
      state: "closed",
      sum: LONG,
      faultsInARow: 1e12,
      attempts: { value: LONG, at: NOW },
      faults: { value: LONG, at: NOW },
      witnesses: named(64, { okAt: LONG, faultAt: LONG, failingSince: LONG }),
      rampFrom: LONG,
    },
  ],
  [
    "a half open gate",
    {
      ...COMMON,
      state: "half_open",
      passed: 0,
      running: Object.keys(named(100, 0)).map((id) => ({ id, until: NOW + LONG })),
      reason: "\u0000".repeat(500),
    },
  ],
])("the largest document that is taken over can be written again, with what we add: %s", (_, found) => {
  const gate = takeGate(found, newGate(NOW), NOW, false)!;
  expect(gate).toEqual(found);
  const { generation } = gate;
  const kind = gate.state === "closed" ? ({ kind: "ok" } as const) : ({ kind: "probe_taken", probe: `${name(1)}.1` } as const);
  const after = apply(gate, { at: NOW, by: name(999), generation, ...kind });
  expect(after).not.toEqual(gate);
  assertFits(after);
});

it("the largest document that is taken over can be written again, with what we add: instances", () => {
  const presence = takePresence(named(MAX_INSTANCES, NOW))!;
  expect(Object.keys(presence)).toHaveLength(MAX_INSTANCES);
  const after = heard(presence, { at: NOW + 1, by: name(999) });
  expect(after).toHaveProperty(name(999));
  assertFits(after);
});
