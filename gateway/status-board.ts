import type { Clock } from "../providers/contract/clock.ts";
import { CAPABILITIES, type Capability, capabilitiesOf, type Level, type Levels, worstOf } from "./capabilities.ts";
import type { Fleet } from "./health/fleet.ts";
import type { PublicStatus } from "./http/status-json.ts";
import { type NotifyState, stateOf } from "./notify/state.ts";
import type { Database } from "./store/database.ts";
import { readNotifications } from "./store/notifications.ts";

/** The database is asked so often at most, however many strangers ask us. */
const FRESH_MS = 5_000;
/** Nobody waits longer for it: what was known is told. */
const PATIENCE_MS = 1_000;

type Page = NotifyState["page"];

const ALL_OUT: Levels = { new_payments: "outage", saved_payments: "outage", refunds: "outage" };

/**
 * The public status: how it goes is what this instance finds now, in memory; since when is what the fleet remembers, as far as they agree.
 * A database that cannot be asked is an outage of another kind: then nothing can be accepted, or kept.
 */
export function createStatusBoard(parts: {
  readonly db: Pick<Database, "query">;
  readonly fleet: Pick<Fleet, "status">;
  readonly clock: Clock;
}): () => Promise<PublicStatus> {
  const { db, fleet, clock } = parts;
  const seen = new Map<Capability, { level: Level; since: number }>();
  let known: { readonly page: Page; readonly reached: boolean } = { page: {}, reached: true };
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;
  // Of an outage of the database the fleet's memory, which is there, knows nothing.
  let backAt = 0;

  async function ask(): Promise<void> {
    try {
      const { page } = stateOf(await readNotifications<NotifyState>(db));
      if (!known.reached) backAt = clock.now();
      known = { page, reached: true };
    } catch {
      known = { ...known, reached: false };
    } finally {
      askedAt = clock.monotonic();
      asking = null;
    }
  }

  async function refresh(): Promise<void> {
    if (asking === null && clock.monotonic() - askedAt < FRESH_MS) return;
    asking ??= ask();
    let stop: () => void = () => {};
    const patience = new Promise<void>((resolve) => {
      stop = clock.after(PATIENCE_MS, resolve);
    });
    await Promise.race([asking, patience]).finally(() => stop());
  }

  function sinceOf(capability: Capability, level: Level, now: number): number {
    const before = seen.get(capability);
    const here = before?.level === level ? before.since : now;
    seen.set(capability, { level, since: here });
    const kept = known.page[capability];
    return kept?.level === level && known.reached ? Math.max(kept.since, backAt) : here;
  }

  return async () => {
    await refresh();
    const now = clock.now();
    const waitsLong = known.page.saved_payments?.level === "degraded";
    const found = capabilitiesOf({
      health: fleet.status().map(({ health }) => health),
      waitsLong,
      before: seen.get("new_payments")?.level ?? null,
    });
    const levels = known.reached ? found : ALL_OUT;
    const capabilities = CAPABILITIES.map((id) => ({ id, status: levels[id], since: new Date(sinceOf(id, levels[id], now)) }));
    const status = worstOf(capabilities.map((one) => one.status));
    const atLevel = capabilities.filter((one) => one.status === status).map(({ since }) => since.getTime());
    const charges = !known.reached ? "not_accepted" : levels.new_payments === "outage" ? "kept" : "processed";
    return { status, since: new Date(Math.min(...atLevel)), charges, capabilities, as_of: new Date(now) };
  };
}
