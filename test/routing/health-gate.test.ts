import { describe, expect, it } from "vitest";
import {
  advance,
  apply,
  type Closed,
  drawsProbe,
  FIRST_OPENING_MS,
  freeProbes,
  type Gate,
  LONGEST_OPENING_MS,
  later,
  newGate,
  PROBE_LEASE_MS,
  PROBE_TOKENS,
  READ_HOLDS_MS,
  rampWeight,
  reset,
  slowAfterMs,
  techFaultRate,
} from "../../routing/health-gate.ts";
import { seeded } from "../support/manual-clock.ts";
import { failProbe, observe, passProbe, returnProbe, takeProbe } from "./gate-events.ts";

const never = () => 0;

function result(gate: Gate, fault: boolean, now = 0): Gate {
  return observe(gate, { now, random: never, generation: gate.generation, fault });
}

function opened(now = 0): Gate {
  let gate = newGate(now);
  while (gate.state === "closed") gate = result(gate, true, now);
  return gate;
}

function halfOpened(): { gate: Gate; now: number } {
  return { gate: advance(opened(), FIRST_OPENING_MS), now: FIRST_OPENING_MS };
}

function afterProbes(count: number): { gate: Gate; now: number } {
  let { gate, now } = halfOpened();
  for (let i = 0; i < count; i++) {
    const taken = takeProbe(gate, now)!;
    gate = passProbe(taken.gate, { now, generation: gate.generation, id: taken.probe.id });
  }
  return { gate, now };
}

describe("after a failed round", () => {
  it("one probe goes ahead; the others follow once it passed", () => {
    let { gate, now } = halfOpened();
    const failing = takeProbe(gate, now)!;
    gate = failProbe(failing.gate, { now, random: never, generation: gate.generation, id: failing.probe.id });
    now += 2 * FIRST_OPENING_MS;
    gate = advance(gate, now);
    expect([gate.state, freeProbes(gate)]).toEqual(["half_open", 1]);
    const first = takeProbe(gate, now)!;
    expect([freeProbes(first.gate), takeProbe(first.gate, now)]).toEqual([0, null]);
    gate = passProbe(first.gate, { now, generation: gate.generation, id: first.probe.id });
    expect(freeProbes(gate)).toBe(PROBE_TOKENS - 1);
  });
});

describe("a closed gate", () => {
  it("opens at the fourth fault in a row", () => {
    let gate: Gate = newGate(0);
    for (let i = 0; i < 3; i++) gate = result(gate, true);
    expect(gate.state).toBe("closed");
    expect(result(gate, true)).toMatchObject({ state: "open", trips: 1, generation: 1 });
  });

  it("opens at five faults in a row whatever the sum says", () => {
    const gate: Closed = { ...(newGate(0) as Closed), sum: 0, faultsInARow: 4 };
    expect(result(gate, true).state).toBe("open");
  });

  it("says in words why it opened", () => {
    expect(opened()).toMatchObject({ reason: "100 % of the last attempts were faults, 4 in a row, the last: an error" });
  });

  it("finds an outage of 100, 50, 25 and 15 % faults after about 4, 8, 21 and 52 charges", () => {
    for (const [share, atMost] of [
      [1, 4],
      [0.5, 10],
      [0.25, 26],
      [0.15, 65],
    ] as const) {
      expect(meanChargesUntilOpen(share, 400)).toBeLessThanOrEqual(atMost);
    }
  });

  it("cries wolf less than once in 40,000 charges at 2 % background faults", () => {
    expect(meanChargesUntilOpen(0.02, 10)).toBeGreaterThan(40_000);
  });

  it("calls slow what takes more than 3 s and more than twice its p99", () => {
    expect([slowAfterMs(null), slowAfterMs(400), slowAfterMs(2_500)]).toEqual([3_000, 3_000, 5_000]);
  });

  it("never estimates the fault rate as zero", () => {
    expect(techFaultRate(newGate(0), 0)).toBeCloseTo(0.01);
  });
});

describe("an open gate", () => {
  it("is open for 5 s doubled with each trip, up to 30 s, less up to 20 % jitter", () => {
    let gate: Gate = opened();
    const lengths: number[] = [];
    for (let i = 0; i < 6 && gate.state === "open"; i++) {
      lengths.push(gate.openUntil - gate.since);
      const half = advance(gate, gate.openUntil);
      const taken = takeProbe(half, half.since)!;
      gate = failProbe(taken.gate, { now: half.since, random: () => 0.5, generation: half.generation, id: taken.probe.id });
    }
    expect(lengths).toEqual([5_000, 9_000, 18_000, 27_000, 27_000, 27_000]);
  });

  it("admits nothing and has no probes", () => {
    const gate = opened();
    expect(takeProbe(gate, 0)).toBeNull();
    expect(freeProbes(gate)).toBe(0);
    expect(rampWeight(gate, 0)).toBe(0);
  });

  it("is not closed by a success from before it opened, nor kept open by a fault", () => {
    const gate = opened();
    for (const fault of [true, false]) expect(observe(gate, { now: 1, random: never, generation: 0, fault })).toBe(gate);
  });
});

describe("a half-open gate", () => {
  it("has three tokens, and closes when all came back without a fault", () => {
    expect(afterProbes(2).gate).toMatchObject({ state: "half_open", passed: 2 });
    expect(freeProbes(afterProbes(2).gate)).toBe(1);
    expect(afterProbes(3).gate).toMatchObject({ state: "closed", generation: 3, trips: 1 });
  });

  it("opens again for twice as long at one fault, and ignores the probes that were still out", () => {
    const { gate, now } = halfOpened();
    const first = takeProbe(gate, now)!;
    const second = takeProbe(first.gate, now)!;
    const again = failProbe(second.gate, { now, random: never, generation: gate.generation, id: first.probe.id });
    expect(again).toMatchObject({ state: "open", trips: 2, openUntil: now + 2 * FIRST_OPENING_MS, reason: "a probe failed: an error" });
    expect(passProbe(again, { now, generation: gate.generation, id: second.probe.id })).toBe(again);
  });

  it("counts a token that two instances took at the same moment: both are on their way", () => {
    let { gate, now } = halfOpened();
    for (let i = 1; i <= 4; i++) {
      gate = apply(gate, { at: now, by: `instance-${i}`, generation: gate.generation, kind: "probe_taken", probe: `${i}` });
    }
    expect([freeProbes(gate), gate.state === "half_open" && gate.running.length]).toEqual([0, 4]);
  });

  it("takes a token back from an attempt that came to nothing, or vanished", () => {
    const { gate, now } = halfOpened();
    const taken = takeProbe(gate, now)!;
    expect(freeProbes(taken.gate)).toBe(PROBE_TOKENS - 1);
    expect(freeProbes(returnProbe(taken.gate, { now, generation: gate.generation, id: taken.probe.id }))).toBe(PROBE_TOKENS);
    expect(freeProbes(advance(taken.gate, now + PROBE_LEASE_MS - 1))).toBe(PROBE_TOKENS - 1);
    expect(freeProbes(advance(taken.gate, now + PROBE_LEASE_MS))).toBe(PROBE_TOKENS);
  });

  it("does not take a probe of an earlier half-open for one of this one", () => {
    const { gate, now } = halfOpened();
    const taken = takeProbe(gate, now)!;
    const early = { now, generation: gate.generation, id: taken.probe.id };
    const reopened = failProbe(taken.gate, { ...early, random: never });
    const later = now + LONGEST_OPENING_MS;
    const again = takeProbe(advance(reopened, later), later)!;
    expect(again.gate.generation).toBeGreaterThan(early.generation);
    for (const move of [passProbe, failProbe, returnProbe])
      expect(move(again.gate, { ...early, now: later, random: never })).toBe(again.gate);
  });

  it("counts one probe once", () => {
    const { gate, now } = halfOpened();
    const taken = takeProbe(gate, now)!;
    const probe = { now, generation: gate.generation, id: taken.probe.id };
    const passed = passProbe(taken.gate, probe);
    expect(passProbe(passed, probe)).toBe(passed);
    expect(failProbe(passed, { ...probe, random: never })).toBe(passed);
  });

  it("is probed by one arrival in ten, and by any after a minute without enough of them", () => {
    const { gate, now } = halfOpened();
    expect([drawsProbe(gate, now, 0.099), drawsProbe(gate, now, 0.1)]).toEqual([true, false]);
    expect(drawsProbe(gate, now + 60_000, 0.999)).toBe(true);
  });
});

describe("after closing", () => {
  it("the weight ramps from 10 to 100 % in 20 s", () => {
    const { gate, now } = afterProbes(3);
    expect([0, 10_000, 20_000, 90_000].map((ms) => rampWeight(gate, now + ms))).toEqual([0.1, 0.55, 1, 1]);
  });

  it("trips are forgotten after five good minutes, not before", () => {
    for (const [calmMs, trips] of [
      [299_999, 2],
      [300_000, 1],
    ] as const) {
      let { gate, now } = afterProbes(3);
      now += calmMs;
      while (gate.state === "closed") gate = result(gate, true, now);
      expect(gate.trips).toBe(trips);
    }
  });
});

describe("several instances", () => {
  const tell = (gate: Gate, by: string, fault: boolean, now: number) =>
    observe(gate, { now, by, random: never, generation: gate.generation, fault });

  it("open it together: faults seen by two are believed", () => {
    let gate = newGate(0);
    for (const by of ["a", "b", "a", "b"]) gate = tell(gate, by, true, 0);
    expect(gate.state).toBe("open");
  });

  it("do not let one with a broken network close the provider for all while another gets answers", () => {
    let gate = tell(newGate(0), "well", false, 0);
    for (let i = 0; i < 20; i++) gate = tell(gate, "broken", true, 1_000);
    expect(gate.state).toBe("closed");
    expect(tell(gate, "well", true, 1_000).state).toBe("open");
  });

  it("believe one alone once the others have had no answer for ten seconds", () => {
    let gate = tell(newGate(0), "idle", false, 0);
    for (let i = 0; i < 4; i++) gate = tell(gate, "alone", true, 10_000);
    expect(gate.state).toBe("open");
  });

  it("forget an accusation when the sum is zero again", () => {
    let gate = tell(newGate(0), "a", true, 0);
    for (let i = 0; i < 9; i++) gate = tell(gate, "b", false, 0);
    for (let i = 0; i < 4; i++) gate = tell(gate, "b", true, 0);
    expect(gate.state).toBe("open");
    gate = tell(newGate(0), "a", true, 0);
    for (let i = 0; i < 9; i++) gate = tell(gate, "a", false, 0);
    for (let i = 0; i < 4; i++) gate = tell(gate, "b", true, 0);
    expect(gate.state).toBe("closed");
  });
});

describe("reads", () => {
  const reads = (gate: Gate, works: boolean, now: number) =>
    apply(gate, { at: now, by: "a", generation: 0, kind: "read", works, jitter: 0 });

  it("that fail open nothing by themselves, and the first fault after one does", () => {
    let gate = newGate(0);
    for (let i = 0; i < 50; i++) gate = reads(gate, false, 0);
    expect(gate.state).toBe("closed");
    expect(result(reads(gate, true, 0), true).state).toBe("open");
  });

  it("that fail open it where an attempt was a fault and none has worked since: nobody else has to be lost to it", () => {
    let gate = reads(reads(result(newGate(0), true), false, 0), false, 0);
    expect(gate.state).toBe("closed");
    gate = reads(gate, false, 0);
    expect(gate).toMatchObject({ state: "open", reason: expect.stringContaining("the last: a read that failed") });
    let answered: Gate = result(result(newGate(0), true), false);
    for (let i = 0; i < 50; i++) answered = reads(answered, false, 0);
    expect(answered.state).toBe("closed");
  });

  it("that fail keep it open a little longer than its time, and no longer", () => {
    const gate = opened();
    const failing = reads(gate, false, FIRST_OPENING_MS - 1);
    expect(advance(failing, FIRST_OPENING_MS).state).toBe("open");
    expect(advance(failing, FIRST_OPENING_MS + 15_000).state).toBe("half_open");
    expect(advance(reads(failing, true, FIRST_OPENING_MS), FIRST_OPENING_MS).state).toBe("half_open");
    let held: Gate = gate;
    for (let now = 0; held.state === "open"; now += 5_000) {
      held = reads(held, false, now);
      expect(now).toBeLessThanOrEqual(FIRST_OPENING_MS + READ_HOLDS_MS);
    }
  });
});

describe("of two gates that do not descend from one another", () => {
  it("the higher generation counts, and of two openings the later end", () => {
    const [early, late] = [opened(0), opened(1_000)];
    for (const [a, b] of [
      [early, late],
      [late, early],
    ] as const)
      expect(later(a, b)).toBe(late);
    const fresh = reset(reset(early, 2_000), 2_000);
    for (const [a, b] of [
      [fresh, late],
      [late, fresh],
    ] as const)
      expect(later(a, b)).toBe(fresh);
  });
});

function meanChargesUntilOpen(faultShare: number, runs: number): number {
  const random = seeded(42);
  let charges = 0;
  for (let run = 0; run < runs; run++) {
    let gate = newGate(0);
    for (let now = 0; gate.state === "closed"; now += 50, charges++) gate = result(gate, random() < faultShare, now);
  }
  return charges / runs;
}
