import { describe, expect, it } from "vitest";
import { measureGrid, worldOf } from "./grid.ts";
import { INSTANCE_POLICIES } from "./policies.ts";
import { switchyardLocal, switchyardShared } from "./product.ts";
import { play } from "./run.ts";
import { FOUR_PROVIDERS, INSTANCE_SCENARIOS } from "./scenarios.ts";
import { ANSWERS, INSTANCES } from "./world.ts";

const FAST = { approvals: FOUR_PROVIDERS, perSecond: 20, seconds: 90, set: "held_out" } as const;

function scenario(name: string) {
  return INSTANCE_SCENARIOS.find((one) => one.name === name)!;
}

async function measured(name: string) {
  const { rows } = await measureGrid({ ...FAST, scenarios: [scenario(name)], policies: INSTANCE_POLICIES, seeds: 1 });
  return rows.map(({ cells }) => cells[0]!) as [one: Cell, shared: Cell, local: Cell];
}

type Cell = Awaited<ReturnType<typeof measureGrid>>["rows"][number]["cells"][number];

describe("16 instances at 20 charges/s in all", () => {
  it("send with a store about as many charges into an outage as one instance, without one many more", async () => {
    const [one, shared, local] = await measured("outage, fast errors");
    expect(shared.sentDown.mean).toBeLessThan(1.5 * one.sentDown.mean);
    expect(local.sentDown.mean).toBeGreaterThan(shared.sentDown.mean);
    for (const { openings } of shared.scores) expect(openings!.fleet).toBe(1);
  });

  it("keep the gate closed for all where one alone reaches a provider no more, and that one goes elsewhere", async () => {
    const [, shared] = await measured("one instance cut off");
    expect(shared.scores[0]!.openings).toEqual({ fleet: 0, alone: 1 });
    expect(shared.sentDown.mean).toBeLessThan(15);
  });

  it.each(["timeouts, store away", "timeouts, store emptied"])("go on without what they shared: %s", async (name) => {
    const [one, shared] = await measured(name);
    expect(shared.unsent).toBe(0);
    expect(shared.sentDown.mean).toBeLessThan(2 * one.sentDown.mean);
  });

  it("are the same for the same seed", async () => {
    const { world, seed } = worldOf(scenario("flapping"), { ...FAST, seconds: 30 }, 0);
    for (const policy of [switchyardShared, switchyardLocal])
      expect(await play(world, policy, seed)).toEqual(await play(world, policy, seed));
  });
});

describe("the worlds of several instances", () => {
  it("spread charges over all of them, and cut off one from one provider", () => {
    const { world } = worldOf(scenario("one instance cut off"), { ...FAST, seconds: 600 }, 0);
    const cutOff = Array.from(world.isDown).flatMap((down, i) => (down === 1 ? [i] : []));
    const charges = cutOff.map((i) => Math.floor(i / world.providers));
    expect(new Set(world.instance).size).toBe(INSTANCES);
    expect(new Set(charges.map((charge) => world.instance[charge])).size).toBe(1);
    expect(new Set(cutOff.map((i) => i % world.providers))).toEqual(new Set([0]));
    expect(cutOff.every((i) => ANSWERS[world.answer[i]!] === "fault")).toBe(true);
  });

  it("differ between the three outages with timeouts in nothing but the store", () => {
    const [plain, away, emptied] = ["outage, 10 s timeouts", "timeouts, store away", "timeouts, store emptied"].map(
      (name) => worldOf(scenario(name), FAST, 0).world,
    );
    const { from } = plain!.outageMs!;
    expect(away).toEqual({ ...plain!, store: { away: { from: from + 5_000, to: from + 65_000 }, emptiedAt: null } });
    expect(emptied).toEqual({ ...plain!, store: { away: null, emptiedAt: from + 5_000 } });
  });
});
