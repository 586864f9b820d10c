import { beforeEach, describe, expect, it } from "vitest";
import { SeveralFleets } from "./several-fleets.ts";
import { FAULT, OK, QUERY } from "./small-fleet.ts";

const HOUR = 3_600_000;

let fleets: SeveralFleets;
beforeEach(async () => {
  fleets = new SeveralFleets(2);
  await fleets.pass(20);
});

function write(name: string, state: unknown): void {
  fleets.store.write(name, JSON.stringify({ by: "stranger", state }));
}

const now = () => fleets.clock.now();

/** In one leap, and a little in small steps. */
async function later(ms: number): Promise<void> {
  await fleets.pass(600);
  fleets.clock.pass(ms);
  await fleets.pass(600);
}

describe("a stranger's document", () => {
  const halfOpen = () => ({ state: "half_open", generation: 8, trips: 1, since: now(), passed: 0, running: [] as object[], reason: "x" });

  it.each([
    ["with all probes passed, and still half open", () => ({ ...halfOpen(), passed: 3 })],
    [
      "with probes that are never given back",
      () => ({ ...halfOpen(), running: ["a", "b", "c"].map((id) => ({ id, until: now() + 1_000 * HOUR })) }),
    ],
  ])("keeps no provider away for good: a gate %s", async (_, gate) => {
    for (const id of ["a", "b"]) write(`gate:${id}`, gate());
    await later(61_000);
    for (const { fleet } of fleets.instances) expect(fleet.available()).toEqual(["a", "b"]);
    expect(fleets.bugs).toEqual([]);
  });

  const many = (count: number, value: (i: number) => unknown, length = 40) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${"\u{1f4b8}".repeat(length)}-${i}`, value(i)]));

  it.each<[string, string, () => object]>([
    ["a reason of 20 kB", "gate:a", () => ({ state: { ...halfOpen(), reason: "x".repeat(20_000) } })],
    ["a reason that takes six times its length", "gate:a", () => ({ state: { ...halfOpen(), reason: "\u0000".repeat(1_000) } })],
    [
      "a hundred probes with long names",
      "gate:a",
      () => ({ state: { ...halfOpen(), passed: 1, running: Object.keys(many(100, () => 0)).map((id) => ({ id, until: now() + 9_000 })) } }),
    ],
    [
      "64 witnesses with long names",
      "gate:a",
      () => ({
        state: {
          ...{ state: "closed", generation: 9, trips: 1, since: now(), sum: 0, faultsInARow: 0, rampFrom: null },
          attempts: { value: 1, at: now() },
          faults: { value: 0, at: now() },
          witnesses: many(64, () => ({ okAt: now(), faultAt: null, failingSince: null })),
        },
      }),
    ],
    ["living instances with long names", "instances", () => ({ state: many(150, () => now()) })],
    ["writers with long names", "instances", () => ({ writers: many(32, (i) => i, 400), state: {} })],
  ])("does not end the sharing of everything else by what we would have to write again: %s", async (_, name, document) => {
    fleets.store.write(name, JSON.stringify(document()));
    await fleets.pass(600);
    const [one, two] = fleets.instances;
    for (const { fleet } of [one!, two!]) {
      fleet.circuit("a").admit();
      fleet.recordRead("a", true);
    }
    await fleets.pass(6_000);
    for (const instance of [one!, two!]) expect(instance.fleet.store()).toMatchObject({ connected: true, failures: 0 });
  });

  it("makes no fleet of instances that will only live", async () => {
    write("instances", Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`stranger-${i}`, now() + HOUR])));
    await later(5_000);
    for (const { fleet } of fleets.instances) expect(fleet.instances()).toBe(2);
  });
});

describe("a store whose clock is set back by an hour", () => {
  beforeEach(async () => {
    fleets.store.aheadMs = HOUR;
    await fleets.pass(600);
  });

  const back = async () => {
    fleets.store.aheadMs = 0;
    await fleets.pass(600);
  };

  it("keeps no provider open for that hour", async () => {
    for (let i = 0; i < 4; i++) await fleets.attempt(fleets.instances[i % 2]!, "a", FAULT);
    await fleets.pass(50);
    expect(fleets.states()).toEqual(["open", "open"]);
    await back();
    await later(61_000);
    expect(fleets.states()).not.toContain("open");
    for (const { fleet } of fleets.instances) expect(fleet.available()).toContain("a");
  });

  it("gives probes back that were out", async () => {
    for (let i = 0; i < 4; i++) await fleets.attempt(fleets.instances[i % 2]!, "a", FAULT);
    await fleets.pass(5_100);
    for (const { fleet } of [0, 1, 0].map((i) => fleets.instances[i]!)) fleet.circuit("a").admit();
    await fleets.pass(50);
    await back();
    await later(61_000);
    for (const { fleet } of fleets.instances) expect(fleet.available()).toContain("a");
  });

  it("makes nobody write the same gate over and over", async () => {
    for (let i = 0; i < 4; i++) await fleets.attempt(fleets.instances[i % 2]!, "a", FAULT);
    await fleets.pass(5_100);
    for (let i = 0; i < 3; i++) await fleets.attempt(fleets.instances[i % 2]!, "a", OK);
    await fleets.pass(50);
    expect(fleets.states()).toEqual(["closed", "closed"]);
    await back();
    await fleets.attempt(fleets.instances[0]!, "a", FAULT);
    await fleets.pass(1_000);
    const before = fleets.store.exchanges;
    await fleets.pass(5_000);
    expect((fleets.store.exchanges - before) / 2).toBeLessThanOrEqual(26);
  });

  it("does not stop a limit's refill", async () => {
    const limited = fleets.add({ strategy: "order", order: ["a", "b"], providers: { a: { limits: { per_second: 3 } } } });
    await fleets.pass(600);
    for (let i = 0; i < 4; i++) limited.fleet.choose(QUERY);
    expect(limited.fleet.choose(QUERY).order).not.toContain("a");
    await back();
    await fleets.pass(2_000);
    expect(limited.fleet.choose(QUERY).order).toContain("a");
  });
});
