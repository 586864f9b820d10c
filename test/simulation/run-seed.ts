import { Callers } from "./callers.ts";
import { Cluster } from "./cluster.ts";
import { Coverage } from "./coverage.ts";
import { SimulatedDocuments } from "./documents.ts";
import { type Evidence, judge, judgeLiveness } from "./judge.ts";
import { judgeHolds } from "./judge-holds.ts";
import { judgeRefunds } from "./judge-refunds.ts";
import { Ledger } from "./ledger.ts";
import { Operators } from "./operators.ts";
import type { Bug } from "./plant.ts";
import { Processor } from "./processor.ts";
import { SimulatedRedis } from "./redis.ts";
import { Server } from "./sql.ts";
import type { Store } from "./store.ts";
import { Wakes } from "./wakes.ts";
import { Watch } from "./watch.ts";
import { Weather } from "./weather.ts";
import { Wire } from "./wire.ts";
import { Violation, World } from "./world.ts";

const HOUR_MS = 3_600_000;
/** After the last fault, and after it was accepted, every charge is at its end, or before a person, within this. */
export const PROMISED_MS = 72 * HOUR_MS;
/** The looks at attempts that were given up go on for so long (schedule.ts). */
const LATE_LOOKS_MS = 140 * HOUR_MS;
/** A review of six days, of a charge accepted after the storm; a look a day later; the money's way back. */
const SLOW_PEOPLE_MS = 9 * 24 * HOUR_MS;

/** What is in doubt is looked at once an hour, and what is found there goes back within minutes. */
const HOLD_SEEN_MS = 4 * HOUR_MS;

export interface Result {
  readonly seed: number;
  readonly violation: Violation | null;
  readonly digest: string;
  readonly world: World;
  readonly coverage: Coverage;
}

/** One run: a storm, the calm after it, the judgment. */
export async function runSeed(store: Store, seed: number, bug: Bug | null = null): Promise<Result> {
  await store.empty();
  const world = new World(seed);
  const coverage = new Coverage();
  const weather = new Weather(world);
  for (const line of weather.describe()) world.tell("weather", line);
  const ledger = new Ledger(world);
  const processors = new Map(
    (["stripe", "paypal"] as const).map((psp) => [
      psp as string,
      new Processor(psp, world, ledger, weather.treachery, { slowPeople: weather.slowPeople, refundsFail: weather.refunds ? 0.15 : 0 }),
    ]),
  );
  const watch = new Watch({ world, ledger, coverage, processors });
  const wire = new Wire({ world, weather, watcher: watch, gateless: bug?.gateless ?? false });
  const server = new Server({ world, weather, coverage, store, watcher: watch });
  const redis = new SimulatedRedis(world, weather);
  const documents = new SimulatedDocuments(world, weather);
  const cluster = new Cluster({ weather, coverage, around: { world, server, wire, redis, documents, processors, bug } });
  const wakes = new Wakes(world, server, cluster);
  const callers = new Callers({ world, weather, cluster, coverage, watch });
  const operators = new Operators({ world, weather, cluster, coverage, ledger, store, processors, nudge: () => wakes.nudge() });
  const evidence: Evidence = {
    query: (statement) => store.query(statement),
    books: ledger.movements,
    wishes: callers.wishes,
    isUnderReview: (chargeId) => [...processors.values()].some((processor) => processor.reviews(chargeId)),
    isHeld: (chargeId) => [...processors.values()].some((processor) => processor.holds(chargeId)),
    isExcused: (chargeId) => ledger.isBetrayedUnseen(chargeId),
    violate: (law, detail, about) => world.violate(law, detail, about),
  };
  let violation: Violation | null = null;
  try {
    await world.run(weather.calmAt);
    world.stormy = false;
    world.tell("weather", "all is calm");
    cluster.calm();
    operators.calm();
    wakes.nudge();
    callers.askAgain(6 * HOUR_MS);
    const end = weather.calmAt + (weather.slowPeople ? SLOW_PEOPLE_MS : LATE_LOOKS_MS);
    for (const at of [weather.calmAt + PROMISED_MS, end]) {
      await world.run(at);
      await judgeLiveness(evidence, new Date(world.wall - PROMISED_MS));
    }
    await judge(evidence);
    const holds = [...processors.values()].flatMap((processor) =>
      processor.heldSince(world.now - HOLD_SEEN_MS).map((payment) => ({ ...payment, psp: processor.psp })),
    );
    await judgeHolds(evidence, holds, new Date(world.wall - HOLD_SEEN_MS), new Date(world.wall - PROMISED_MS));
    await judgeRefunds(evidence);
    if (world.violation) throw world.violation;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
  } finally {
    cluster.close();
  }
  coverage.count("seeds");
  coverage.count("steps", world.steps);
  return { seed, violation: violation ?? world.violation, digest: world.digest(), world, coverage };
}
