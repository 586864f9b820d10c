import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Begun first: the simulation computes for minutes, and the others wait for minutes, so that none is left alone at the end. */
const LONG = ["/simulation.test.ts", "/kill-storm.test.ts", "/crash.test.ts", "/charges/holds.test.ts", "/charges/authorize-first.test.ts"];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((end) => moduleId.endsWith(end));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    environment: "node",
    pool: "forks",
    // Files share a process: each has a database, a gateway and processors of its own anyway, and loading everything anew for each costs
    // half of the time that they take.
    isolate: false,
    sequence: { sequencer: LongFirst },
    // Most tests wait more than they compute.
    maxWorkers: 4,
    // Generous: what is busy with something else is not broken. Nothing waits for these but a test that fails.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000, interval: 20 } },
  },
});
