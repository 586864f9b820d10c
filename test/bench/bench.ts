/**
 * npm run bench: the gateway against a bare Express + stripe-node proxy. Small machines are noisy and differ, so nothing is
 * measured but ratios and differences within one run, the two sides in turn. What the numbers mean, and what not: docs/benchmark.md.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { checkAgreement } from "./agreement.ts";
import { REPORTING_DELAY_MS } from "./counters.ts";
import { measure } from "./measure.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { makeResult, type Result, reportText } from "./report.ts";
import { startWorld } from "./world.ts";

const EXIT_USAGE = 64;

async function main(options: BenchOptions): Promise<Result> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const world = await startWorld(options);
  const stop = (): void => void world.close().finally(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const measured = await measure(world, options, say);
    say("comparing what caller, charges, statistics and processor say");
    const agreement = await checkAgreement(world, measured.tallies.gateway);
    await sleep(REPORTING_DELAY_MS);
    const endCounters = await world.database.counters();
    const database = await world.database.settings();
    return makeResult({ options, database, redis: world.redis, measured, endCounters, agreement });
  } finally {
    await world.close();
  }
}

let options: BenchOptions;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
  process.exit(EXIT_USAGE);
}
const result = await main(options);
process.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : `${reportText(result)}\n`);
process.exit(result.agreement.faults.length === 0 ? 0 : 1);
