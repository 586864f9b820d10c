import { describe, expect, it } from "vitest";
import { seeded } from "../../support/manual-clock.ts";
import { AnswerQueue } from "./answer-queue.ts";
import { oracle } from "./baselines/oracle.ts";
import { type GridOptions, measureGrid, worldOf } from "./grid.ts";
import { regretPicture } from "./picture.ts";
import { BASELINES, POLICIES } from "./policies.ts";
import type { NamedPolicy } from "./policy.ts";
import { switchyard } from "./product.ts";
import { reportMarkdown } from "./report.ts";
import { play } from "./run.ts";
import { FOUR_PROVIDERS, INSTANCE_SCENARIOS, MAIN_SCENARIOS, OTHER_SCENARIOS, type Scenario } from "./scenarios.ts";
import { losses } from "./verdict.ts";
import { ANSWERS } from "./world.ts";

const FAST = { approvals: FOUR_PROVIDERS, perSecond: 20, seconds: 300, set: "held_out" } as const;
const SCENARIOS = [...new Set([...MAIN_SCENARIOS, ...OTHER_SCENARIOS, ...INSTANCE_SCENARIOS])];

function scenario(name: string): Scenario {
  return SCENARIOS.find((one) => one.name === name)!;
}

function grid(more: Partial<GridOptions>) {
  return measureGrid({ ...FAST, scenarios: MAIN_SCENARIOS, policies: [switchyard, oracle], seeds: 2, ...more });
}

describe("the world", () => {
  it("is the same for the same seed, and another for another", () => {
    const [a, again, other] = [0, 0, 1].map((nth) => worldOf(scenario("seasonal"), { ...FAST, seconds: 30 }, nth).world);
    expect(again).toEqual(a);
    expect(other!.at[0]).not.toBe(a!.at[0]);
  });

  it("shares no seed between the tuning and the held-out set", () => {
    const seeds = (["tuning", "held_out"] as const).map((set) => worldOf(scenario("stationary"), { ...FAST, set }, 99_999).seed);
    expect(seeds[0]! < 1_000_001 && seeds[1]! >= 1_000_001).toBe(true);
  });

  it("keeps what it promises: arrivals, approvals and faults at their rates", () => {
    const { world } = worldOf(scenario("stationary"), { ...FAST, seconds: 1_800 }, 0);
    expect(world.charges).toBeGreaterThan(36_000 - 6 * 190);
    expect(world.charges).toBeLessThan(36_000 + 6 * 190);
    const first = Array.from({ length: world.charges }, (_, charge) => ANSWERS[world.answer[charge * world.providers]!]!);
    const share = (kind: string) => first.filter((answer) => answer === kind).length / first.length;
    expect(share("approved")).toBeCloseTo(0.92 * 0.997, 1);
    expect(share("fault")).toBeLessThan(0.006);
    const latencies = world.latencyMs.filter((_, i) => i % world.providers === 0).sort();
    expect(latencies[latencies.length >> 1]).toBeGreaterThan(780);
    expect(latencies[latencies.length >> 1]).toBeLessThan(820);
  });

  it.each(SCENARIOS.map(({ name }) => name))("has probabilities between 0 and 1, whatever is drawn: %s", (name) => {
    for (let nth = 0; nth < 20; nth++) {
      const { world } = worldOf(scenario(name), { ...FAST, perSecond: 1 }, nth);
      expect(world.success.every((share) => share >= 0 && share <= 1)).toBe(true);
      expect(world.success.every((share, i) => world.isDown[i] === 0 || share === 0)).toBe(true);
    }
  });
});

describe("a run", () => {
  it("is the same for the same seed, with every policy", async () => {
    const { world, seed } = worldOf(scenario("outage, 10 s timeouts"), { ...FAST, seconds: 120 }, 3);
    for (const policy of POLICIES) expect(await play(world, policy, seed)).toEqual(await play(world, policy, seed));
  });

  it("tells a policy of an answer when it arrives, in order, and of each charge once", async () => {
    const heard: number[] = [];
    let last = 0;
    const listener: NamedPolicy = {
      name: "listener",
      make: ({ clock }) => ({
        choose: (_, now) => {
          expect(clock.monotonic()).toBeCloseTo(now, 6);
          return 0;
        },
        answered: ({ number }, _, __, now) => {
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
          heard.push(number);
        },
      }),
    };
    const { world } = worldOf(scenario("stationary"), { ...FAST, seconds: 60 }, 0);
    await play(world, listener, 1);
    expect([...heard].sort((a, b) => a - b)).toEqual(Array.from({ length: world.charges }, (_, i) => i));
    expect(heard).not.toEqual([...heard].sort((a, b) => a - b));
  });

  it("costs the oracle nothing, in any scenario", async () => {
    const { rows } = await grid({ scenarios: SCENARIOS, policies: [oracle] });
    for (const { regret, sentDown } of rows[0]!.cells) expect([regret.mean, sentDown.mean]).toEqual([0, 0]);
  });

  it("costs everybody else something", async () => {
    const { rows } = await grid({ scenarios: [scenario("order swaps")], policies: BASELINES });
    for (const { mean } of rows) expect(mean.mean).toBeGreaterThan(0.05);
  });
});

describe("the product in an outage at 20 charges/s", () => {
  it("sends few charges into fast errors, and next to none after 5 s", async () => {
    const { rows } = await grid({ scenarios: [scenario("outage, fast errors")], seeds: 3 });
    const [{ sentDown, shareAfter5s }] = rows[0]!.cells as [(typeof rows)[0]["cells"][0]];
    // Four until the gate opens, those that arrive meanwhile, and a few probes; half of all arrivals would be 900 and more.
    expect(sentDown.mean).toBeLessThan(60);
    expect(shareAfter5s!.mean).toBeLessThan(0.1);
  });

  it("notices hanging calls before their deadline", async () => {
    const { rows } = await grid({ scenarios: [scenario("outage, 10 s timeouts")], seeds: 3 });
    // By the deadline alone it would be 200 until the first fault, and four faults more.
    expect(rows[0]!.cells[0]!.sentDown.mean).toBeLessThan(200);
  });

  it("is never left without a provider while others work", async () => {
    const { rows } = await grid({ scenarios: SCENARIOS, policies: [switchyard], seeds: 1, perSecond: 5 });
    for (const { unsent } of rows[0]!.cells) expect(unsent).toBe(0);
  });
});

describe("the report", () => {
  it("names the cells that the product loses", async () => {
    const measured = await grid({ scenarios: [scenario("stationary")], policies: [switchyard, oracle] });
    const worse = { ...measured.rows[0]!, policy: "a better one", cells: measured.rows[1]!.cells, mean: measured.rows[1]!.mean };
    const table = { title: "t", kind: "main", grid: { ...measured, rows: [...measured.rows, worse] } } as const;
    const lost = losses(table.grid, switchyard.name, ["a better one"]);
    const text = reportMarkdown([table], { product: switchyard.name, baselines: ["a better one"], instances: [] });
    if (lost.length === 0) expect(text).toContain("No cell is lost");
    else expect(text).toContain("Lost cells: stationary to a better one");
  });

  it("draws a bar with a title for every policy but the oracle", async () => {
    const measured = await grid({ scenarios: [scenario("stationary")], seconds: 60 });
    const svg = regretPicture(measured, "a <title>", () => true);
    expect(svg).toContain("<title>a &lt;title></title>");
    expect(svg.split(`text-anchor="end"`)).toHaveLength(2);
  });

  it("takes answers from its queue in order of time", () => {
    const queue = new AnswerQueue();
    const random = seeded(1);
    const times = Array.from({ length: 500 }, () => Math.floor(100 * random()));
    for (const [charge, at] of times.entries()) queue.add(at, charge, 0);
    const taken = times.map(() => queue.take());
    expect(taken.map(({ at }) => at)).toEqual([...times].sort((a, b) => a - b));
    expect(queue.nextAt).toBe(Number.POSITIVE_INFINITY);
  });
});
