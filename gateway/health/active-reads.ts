import { Call } from "../../providers/contract/call.ts";
import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { type BackgroundLog, keepGoing } from "../keep-going.ts";
import type { Fleet, Traffic } from "./fleet.ts";

/** How often it is asked who should be read. */
const LOOK_MS = 500;
/** A provider that is not well is read so often by the whole fleet, to see whether it answers again. */
const ILL_EVERY_MS = 5_000;
/** One without traffic, to see that it is gone before a customer does. */
const IDLE_EVERY_MS = 30_000;
/** Without an attempt for so long, it is without traffic. */
const IDLE_AFTER_MS = 60_000;
/** A read that takes longer has failed. */
const READ_TIMEOUT_MS = 4_000;

/**
 * Cheap reads (who are we at this provider?) while a provider is ill or has no traffic. Their result is a signal for its gate, not
 * a verdict: reads work in many an outage of payments, and fail in some without one.
 */
export function startActiveReads(options: {
  readonly fleet: Pick<Fleet, "traffic" | "recordRead" | "instances">;
  readonly providers: readonly Pick<Provider, "id" | "identify">[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: BackgroundLog;
}): { stop(): Promise<void> } {
  const { fleet, providers, clock, random, log } = options;
  const readAt = new Map<string, number>();

  async function read(provider: Pick<Provider, "id" | "identify">): Promise<void> {
    const answer = await provider.identify(new Call({ clock, timeoutMs: READ_TIMEOUT_MS }));
    fleet.recordRead(provider.id, answer.kind !== "unknown");
  }

  return keepGoing({
    what: "reading providers",
    clock,
    log,
    intervalMs: LOOK_MS,
    async turn() {
      const now = clock.monotonic();
      const due = providers.filter(({ id }) => {
        const everyMs = intervalOf(fleet.traffic(id));
        return everyMs !== null && now - (readAt.get(id) ?? Number.NEGATIVE_INFINITY) >= everyMs * fleet.instances();
      });
      // Early or late by half, so that instances do not ask in step.
      for (const { id } of due) readAt.set(id, now + ILL_EVERY_MS * (random() - 0.5));
      await Promise.all(due.map(read));
      return false;
    },
  });
}

/** null: its charges say enough. */
function intervalOf({ ill, idleMs }: Traffic): number | null {
  if (ill) return ILL_EVERY_MS;
  return idleMs >= IDLE_AFTER_MS ? IDLE_EVERY_MS : null;
}
