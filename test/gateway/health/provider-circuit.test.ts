import { beforeEach, describe, expect, it } from "vitest";
import type { InquiryPurpose } from "../../../gateway/health/circuit.ts";
import type { ProviderChange } from "../../../gateway/health/provider-change.ts";
import { FAULT, isFault, OK, QUERY, type Result, SmallFleet } from "./small-fleet.ts";

let small: SmallFleet;
beforeEach(() => {
  small = new SmallFleet();
});

describe("an attempt", () => {
  it("with faults in its commits opens the gate as fast as one with faults in its prepares", async () => {
    for (let i = 0; i < 3; i++) await small.attempt("a", OK, FAULT);
    expect(small.state("a")).toBe("closed");
    await small.attempt("a", OK, FAULT);
    expect(small.state("a")).toBe("open");
  });

  it("is refused while the gate is open, with the reason", async () => {
    await small.open("a");
    expect(small.refusal("a").reason).toBe("open: 100 % of the last attempts were faults, 4 in a row, the last: an error");
    expect(small.fleet.available()).toEqual(["b"]);
    expect(small.fleet.choose(QUERY).order).toEqual(["b"]);
  });

  it("is not prepared when the gate opened after its admission", async () => {
    const ticket = small.admit("a");
    await small.open("a");
    expect(await ticket.run(async () => OK, isFault)).toMatchObject({ admitted: false, reason: expect.stringContaining("open") });
  });

  it("is committed when the gate opened after its prepare, and its results move nothing", async () => {
    for (const last of [OK, FAULT]) {
      const ticket = small.admit("a");
      await ticket.run(async () => OK, isFault);
      small.modes.delete("a");
      await small.open("a");
      const { circuit } = small.fleet.status()[0]!;
      expect(await ticket.run(async () => last, isFault)).toEqual({ admitted: true, result: last });
      ticket.release();
      expect(small.fleet.status()[0]?.circuit).toEqual(circuit);
      small.modes.set("a", "up");
    }
  });

  it("is not committed once an operator set the provider down", async () => {
    const ticket = small.admit("a");
    await ticket.run(async () => OK, isFault);
    small.modes.set("a", "down");
    expect(await ticket.run(async () => OK, isFault)).toEqual({ admitted: false, reason: "an operator set it down" });
  });

  it("is committed when an operator drains the provider, or allows only another, after its prepare", async () => {
    for (const [id, mode] of [
      ["a", "drain"],
      ["b", "only"],
    ] as const) {
      const ticket = small.admit("a");
      await ticket.run(async () => OK, isFault);
      small.modes.set(id, mode);
      expect(await ticket.run(async () => OK, isFault)).toMatchObject({ admitted: true });
      expect(small.refusal("a").reason).toContain("operator");
      small.modes.clear();
    }
  });

  it("counts once, however often it is released", async () => {
    const ticket = small.admit("a");
    await ticket.run(async () => FAULT, isFault);
    await ticket.run(async () => FAULT, isFault);
    ticket.release();
    ticket.release();
    expect(small.fleet.status()[0]?.circuit.faultsInARow).toBe(1);
  });

  it("that throws, a bug of ours, says nothing about the provider", async () => {
    for (let i = 0; i < 10; i++) {
      const ticket = small.admit("a");
      await expect(ticket.run(() => Promise.reject(new TypeError("a bug")), isFault)).rejects.toThrow("a bug");
      ticket.release();
    }
    expect(small.fleet.status()[0]).toMatchObject({ inFlight: 0, circuit: { state: "closed", faultsInARow: 0 } });
  });
});

describe("a hanging provider", () => {
  it("opens the gate while its calls still hang", async () => {
    const hanging = Array.from({ length: 20 }, () => small.hang("a"));
    small.clock.pass(3_000);
    expect(small.state("a")).toBe("closed");
    small.clock.pass(1);
    expect(small.fleet.choose(QUERY).order).toEqual(["b"]);
    expect(small.fleet.status()[0]).toMatchObject({
      circuit: { reason: "100 % of the last attempts were faults, 4 in a row, the last: no answer in time" },
      inFlight: 20,
    });
    for (const { end } of hanging) end(FAULT);
    await Promise.all(hanging.map(({ ran }) => ran));
    expect(small.fleet.status()[0]).toMatchObject({ inFlight: 0, circuit: { trips: 1 } });
  });

  it("does not make itself the measure: calls that failed do not count for p99", async () => {
    const failing = small.hang("a");
    small.clock.pass(10_000);
    failing.end(FAULT);
    await failing.ran;
    expect(small.fleet.status()[0]?.latencyMs.p99).toBeNull();
    for (let i = 0; i < 5; i++) small.hang("a");
    small.clock.pass(3_001);
    expect(small.state("a")).toBe("open");
  });

  it("is noticed while nobody calls, when the fleet was started", () => {
    const changes: ProviderChange[] = [];
    small.fleet.onChange((change) => changes.push(change));
    small.fleet.start();
    for (let i = 0; i < 5; i++) small.hang("a");
    small.clock.pass(3_500);
    expect(changes).toMatchObject([{ provider: "a", from: "closed", to: "open", trips: 1, openForMs: 4_500 }]);
    small.clock.pass(5_000);
    expect(changes[1]).toMatchObject({ from: "open", to: "half_open" });
  });

  it("whose calls hang does not hide failures: 20 hanging and 4 failed are enough", async () => {
    for (let i = 0; i < 20; i++) small.hang("a");
    for (let i = 0; i < 4; i++) await small.attempt("a", FAULT);
    expect(small.state("a")).toBe("open");
  });

  it("does not open the gate again with calls that hung before it opened", async () => {
    for (let i = 0; i < 20; i++) small.hang("a");
    small.clock.pass(3_001);
    expect(small.state("a")).toBe("open");
    small.clock.pass(5_000);
    for (let i = 0; i < 3; i++) await small.attempt("a", OK, OK);
    expect(small.state("a")).toBe("closed");
  });
});

describe("half open", () => {
  beforeEach(async () => {
    await small.open("a");
    small.clock.pass(5_000);
  });

  it("admits three probes at once in one process, and no fourth attempt", async () => {
    const probes = [1, 2, 3].map(() => small.admit("a"));
    expect(probes.map(({ probe }) => probe)).toEqual([true, true, true]);
    expect(small.refusal("a").reason).toContain("all probes are out");
    expect(small.fleet.status()[0]).toMatchObject({ health: "testing" });
    for (const probe of probes) await probe.run(async () => OK, isFault);
    expect(small.state("a")).toBe("half_open");
    for (const probe of probes) probe.release();
    expect(small.fleet.status()[0]).toMatchObject({ health: "up", circuit: { state: "closed", weight: 0.1 } });
  });

  it("takes one token for both steps of an attempt", async () => {
    const probe = small.admit("a");
    await probe.run(async () => OK, isFault);
    await probe.run(async () => OK, isFault);
    expect(small.fleet.status()[0]?.circuit.freeProbes).toBe(2);
  });

  it("opens again when a commit fails, though its prepare worked", async () => {
    await small.attempt("a", OK, FAULT);
    expect(small.fleet.status()[0]?.circuit).toMatchObject({ state: "open", trips: 2, reason: "a probe failed: an error" });
  });

  it("gives the token of an attempt that never sent anything to the next", async () => {
    for (let i = 0; i < 10; i++) small.admit("a").release();
    expect(small.fleet.status()[0]?.circuit.freeProbes).toBe(3);
  });

  it("is probed by one arrival in ten; asking takes nothing", () => {
    small.draw = 0.05;
    for (let i = 0; i < 10; i++) expect(small.fleet.choose(QUERY).order).toEqual(["a", "b"]);
    small.draw = 0.5;
    expect(small.fleet.choose(QUERY).order).toEqual(["b"]);
    expect(small.fleet.choose({ ...QUERY, excluded: ["b"] }).order).toEqual(["a"]);
  });
});

describe("inquiries", () => {
  const inquire = (purpose: InquiryPurpose, result: Result = OK) => small.fleet.circuit("a").inquire(purpose, async () => result, isFault);

  it("always pass a closed gate and never move it: an unknown object is no fault of the provider", async () => {
    for (let i = 0; i < 50; i++) expect(await inquire("look", FAULT)).toEqual({ admitted: true, result: FAULT });
    expect(small.fleet.status()[0]?.circuit).toMatchObject({ state: "closed", faultsInARow: 0 });
  });

  it("pass an open gate at the rate of probes, and do not close it", async () => {
    await small.open("a");
    const { openUntil } = small.fleet.status()[0]!.circuit;
    const admitted: boolean[] = [];
    for (let i = 0; i < 5; i++) admitted.push((await inquire("look")).admitted);
    expect(admitted).toEqual([true, true, true, false, false]);
    small.clock.pass(1_700);
    expect((await inquire("operation")).admitted).toBe(true);
    expect(small.fleet.status()[0]?.circuit).toMatchObject({ state: "open", openUntil });
  });

  it("let what follows a look pass with it: a backlog of looks does not keep every doubt from its end", async () => {
    await small.open("a");
    while ((await inquire("look")).admitted);
    for (const purpose of ["fence", "replay"] as const) expect((await inquire(purpose)).admitted).toBe(true);
    expect((await inquire("look")).admitted).toBe(false);
  });

  it("are lookups and fences only while an operator has the provider down", async () => {
    small.modes.set("a", "down");
    for (const purpose of ["look", "fence"] as const) expect(await inquire(purpose)).toMatchObject({ admitted: true });
    for (const purpose of ["replay", "operation"] as const) {
      expect(await inquire(purpose)).toEqual({ admitted: false, reason: "an operator set it down: lookups and fences only" });
    }
    small.modes.set("a", "drain");
    expect(await inquire("operation")).toMatchObject({ admitted: true });
  });
});
