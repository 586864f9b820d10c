import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { valueAt } from "../../routing/decay.ts";
import {
  advance,
  apply,
  drawsProbe,
  freeProbes,
  type Gate,
  LONGEST_OPENING_MS,
  newGate,
  PROBE_LEASE_MS,
  PROBE_TOKENS,
  READ_HOLDS_MS,
  TECH_HALF_LIFE_MS,
} from "../../routing/health-gate.ts";
import { seeded } from "../support/manual-clock.ts";
import { failProbe, observe, passProbe, returnProbe, takeProbe } from "./gate-events.ts";

type Step =
  | { kind: "pass"; ms: number }
  | { kind: "attempt"; fault: boolean; staleBy: number; by: string }
  | { kind: "read"; works: boolean }
  | { kind: "take" }
  | { kind: "probe"; which: number; end: "pass" | "fail" | "return" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(30_000) }),
  fc.record({ kind: fc.constant("attempt" as const), fault: fc.boolean(), staleBy: fc.nat(2), by: fc.constantFrom("a", "b", "c") }),
  fc.record({ kind: fc.constant("read" as const), works: fc.boolean() }),
  fc.record({ kind: fc.constant("take" as const) }),
  fc.record({
    kind: fc.constant("probe" as const),
    which: fc.nat(8),
    end: fc.constantFrom("pass" as const, "fail" as const, "return" as const),
  }),
);

class World {
  gate: Gate = newGate(0);
  now = 0;
  readonly taken: { generation: number; id: string }[] = [];
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  do(step: Step): void {
    const { random, now } = this;
    if (step.kind === "pass") this.now += step.ms;
    this.gate = advance(this.gate, this.now);
    const { generation } = this.gate;
    if (step.kind === "attempt") {
      this.gate = observe(this.gate, { now, random, generation: generation - step.staleBy, fault: step.fault, by: step.by });
    }
    if (step.kind === "read")
      this.gate = apply(this.gate, { at: now, by: "a", generation, kind: "read", works: step.works, jitter: random() });
    if (step.kind === "take") {
      const taken = takeProbe(this.gate, now);
      if (!taken) return;
      this.gate = taken.gate;
      this.taken.push({ generation, id: taken.probe.id });
    }
    if (step.kind === "probe" && this.taken.length > 0) {
      const probe = { now, random, ...this.taken[step.which % this.taken.length]! };
      this.gate = { pass: passProbe, fail: failProbe, return: returnProbe }[step.end](this.gate, probe);
    }
  }
}

describe("whatever happens to a gate", () => {
  const worlds = fc.tuple(fc.array(step, { maxLength: 80 }), fc.nat());

  it("generations only grow, and grow with every change of state", () => {
    fc.assert(
      fc.property(worlds, ([steps, seed]) => {
        const world = new World(seed);
        for (const step of steps) {
          const before = world.gate;
          world.do(step);
          expect(world.gate.generation).toBeGreaterThanOrEqual(before.generation);
          if (world.gate.state !== before.state) expect(world.gate.generation).toBeGreaterThan(before.generation);
        }
      }),
    );
  });

  it("no counter leaves its range, and the state survives JSON", () => {
    fc.assert(
      fc.property(worlds, ([steps, seed]) => {
        const world = new World(seed);
        for (const step of steps) {
          world.do(step);
          expectSane(world.gate, world.now);
          expect(JSON.parse(JSON.stringify(world.gate))).toEqual(world.gate);
        }
      }),
    );
  });

  it("nothing is admitted while it is open, until its time has come", () => {
    fc.assert(
      fc.property(worlds, ([steps, seed]) => {
        const world = new World(seed);
        for (const step of steps) {
          world.do(step);
          if (world.gate.state !== "open") continue;
          expect(takeProbe(world.gate, world.now)).toBeNull();
          expect(drawsProbe(world.gate, world.now, 0)).toBe(false);
          expect(advance(world.gate, world.gate.openUntil - 1)).toBe(world.gate);
          expect(advance(world.gate, world.gate.openUntil + READ_HOLDS_MS).state).toBe("half_open");
        }
      }),
    );
  });

  it("a result of an older generation moves nothing", () => {
    fc.assert(
      fc.property(worlds, fc.integer({ min: 1, max: 5 }), fc.boolean(), fc.constant("1"), ([steps, seed], staleBy, fault, id) => {
        const world = new World(seed);
        for (const step of steps) world.do(step);
        const stale = { now: world.now, random: world.random, generation: world.gate.generation - staleBy, fault, id };
        for (const move of [observe, passProbe, failProbe, returnProbe]) expect(move(world.gate, stale)).toBe(world.gate);
      }),
    );
  });

  it("calm always closes it, within two minutes", () => {
    fc.assert(
      fc.property(worlds, ([steps, seed]) => {
        const world = new World(seed);
        for (const step of steps) world.do(step);
        const calmFrom = world.now;
        while (world.gate.state !== "closed") {
          world.do({ kind: "pass", ms: 1_000 });
          world.do({ kind: "take" });
          world.do({ kind: "probe", which: world.taken.length - 1, end: "pass" });
          expect(world.now - calmFrom).toBeLessThanOrEqual(120_000 + PROBE_LEASE_MS);
        }
      }),
    );
  });
});

function expectSane(gate: Gate, now: number): void {
  expect(gate.trips).toBeGreaterThanOrEqual(0);
  expect(freeProbes(gate)).toBeGreaterThanOrEqual(0);
  expect(freeProbes(gate)).toBeLessThanOrEqual(PROBE_TOKENS);
  if (gate.state === "closed") {
    expect(gate.sum).toBeGreaterThanOrEqual(0);
    expect(gate.sum).toBeLessThanOrEqual(9);
    expect(gate.faultsInARow).toBeGreaterThanOrEqual(0);
    const [faults, attempts] = [gate.faults, gate.attempts].map((count) => valueAt(count, now, TECH_HALF_LIFE_MS)) as [number, number];
    expect(faults).toBeLessThanOrEqual(attempts + 1e-9);
  }
  if (gate.state === "open") expect(gate.openUntil - gate.since).toBeLessThanOrEqual(LONGEST_OPENING_MS);
}
