import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUGS } from "./bugs.ts";
import { runSeed } from "./run-seed.ts";
import { Store } from "./store.ts";
import { storyOf } from "./story.ts";

interface Regression {
  readonly seed: number;
  /** What it showed when it was found. */
  readonly why: string;
}

const REGRESSIONS = JSON.parse(readFileSync(new URL("regressions.json", import.meta.url), "utf8")) as Regression[];

/** Fresh ones, bounded by their number and never by time: a slow machine must not test less. */
const FIRST_SEED = Number(process.env.SIMULATION_SEED ?? 1);
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 150);
const SEEDS_PER_TEST = 25;
const TEST_TIMEOUT_MS = 300_000;
/** Of the planted bugs, some that show soon: the whole hunt is `npm run simulate -- --bugs`. */
const QUICK_BUGS: readonly string[] = [
  "failover on a commit timeout",
  "a closed call still sends",
  "unpaid so far read as proof",
  "a doubt forgotten at restart",
  "acknowledged before the outcome is committed",
  "Redis trusted over PostgreSQL",
];
const QUICK_SEEDS = 60;

let store: Store;
beforeAll(async () => {
  store = await Store.open();
});
afterAll(() => store.close());

async function survives(seed: number): Promise<void> {
  const result = await runSeed(store, seed);
  if (result.violation) throw new Error(storyOf(result));
}

describe("never twice, never lost", () => {
  it.each(Array.from({ length: Math.ceil(SEEDS / SEEDS_PER_TEST) }, (_, i) => FIRST_SEED + i * SEEDS_PER_TEST))(
    "survives the storms from seed %i on",
    async (first) => {
      for (let seed = first; seed < Math.min(first + SEEDS_PER_TEST, FIRST_SEED + SEEDS); seed++) await survives(seed);
    },
    TEST_TIMEOUT_MS,
  );

  it.each(REGRESSIONS)("survives seed $seed, which showed: $why", ({ seed }) => survives(seed), TEST_TIMEOUT_MS);
});

describe("the simulator itself", () => {
  it("is decided by its seed alone, whatever ran before", async () => {
    const [once, twice] = [await runSeed(store, 7), await runSeed(store, 7)];
    expect(twice.digest).toBe(once.digest);
    expect(twice.world.story).toEqual(once.world.story);
    const another = await runSeed(store, 8);
    expect(another.digest).not.toBe(once.digest);
  });

  it.each(BUGS.filter(({ name }) => QUICK_BUGS.includes(name)).map((bug) => ({ bug, name: bug.name })))(
    "catches a planted bug: $name",
    async ({ bug }) => {
      let caught = false;
      for (let seed = 1; seed <= QUICK_SEEDS && !caught; seed++) caught = (await runSeed(store, seed, bug)).violation !== null;
      expect(caught).toBe(true);
    },
    TEST_TIMEOUT_MS,
  );

  it("still has each of the quick bugs", () => {
    expect(QUICK_BUGS.filter((name) => !BUGS.some((bug) => bug.name === name))).toEqual([]);
  });
});
