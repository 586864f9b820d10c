import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUGS } from "./bugs.ts";
import { campaign, freshSeed, hunt } from "./campaign.ts";
import { Crew } from "./crew.ts";

interface Regression {
  readonly seed: number;
  /** What it showed when it was found, and where that is tested directly: seeds change their storms with the model. */
  readonly why: string;
  readonly test: string;
}

const REGRESSIONS = JSON.parse(readFileSync(new URL("regressions.json", import.meta.url), "utf8")) as Regression[];

/** Bounded by their number and never by time: a slow machine must not test less. */
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 1_300);
const FIRST_SEED = Number(process.env.SIMULATION_SEED ?? freshSeed());
const CATCH_WITHIN = 1_500;
const THREADS = 2;
/** Far beyond what they need (a minute or two): only against a run that hangs. */
const TEST_TIMEOUT_MS = 900_000;

let crew: Crew;
beforeAll(() => {
  crew = new Crew(THREADS);
});
afterAll(() => crew.close());

describe("never twice, never lost", () => {
  it(
    `survives ${SEEDS} storms that no commit before has seen, from seed ${FIRST_SEED} on, and sees in them all that it should`,
    async () => {
      const run = await campaign(crew, { first: FIRST_SEED, seeds: SEEDS, untilFailure: true, everything: false });
      if (run.failures.length > 0) throw new Error(run.failures.map(({ story }) => story).join("\n\n"));
      expect(run.seeds).toBe(SEEDS);
      if (SEEDS >= 1_300) expect(run.coverage.neverSeen()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it.each(REGRESSIONS)(
    "survives seed $seed, which showed: $why",
    async ({ seed }) => {
      const run = await campaign(crew, { first: seed, seeds: 1, untilFailure: true, everything: false });
      if (run.failures[0]) throw new Error(run.failures[0].story);
    },
    TEST_TIMEOUT_MS,
  );
});

describe("the simulator itself", () => {
  it("is decided by its seed alone, whatever ran before", async () => {
    const twice = await Promise.all([1, 2].map(() => campaign(crew, { first: 7, seeds: 3, untilFailure: true, everything: false })));
    const alone = await campaign(crew, { first: 9, seeds: 1, untilFailure: true, everything: false });
    expect(twice[0]?.digests).toEqual(twice[1]?.digests);
    expect(alone.digests.get(9)).toBe(twice[0]?.digests.get(9));
    expect(new Set(twice[0]?.digests.values()).size).toBe(3);
  });
});

describe.concurrent(`within ${CATCH_WITHIN} seeds a planted bug is caught`, () => {
  it.each(BUGS.map(({ name }) => ({ name })))(
    "$name",
    async ({ name }) => {
      expect(await hunt(crew, name, 1, CATCH_WITHIN)).not.toBeNull();
    },
    TEST_TIMEOUT_MS,
  );
});
