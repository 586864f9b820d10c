import type { Clock, Random } from "../providers/contract/clock.ts";
import type { Provider } from "../providers/contract/provider.ts";
import type { ProviderDefaults } from "../routing/rules.ts";
import type { Config } from "./config.ts";
import { createFleet, type Fleet } from "./health/fleet.ts";
import type { OverrideWatcher } from "./health/overrides.ts";
import type { ProviderChange } from "./health/provider-change.ts";
import { redisDocuments } from "./health/redis-documents.ts";
import type { RulesWatcher } from "./health/rules-watcher.ts";
import { idSource } from "./ids.ts";
import type { Logger } from "./log.ts";
import type { RedisClient } from "./redis.ts";
import { appendEvent, systemEvent } from "./store/append-event.ts";
import type { Database } from "./store/database.ts";

/** The providers as this instance sees them, together with the others over Redis; what changes is logged, and recorded in the trail. */
export function startFleet(parts: {
  db: Database;
  clock: Clock;
  random: Random;
  log: Logger;
  providers: readonly Provider[];
  overrides: OverrideWatcher;
  rules: RulesWatcher;
  defaults: ProviderDefaults;
  redis: RedisClient | null;
  installationId: string;
}): Fleet {
  const { db, clock, random, log, providers, overrides, rules, defaults, redis, installationId } = parts;
  const fleet = createFleet({
    providers,
    clock,
    random,
    overrides,
    instance: idSource(clock, random)("gw"),
    documents: redis && redisDocuments({ redis, installationId, log, clock }),
    rules: () => rules.current(),
    defaults,
    onBug: (err) => log.error({ err }, "a listener of the fleet failed"),
  });
  fleet.onChange((change) =>
    log[change.to === "closed" ? "info" : "warn"](change, `provider ${change.provider}: ${change.from} -> ${change.to}`),
  );
  fleet.onRecord((change) => recordChange(db, clock, log, change));
  fleet.start();
  return fleet;
}

/** Fees and limits of PROVIDERS_FILE, as rules have them. */
export function defaultsOf(providers: Config["providers"]): ProviderDefaults {
  return Object.fromEntries(
    providers.map(({ id, fees, limits: { per_second, share } }) => [
      id,
      { fees, limits: { per_second: per_second ?? undefined, share: share ?? undefined } },
    ]),
  );
}

/** The trail says which provider was lost and when: for the fleet by the instance whose call it was, else for this instance alone. */
function recordChange(db: Database, clock: Clock, log: Logger, { provider, ...data }: ProviderChange): void {
  const type = data.to === "open" ? "provider.opened" : "provider.closed";
  appendEvent(db, systemEvent(new Date(clock.now()), type, provider, data)).catch((err: unknown) =>
    log.warn({ err }, "an event could not be written"),
  );
}
