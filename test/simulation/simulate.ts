import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { BUGS } from "./bugs.ts";
import { type Campaign, campaign, freshSeed, hunt } from "./campaign.ts";
import { Crew } from "./crew.ts";

const USAGE = `npm run simulate -- [options]
  --seed N      the first seed (a range that is this commit's own)
  --seeds M     how many (1 with --seed, else 200)
  --jobs J      threads (one for each core)
  --keep-going  all seeds, whatever fails
  --all         a failure's story tells of everything, not only of the charge concerned
  --digest      prints each seed's digest: the same seed at the same commit has the same
  --bugs        plants each known bug and counts the seeds until the judge sees it
  --bug NAME    only this one`;

/** A planted bug that is not seen within so many seeds has escaped. */
const CATCH_WITHIN = 1_500;
/** From so many on, whatever is expected must have been seen. */
const ENOUGH_SEEDS = 2_000;
const PROGRESS_EVERY = 1_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
    "keep-going": { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    digest: { type: "boolean", default: false },
    bugs: { type: "boolean", default: false },
    bug: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  const crew = new Crew(Number(values.jobs));
  process.exitCode = values.bugs || values.bug ? await huntBugs(crew) : await simulate(crew);
  await crew.close();
}

async function simulate(crew: Crew): Promise<number> {
  const first = Number(values.seed ?? freshSeed());
  const seeds = Number(values.seeds ?? (values.seed ? 1 : 200));
  let told = 0;
  const run = await campaign(crew, {
    first,
    seeds,
    untilFailure: !values["keep-going"],
    everything: values.all,
    onProgress: (sofar) => {
      if (sofar.seeds - told < PROGRESS_EVERY) return;
      told = sofar.seeds;
      console.error(summary(sofar));
    },
  });
  if (values.digest) for (const [seed, digest] of [...run.digests].sort(([a], [b]) => a - b)) console.log(`${seed} ${digest}`);
  for (const { seed, message, story } of run.failures) console.log(values["keep-going"] ? `seed ${seed}: ${message}` : story);
  if (run.seeds > 1) console.log(run.coverage.report());
  console.log(`seeds ${first} to ${first + seeds - 1}: ${summary(run)}`);
  console.log(`${cpus()[0]?.model ?? "unknown"}, ${availableParallelism()} cores, ${values.jobs} threads, Node ${process.version}`);
  const missing = run.seeds >= ENOUGH_SEEDS ? run.coverage.neverSeen() : [];
  if (missing.length > 0) console.log(`never seen: ${missing.join(", ")}`);
  return run.failures.length > 0 || missing.length > 0 ? 1 : 0;
}

function summary({ seeds, seconds, statements, coverage: { counts }, failures }: Campaign): string {
  const { charges = 0, attempts = 0, failovers = 0, doubts = 0, crashes = 0 } = counts;
  const failed = failures.length > 0 ? `FAILED ${failures.map(({ seed }) => seed).join(", ")}` : "no violation";
  return `${seeds} seeds in ${seconds.toFixed(0)} s (${(seeds / seconds).toFixed(1)} a second), ${charges} charges, ${attempts} attempts, ${failovers} failovers, ${doubts} doubts, ${crashes} crashes, ${statements} statements: ${failed}`;
}

async function huntBugs(crew: Crew): Promise<number> {
  const first = Number(values.seed ?? 1);
  const wanted = BUGS.filter(({ name }) => values.bug === undefined || values.bug === name);
  if (wanted.length === 0) throw new Error(`no such bug; there are: ${BUGS.map(({ name }) => name).join(", ")}`);
  const hunts = wanted.map(async ({ name }) => {
    const caught = await hunt(crew, name, first, CATCH_WITHIN);
    const text = caught ? `caught within ${caught.seeds}` : `ESCAPED ${CATCH_WITHIN}`;
    console.log(`${text}: ${name}${caught ? `: ${caught.failure.message.slice(0, 120)} (seed ${caught.failure.seed})` : ""}`);
    return caught;
  });
  return (await Promise.all(hunts)).includes(null) ? 1 : 0;
}
