import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { Runs } from "./grid.ts";
import type { Score } from "./tally.ts";

/**
 * Scores in a file, one per line: a run that is in it is not played again, so that a long measurement can be stopped, and divided
 * among processes. `play` false: nothing is played. Whoever changes the product or a scenario takes another file.
 */
export function keptRuns(path: string, options: { play: boolean; onRun: (what: string) => void }): Runs {
  const kept = new Map<string, Score>();
  for (const line of existsSync(path) ? readFileSync(path, "utf8").split("\n") : []) {
    if (line === "") continue;
    const { run, score } = JSON.parse(line) as { run: unknown; score: Score };
    kept.set(JSON.stringify(run), score);
  }
  return async (run, playIt) => {
    const known = kept.get(JSON.stringify(run));
    if (known || !options.play) return known ?? null;
    const score = await playIt();
    appendFileSync(path, `${JSON.stringify({ run, score })}\n`);
    options.onRun(`${run.perSecond}/s ${run.scenario}: ${run.policy}, seed ${run.seed}`);
    return score;
  };
}
