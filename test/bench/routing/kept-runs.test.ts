import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { staticOrder } from "./baselines/with-breaker.ts";
import { type GridOptions, measureGrid } from "./grid.ts";
import { keptRuns } from "./kept-runs.ts";
import { readOptions } from "./options.ts";
import { planned } from "./plan.ts";
import { switchyard } from "./product.ts";
import { reportMarkdown } from "./report.ts";
import { FOUR_PROVIDERS, MAIN_SCENARIOS } from "./scenarios.ts";

const SMALL = { scenarios: MAIN_SCENARIOS.slice(0, 2), approvals: FOUR_PROVIDERS, perSecond: 2, seconds: 60, set: "tuning" } as const;
const RIVALS = { product: switchyard.name, baselines: [staticOrder.name], instances: [switchyard.name] };

describe("kept runs", () => {
  let folder = "";
  let played: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "routing-runs-"));
    played = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function grid(more: Pick<GridOptions, "policies" | "seeds">, play = true) {
    const runs = keptRuns(join(folder, "runs"), { play, onRun: (what) => played.push(what) });
    return measureGrid({ ...SMALL, ...more, runs });
  }

  it("are played once, and are the same afterwards", async () => {
    const first = await grid({ policies: [switchyard], seeds: 1 });
    expect(played).toHaveLength(2);
    const again = await grid({ policies: [switchyard, staticOrder], seeds: 2 });
    expect(played).toHaveLength(8);
    expect(again.rows[0]!.cells[0]!.scores[0]).toEqual(first.rows[0]!.cells[0]!.scores[0]);
    expect(await grid({ policies: [switchyard, staticOrder], seeds: 2 })).toEqual(again);
    expect(played).toHaveLength(8);
  });

  it("make rows of different length, and the report says so and compares seeds that both have", async () => {
    await grid({ policies: [switchyard], seeds: 3 });
    await grid({ policies: [staticOrder], seeds: 2 });
    const measured = await grid({ policies: [switchyard, staticOrder], seeds: 5 }, false);
    expect(measured.rows.map(({ seeds }) => seeds)).toEqual([3, 2]);
    const text = reportMarkdown([{ title: "t", kind: "main", grid: measured }], RIVALS);
    expect(text).toContain("### t (3 seeds)");
    expect(text).toContain(`| ${staticOrder.name} (2 seeds)`);
  });
});

describe("what is planned", () => {
  it("is all tables, or those asked for", () => {
    const titles = (...args: string[]) => planned(readOptions(args)).map(({ title }) => title);
    expect(titles()).toHaveLength(9);
    expect(titles("--tables", "16 instances")).toEqual(["16 instances, 20 charges/s in all, runs of 10 minutes"]);
    expect(titles("--rates", "100", "--providers", "5")).toEqual([
      "100 charges/s, four providers, runs of 10 minutes",
      "5 providers, 20 charges/s, runs of 10 minutes",
    ]);
  });

  it("has the product in every table, whatever policies are asked for", () => {
    for (const { policies } of planned(readOptions(["--policy", "epsilon"]))) expect(policies[0]!.name).toBe(switchyard.name);
  });

  it("reports nothing out of nowhere", () => {
    expect(() => readOptions(["--kept"])).toThrow("--kept needs --runs");
  });
});
