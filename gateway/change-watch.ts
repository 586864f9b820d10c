import type { Clock } from "../providers/contract/clock.ts";
import type { Fleet } from "./health/fleet.ts";
import { type BackgroundLog, keepGoing } from "./keep-going.ts";
import type { Database } from "./store/database.ts";
import { type ChangedKind, readChanges } from "./store/read-changes.ts";

/** What a page may show; it reads again what it shows of it. */
export const TOPICS = ["providers", "charges", "queue", "stats", "reconciliation", "audit"] as const;
export type Topic = (typeof TOPICS)[number];

/** Half of the second within which the effect of an operator's act is seen. */
const LOOK_MS = 500;

type Listener = (topics: readonly Topic[]) => void;

export interface ChangeWatch {
  /** Answers how to end it. Nothing is asked of the database while nobody listens. */
  listen(accountId: string, listener: Listener): () => void;
  /** Resolves after the look that is under way. */
  stop(): Promise<void>;
}

/** Tells who listens what has changed in their account, on whatever instance: from the trail, and of the providers from the fleet. */
export function watchChanges(parts: {
  db: Pick<Database, "query">;
  fleet: Pick<Fleet, "onChange" | "status">;
  clock: Clock;
  log: BackgroundLog;
}): ChangeWatch {
  const { db, fleet, clock, log } = parts;
  const listeners = new Set<{ accountId: string; listener: Listener }>();
  let providers = "";
  let watching: { stop(): Promise<void> } | null = null;

  function tell(topics: readonly Topic[], accountId: string | null): void {
    if (topics.length === 0) return;
    for (const one of listeners) if (accountId === null || one.accountId === accountId) one.listener(topics);
  }

  /** Also what no event tells: an override that expired, a breaker that lets probes through, another instance's override once it is in force here. */
  function tellProviders(): void {
    const now = JSON.stringify(
      fleet.status().map(({ provider, health, why, circuit, override }) => [provider, health, why, circuit.state, override]),
    );
    if (now !== providers) tell(["providers"], null);
    providers = now;
  }

  /** From the first listener to the last: what was before is nobody's news. */
  function watch(): { stop(): Promise<void> } {
    let seen: string | null = null;
    return keepGoing({
      what: "the watch over what changed",
      clock,
      log,
      intervalMs: LOOK_MS,
      async turn() {
        tellProviders();
        const changes = await readChanges(db, seen);
        seen = changes.seen;
        for (const [accountId, kinds] of Map.groupBy(changes.kinds, (kind) => kind.account_id)) tell(topicsOf(kinds), accountId);
        return false;
      },
    });
  }

  async function stop(): Promise<void> {
    const ended = watching?.stop();
    watching = null;
    await ended;
  }

  fleet.onChange(() => {
    if (listeners.size > 0) tellProviders();
  });

  return {
    listen(accountId, listener) {
      const one = { accountId, listener };
      listeners.add(one);
      watching ??= watch();
      return () => {
        listeners.delete(one);
        if (listeners.size === 0) void stop();
      };
    },
    stop() {
      listeners.clear();
      return stop();
    },
  };
}

const OF_CHARGES = /^(charge|attempt|operation|refund|dispute)\./;

export function topicsOf(kinds: readonly Pick<ChangedKind, "type" | "waiting">[]): Topic[] {
  if (kinds.length === 0) return [];
  const some = (pattern: RegExp): boolean => kinds.some(({ type }) => pattern.test(type));
  const money = some(OF_CHARGES);
  const told: Readonly<Record<Topic, boolean>> = {
    // An attempt changes its provider's latency, share and approval.
    providers: money || some(/^(provider|override|routing)\./),
    charges: money,
    queue: kinds.some(({ waiting }) => waiting) || some(/^(dead_letter\.|job\.dead$|charge\.resolved_by_hand$|refund\.)/),
    stats: money,
    reconciliation: some(/^reconciliation\./),
    audit: true,
  };
  return TOPICS.filter((topic) => told[topic]);
}
