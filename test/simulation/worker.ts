import { parentPort } from "node:worker_threads";
import { BUGS } from "./bugs.ts";
import { Coverage } from "./coverage.ts";
import type { Failure, Job, JobResult } from "./job.ts";
import { runSeed } from "./run-seed.ts";
import { Store } from "./store.ts";
import { storyOf } from "./story.ts";

/** A thread of the crew: one database, one job after the other. */
const store = await Store.open();
const port = parentPort;
if (!port) throw new Error("runs as a thread of crew.ts");
port.on("message", (job: Job) => void run(job).then((result) => port.postMessage(result)));

async function run({ first, seeds, bug: name, untilFailure, everything }: Job): Promise<JobResult> {
  const bug = BUGS.find((one) => one.name === name) ?? null;
  const coverage = new Coverage();
  const failures: Failure[] = [];
  const digests: string[] = [];
  const before = store.statements;
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await runSeed(store, seed, bug);
    coverage.add(result.coverage);
    digests.push(result.digest);
    const { violation } = result;
    if (!violation) continue;
    failures.push({ seed, law: violation.law, message: violation.message, story: storyOf(result, everything) });
    if (untilFailure) break;
  }
  return { ran: digests.length, failures, coverage: coverage.toCounts(), statements: store.statements - before, digests };
}
