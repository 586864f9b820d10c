import { BUGS } from "./bugs.ts";
import { Coverage } from "./coverage.ts";
import { runSeed } from "./run-seed.ts";
import { Store } from "./store.ts";
import { storyOf } from "./story.ts";

/** npm run simulate -- [--seed N] [--seeds M] [--bugs] [--bug NAME] [--all] [--keep-going] */
const args = process.argv.slice(2);
const numberAfter = (flag: string, otherwise: number): number => (args.includes(flag) ? Number(args[args.indexOf(flag) + 1]) : otherwise);
const first = numberAfter("--seed", 1);
const seeds = numberAfter("--seeds", args.includes("--seed") ? 1 : 100);
const CATCH_WITHIN = 500;
/** From so many on, each transition must have been seen. */
const ENOUGH_SEEDS = 2_000;

const store = await Store.open();
process.exitCode = args.includes("--bugs") ? await huntBugs() : await simulate();
await store.close();

async function simulate(): Promise<number> {
  const total = new Coverage();
  const startedAt = performance.now();
  const bug = args.includes("--bug") ? (BUGS.find(({ name }) => name === args[args.indexOf("--bug") + 1]) ?? null) : null;
  const failed: number[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await runSeed(store, seed, bug);
    total.add(result.coverage);
    if ((seed - first + 1) % 250 === 0)
      console.error(`${seed - first + 1} seeds, ${Math.round((performance.now() - startedAt) / 1_000)} s`);
    if (args.includes("--digest")) console.log(`${seed} ${result.digest}`);
    if (!result.violation) continue;
    failed.push(seed);
    if (args.includes("--keep-going")) console.log(`seed ${seed}: ${result.violation.message}`);
    else {
      console.log(storyOf(result, args.includes("--all")));
      break;
    }
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const ran = total.counts.seeds ?? 0;
  if (ran > 1) console.log(total.report());
  console.log(
    `${ran} seeds in ${seconds.toFixed(1)} s, ${(ran / seconds).toFixed(1)} a second, ${store.statements} statements; ${failed.length} failed: ${failed.join(", ")}`,
  );
  const missing = total.neverSeen();
  if (ran >= ENOUGH_SEEDS && missing.length > 0) console.log(`never seen: ${missing.join(", ")}`);
  return failed.length > 0 || (ran >= ENOUGH_SEEDS && missing.length > 0) ? 1 : 0;
}

async function huntBugs(): Promise<number> {
  let escaped = 0;
  for (const bug of BUGS.filter(({ name }) => !args.includes("--bug") || name === args[args.indexOf("--bug") + 1])) {
    let caught: string | null = null;
    let tried = 0;
    for (let seed = first; seed < first + CATCH_WITHIN && !caught; seed++) {
      tried += 1;
      const { violation } = await runSeed(store, seed, bug);
      if (violation) caught = `${violation.message.slice(0, 120)} (seed ${seed})`;
    }
    if (!caught) escaped += 1;
    console.log(`${caught ? `caught within ${tried}` : `ESCAPED ${tried}`}: ${bug.name}${caught ? `: ${caught}` : ""}`);
  }
  return escaped > 0 ? 1 : 0;
}
