import type { Clock } from "../../providers/contract/clock.ts";
import type { Database } from "../store/database.ts";
import { sealEvents } from "../store/seal-events.ts";

/** Half of the second within which events are to be sealed. */
const ROUND_INTERVAL_MS = 500;
/** While it fails, every round; said aloud only this often. */
const COMPLAINT_INTERVAL_MS = 60_000;

export interface Sealer {
  /** After the round that is running. */
  stop(): Promise<void>;
}

export interface TrailLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Seals on and on; every instance may run one, whoever gets the lock does the work. Lives through the loss of the database. */
export function startSealer(options: { db: Database; clock: Clock; log: TrailLog; onSealed?: (events: number) => void }): Sealer {
  const { db, clock, log } = options;
  const stopping = new AbortController();
  let failingSince: number | null = null;
  let complainedAt = Number.NEGATIVE_INFINITY;

  async function round(): Promise<boolean> {
    try {
      const { sealed, more, rebased } = await sealEvents(db, new Date(clock.now()));
      if (rebased) log.warn({ sealed }, "the trail was restored into another database cluster; it goes on in a new epoch");
      if (failingSince !== null) log.info({ seconds: secondsSince(failingSince) }, "the trail is sealed again");
      failingSince = null;
      if (sealed > 0) options.onSealed?.(sealed);
      return more && sealed > 0;
    } catch (error) {
      failingSince ??= clock.monotonic();
      if (clock.monotonic() - complainedAt >= COMPLAINT_INTERVAL_MS) {
        complainedAt = clock.monotonic();
        log.error({ err: error, seconds: secondsSince(failingSince) }, "the trail cannot be sealed; trying on");
      }
      return false;
    }
  }

  function secondsSince(start: number): number {
    return Math.round((clock.monotonic() - start) / 1000);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (!(await round())) await clock.sleep(ROUND_INTERVAL_MS, stopping.signal);
    }
  }

  const running = run();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
