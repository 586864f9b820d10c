import type { Clock } from "../../providers/contract/clock.ts";
import { type BackgroundLog, keepGoing } from "../keep-going.ts";
import type { Database } from "../store/database.ts";
import { sealEvents } from "../store/seal-events.ts";

/** Half of the second within which events are to be sealed. */
const ROUND_INTERVAL_MS = 500;

export interface Sealer {
  /** Resolves after the round that is running. */
  stop(): Promise<void>;
}

/** Seals on and on. Every instance may run one: whoever gets the lock does the work. Lives through the loss of the database. */
export function startSealer(options: { db: Database; clock: Clock; log: BackgroundLog; onSealed?: (events: number) => void }): Sealer {
  const { db, clock, log } = options;
  return keepGoing({
    what: "the sealer of the trail",
    clock,
    log,
    intervalMs: ROUND_INTERVAL_MS,
    async turn() {
      const { sealed, more, rebased } = await sealEvents(db, new Date(clock.now()));
      if (rebased) log.warn({ sealed }, "the trail was restored into another database cluster: it goes on in a new epoch");
      if (sealed > 0) options.onSealed?.(sealed);
      return more && sealed > 0;
    },
  });
}
