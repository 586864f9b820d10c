import { beforeEach, describe, expect, it } from "vitest";
import { type Instance, SeveralFleets } from "./several-fleets.ts";
import { FAULT, OK, QUERY } from "./small-fleet.ts";

let fleets: SeveralFleets;
let one: Instance;
let two: Instance;
let three: Instance;
beforeEach(async () => {
  fleets = new SeveralFleets(3);
  [one, two, three] = fleets.instances as [Instance, Instance, Instance];
  await fleets.pass(20);
});

/** Each instance sees a fault in turn until the fleet has its gate open. */
async function outage(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await fleets.attempt(fleets.instances[i % 3]!, "a", FAULT);
    await fleets.pass(20);
  }
}

/** Of provider a, by instance. */
function records(): string[][] {
  return fleets.instances.map(({ records }) => records.map(({ from, to }) => `${from} -> ${to}`));
}

describe("instances that share what they know", () => {
  it("open a gate with four faults between them, all at once", async () => {
    await outage();
    expect(fleets.states()).toEqual(["open", "open", "open"]);
    const [a, b, c] = fleets.instances.map((instance) => fleets.circuit(instance));
    expect(new Set([a!.openUntil, b!.openUntil, c!.openUntil].map((until) => Math.round(until!))).size).toBe(1);
    expect(fleets.bugs).toEqual([]);
  });

  it("record an opening once: the instance whose fault it was", async () => {
    await outage();
    expect(fleets.instances.map(({ changes }) => changes.map(({ to }) => to))).toEqual([["open"], ["open"], ["open"]]);
    expect(records()).toEqual([["closed -> open"], [], []]);
  });

  it("record it once also when several see what opens it at the same moment", async () => {
    for (const instance of [one, two, three]) await fleets.attempt(instance, "a", FAULT);
    await fleets.pass(20);
    expect(fleets.states()).toEqual(["closed", "closed", "closed"]);
    // Each of the next ones opens it by itself.
    for (const instance of [one, two, three]) await fleets.attempt(instance, "a", FAULT);
    await fleets.pass(20);
    expect(fleets.states()).toEqual(["open", "open", "open"]);
    expect(records().flat()).toEqual(["closed -> open"]);
  });

  it("record it when only what they saw at the same moment opens it", async () => {
    for (const instance of [one, one, two, two]) await fleets.attempt(instance, "a", FAULT);
    expect(fleets.states()).toEqual(["closed", "closed", "closed"]);
    await fleets.pass(20);
    expect(fleets.states()).toEqual(["open", "open", "open"]);
    expect(records().flat()).toEqual(["closed -> open"]);
  });

  it("record that it closed once, and that one alone found it ill as its own", async () => {
    await outage();
    await fleets.pass(5_000);
    for (const instance of [one, two, three]) await fleets.attempt(instance, "a", OK);
    await fleets.pass(20);
    expect(records().flat()).toEqual(["closed -> open", "half_open -> closed"]);
    for (let i = 0; i < 3; i++) await fleets.attempt(two, "a", OK);
    await fleets.pass(200);
    while (fleets.circuit(three).state === "closed") await fleets.attempt(three, "a", FAULT);
    await fleets.pass(200);
    expect(three.records.at(-1)).toMatchObject({ to: "open", alone: true });
    await fleets.pass(10_000);
    for (let i = 0; i < 3; i++) await fleets.attempt(three, "a", OK);
    await fleets.pass(200);
    expect(three.records.at(-1)).toMatchObject({ to: "closed", alone: true });
    expect(records().flat()).toHaveLength(4);
  });

  it("have three probes between them, and close together", async () => {
    await outage();
    await fleets.pass(5_000);
    expect(fleets.states()).toEqual(["half_open", "half_open", "half_open"]);
    await fleets.attempt(one, "a", OK);
    await fleets.pass(20);
    expect(fleets.circuit(three).freeProbes).toBe(2);
    await fleets.attempt(two, "a", OK);
    await fleets.attempt(three, "a", OK);
    await fleets.pass(20);
    expect(fleets.states()).toEqual(["closed", "closed", "closed"]);
  });

  it("learn approval from each other's issuers", async () => {
    for (let i = 0; i < 60; i++) {
      one.fleet.recordApproval("a", QUERY.segment, i % 2 === 0);
      one.fleet.recordApproval("b", QUERY.segment, true);
    }
    expect(fleets.order(two)).toEqual(["a", "b"]);
    await fleets.pass(400);
    for (const instance of fleets.instances) {
      expect(fleets.order(instance)).toEqual(["b", "a"]);
      expect(Math.round(instance.fleet.status()[0]!.approval.outcomes)).toBe(56);
    }
  });

  it("lose no answer when all of them tell at once", async () => {
    for (let i = 0; i < 10; i++) {
      for (const { fleet } of fleets.instances) fleet.recordApproval("a", QUERY.segment, true);
      await fleets.pass(1);
    }
    await fleets.pass(500);
    for (const { fleet } of fleets.instances) expect(fleet.status()[0]!.approval.outcomes).toBeGreaterThan(28);
  });

  it("tell a newcomer what they know", async () => {
    await outage();
    const newcomer = fleets.add();
    await fleets.pass(20);
    expect(fleets.circuit(newcomer)).toMatchObject({ state: "open", trips: 1 });
  });
});

describe("one instance with a broken network", () => {
  beforeEach(async () => {
    for (let i = 0; i < 3; i++) await fleets.attempt(two, "a", OK);
    await fleets.pass(200);
    for (let i = 0; i < 4; i++) await fleets.attempt(one, "a", FAULT);
    await fleets.pass(20);
  });

  it("keeps the provider from itself alone, and says so", async () => {
    expect(fleets.states()).toEqual(["open", "closed", "closed"]);
    expect(fleets.circuit(one)).toMatchObject({ alone: true, reason: expect.stringContaining("seen by this instance alone") });
    expect(fleets.order(one)).toEqual(["b"]);
    expect(fleets.order(two)).toContain("a");
  });

  it("takes no traffic from the others, whose charges go on there", async () => {
    for (let i = 0; i < 60; i++) {
      three.fleet.recordApproval("a", QUERY.segment, true);
      three.fleet.recordApproval("b", QUERY.segment, i % 2 === 0);
    }
    for (let i = 0; i < 5; i++) await fleets.attempt(three, "a", OK);
    await fleets.pass(5_000);
    for (let i = 0; i < 3; i++) await fleets.attempt(two, "a", OK);
    await fleets.attempt(one, "a", FAULT);
    await fleets.pass(200);
    expect(fleets.circuit(one).state).toBe("open");
    expect(fleets.circuit(two).faultRate).toBeLessThan(0.12);
    expect(fleets.order(two)).toEqual(["a", "b"]);
    expect(fleets.order(three)).toEqual(["a", "b"]);
  });

  it("tests it with its own probes, which are ordinary attempts for the others", async () => {
    await fleets.pass(5_000);
    expect(fleets.states()).toEqual(["half_open", "closed", "closed"]);
    for (let i = 0; i < 3; i++) await fleets.attempt(one, "a", OK);
    await fleets.pass(200);
    expect(fleets.states()).toEqual(["closed", "closed", "closed"]);
    expect(fleets.circuit(one).alone).toBe(false);
  });

  it("is believed as soon as another sees it too", async () => {
    await fleets.attempt(two, "a", FAULT);
    await fleets.pass(20);
    expect(fleets.states()).toEqual(["open", "open", "open"]);
    expect(fleets.circuit(one).alone).toBe(false);
  });
});

describe("a store that is away", () => {
  it("whose answer is lost counts nothing twice", async () => {
    for (const others of [false, true]) {
      fleets.store.loseAnswers(one.documents);
      for (let i = 0; i < 10; i++) one.fleet.recordApproval("a", QUERY.segment, true);
      await fleets.pass(150);
      // What another one writes on top hides it from a comparison.
      if (others) for (let i = 0; i < 10; i++) two.fleet.recordApproval("a", QUERY.segment, true);
      await fleets.pass(600);
      for (let i = 0; i < 10; i++) one.fleet.recordApproval("a", QUERY.segment, true);
      fleets.store.reconnect(one.documents);
      await fleets.pass(2_500);
    }
    const all = fleets.instances.map(({ fleet }) => Math.round(fleet.status()[0]!.approval.outcomes));
    expect(new Set(all).size).toBe(1);
    // 50, and each outcome forgets a little of those before it.
    expect(all[0]).toBeGreaterThan(44);
    expect(all[0]).toBeLessThanOrEqual(47);
  });

  it("records what each finds by itself, as nobody else may know", async () => {
    await fleets.pass(300);
    fleets.store.cutOff(...fleets.instances.map(({ documents }) => documents));
    for (let i = 0; i < 4; i++) await fleets.attempt(one, "a", FAULT);
    await fleets.pass(2_000);
    expect(records()).toEqual([["closed -> open"], [], []]);
    fleets.store.reconnect(...fleets.instances.map(({ documents }) => documents));
    await fleets.pass(2_500);
    expect(records()).toEqual([["closed -> open"], [], []]);
  });

  it("says that it is away, and that it is back", async () => {
    expect(one.fleet.store()).toEqual({ connected: true, failures: 0 });
    fleets.store.cutOff(one.documents);
    await fleets.pass(300);
    expect(one.fleet.store()).toEqual({ connected: false, failures: 1 });
    fleets.store.reconnect(one.documents);
    await fleets.pass(2_500);
    expect(one.fleet.store()).toMatchObject({ connected: true });
  });

  it("costs nothing but what the others know: each goes on with its own", async () => {
    fleets.store.cutOff(...fleets.instances.map(({ documents }) => documents));
    for (let i = 0; i < 4; i++) await fleets.attempt(one, "a", FAULT);
    await fleets.pass(20);
    expect(fleets.states()).toEqual(["open", "closed", "closed"]);
    expect(fleets.order(one)).toEqual(["b"]);
  });

  it("closes nothing before its time, and opens when it was known to be open", async () => {
    await outage();
    fleets.store.cutOff(...fleets.instances.map(({ documents }) => documents));
    await fleets.pass(3_900);
    expect(fleets.states()).toEqual(["open", "open", "open"]);
    await fleets.pass(1_100);
    expect(fleets.states()).toEqual(["half_open", "half_open", "half_open"]);
  });

  it("hears what happened meanwhile when it is back", async () => {
    fleets.store.cutOff(...fleets.instances.map(({ documents }) => documents));
    for (const instance of [one, one, two, two]) await fleets.attempt(instance, "a", FAULT);
    for (let i = 0; i < 20; i++) three.fleet.recordApproval("b", QUERY.segment, true);
    await fleets.pass(1_000);
    expect(fleets.states()).toEqual(["closed", "closed", "closed"]);
    fleets.store.reconnect(...fleets.instances.map(({ documents }) => documents));
    await fleets.pass(2_100);
    expect(fleets.states()).toEqual(["open", "open", "open"]);
    expect(Math.round(one.fleet.status()[1]!.approval.outcomes)).toBe(20);
  });

  it("that comes back empty is told which gates are open", async () => {
    await outage();
    fleets.store.empty();
    await fleets.pass(600);
    expect(fleets.store.read("gate:a")).toMatchObject({ state: { state: "open", trips: 1 } });
    expect(fleets.states()).toEqual(["open", "open", "open"]);
  });

  it("does not make an instance forget what it held open while the fleet did not see it", async () => {
    fleets.store.cutOff(one.documents);
    for (let i = 0; i < 4; i++) await fleets.attempt(one, "a", FAULT);
    for (let i = 0; i < 5; i++) await fleets.attempt(two, "a", OK);
    await fleets.pass(300);
    fleets.store.reconnect(one.documents);
    await fleets.pass(3_000);
    expect(fleets.states()).toEqual(["open", "closed", "closed"]);
    expect(fleets.circuit(one).alone).toBe(true);
  });

  it("that was away for long does not close what an instance holds open with what it had offered before", async () => {
    await fleets.attempt(one, "a", FAULT);
    fleets.store.cutOff(...fleets.instances.map(({ documents }) => documents));
    await fleets.pass(20);
    for (let i = 0; i < 3; i++) await fleets.attempt(one, "a", FAULT);
    // Reads that fail hold it open beyond the time for which events are kept.
    for (let s = 0; s < 60; s += 10) {
      one.fleet.recordRead("a", false);
      await fleets.pass(10_000);
    }
    one.fleet.recordRead("a", false);
    expect(fleets.circuit(one).state).toBe("open");
    await fleets.pass(500);
    fleets.store.reconnect(...fleets.instances.map(({ documents }) => documents));
    await fleets.pass(2_500);
    expect(fleets.circuit(one).state).toBe("open");
  });

  it("holds nobody up for long with nonsense", async () => {
    for (const nonsense of [
      "{",
      "[]",
      '{"state":"open"}',
      '{"state":"open","generation":9,"trips":1,"since":1,"openUntil":1e300,"reason":"","readFailedAt":null}',
    ]) {
      for (const name of ["gate:a", "approval:a"]) {
        fleets.store.write(name, nonsense);
        fleets.store.write(name, `{"by":"x","state":${nonsense}}`);
      }
      await fleets.pass(600);
      expect(fleets.states()).toEqual(["closed", "closed", "closed"]);
    }
    await outage();
    expect(fleets.states()).toEqual(["open", "open", "open"]);
    expect(fleets.bugs).toEqual([]);
  });
});

it("asks the store four times a second when nothing happens, and no oftener when it is away", async () => {
  const before = fleets.store.exchanges;
  await fleets.pass(10_000);
  expect((fleets.store.exchanges - before) / 3).toBeLessThanOrEqual(41);
});
