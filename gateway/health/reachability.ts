import type { Clock } from "../../providers/contract/clock.ts";
import { type BackgroundLog, keepGoing } from "../keep-going.ts";
import type { Database } from "../store/database.ts";
import { declareOutage, declareRecovery, denyOutage, readReachability, suspectOutage } from "../store/fleet-reachability.ts";
import type { Fleet } from "./fleet.ts";
import type { ProviderStatus } from "./provider-status.ts";

const INTERVAL_MS = 1_000;
/** So long this instance finds no provider that works before it says so, and so long the others may contradict it. */
const DOWN_FOR_MS = 5_000;
/** So long a provider works before that counts as the end of it: one that comes and goes makes no alarm of each time. */
const UP_FOR_MS = 10_000;
/** After another instance could use one: the trouble is this one's own. */
const DENIED_FOR_MS = 60_000;

export interface ReachabilityWatch {
  /** One look. The loop calls it, and so may a test. */
  look(): Promise<void>;
}

/**
 * Tells once for the whole fleet of instances that no provider takes new attempts (`routing.all_down`), and that one does again
 * (`routing.recovered`). An instance that finds none asks the others through the database: any of them that can use one denies it. A
 * provider that is only being tested (half open) makes no end of it, and one that this instance alone finds ill makes no beginning.
 */
export function watchReachability(options: {
  db: Pick<Database, "query">;
  clock: Clock;
  fleet: Pick<Fleet, "status">;
  /** False while this instance's clock is off: then it says nothing. */
  trusted: () => boolean;
}): ReachabilityWatch {
  const { db, clock, fleet } = options;
  let upSince: number | null = null;
  let downSince: number | null = null;

  return {
    async look() {
      if (!options.trusted()) return;
      const status = fleet.status();
      const up = status.some(({ health }) => health === "up");
      const alone = status.some(({ circuit }) => circuit.alone);
      const down = !alone && status.every(({ health }) => health === "unavailable");
      const at = clock.monotonic();
      upSince = up ? (upSince ?? at) : null;
      // Once all were out of use, a gate that is half open and waits for its first probe ends nothing.
      if (up || alone) downSince = null;
      else if (down) downSince ??= at;
      const seen = await readReachability(db);
      const now = new Date(clock.now());
      const ago = (ms: number) => new Date(now.getTime() - ms);
      if (seen.reachable && up && seen.suspectedAt !== null) return denyOutage(db, now);
      if (!seen.reachable && upSince !== null && at - upSince >= UP_FOR_MS) {
        await declareRecovery(db, now, { providers: status.filter(({ health }) => health === "up").map(({ provider }) => provider) });
      }
      if (!seen.reachable || downSince === null || at - downSince < DOWN_FOR_MS) return;
      if (seen.suspectedAt === null) await suspectOutage(db, now, ago(DENIED_FOR_MS));
      else if (seen.suspectedAt <= ago(DOWN_FOR_MS)) await declareOutage(db, now, ago(DOWN_FOR_MS), { reasons: reasonsOf(status) });
    },
  };
}

/** Why each of them takes nothing. */
function reasonsOf(status: readonly ProviderStatus[]): Readonly<Record<string, string | null>> {
  return Object.fromEntries(status.map(({ provider, why, circuit }) => [provider, why ?? circuit.reason]));
}

export function startReachabilityWatch(options: Parameters<typeof watchReachability>[0] & { log: BackgroundLog }): {
  stop(): Promise<void>;
} {
  const watch = watchReachability(options);
  return keepGoing({
    what: "the watch over the fleet's reachability",
    clock: options.clock,
    log: options.log,
    intervalMs: INTERVAL_MS,
    async turn() {
      await watch.look();
      return false;
    },
  });
}
