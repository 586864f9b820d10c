import type { Clock, Random } from "../providers/contract/clock.ts";
import type { Provider } from "../providers/contract/provider.ts";
import type { ProviderDefaults } from "../routing/rules.ts";
import { admit, type ReadyMadeKeys } from "./admission.ts";
import { apiRoutes } from "./api-routes.ts";
import { startBackground } from "./background.ts";
import { createChargeService } from "./charges/charge-service.ts";
import type { Core } from "./charges/core.ts";
import type { ChargeService } from "./charges/service.ts";
import { ClockGuard } from "./clock-guard.ts";
import { type Config, isLoopback } from "./config.ts";
import { assembleConsole, type Console, type SandboxPlace } from "./console-parts.ts";
import { assembleCore } from "./core-parts.ts";
import { defaultsOf, startFleet } from "./fleet-parts.ts";
import { registerGauges } from "./gauges.ts";
import { startActiveReads } from "./health/active-reads.ts";
import { OverrideWatcher } from "./health/overrides.ts";
import { startReachabilityWatch } from "./health/reachability.ts";
import { RulesWatcher } from "./health/rules-watcher.ts";
import { type Authenticator, createAuthenticator } from "./http/authenticate.ts";
import { listen } from "./http/listen.ts";
import type { Route } from "./http/route.ts";
import { createHttpApp } from "./http/server.ts";
import { systemRoutes } from "./http/system-routes.ts";
import { keyClaims } from "./idempotency/key-claims.ts";
import { Identities } from "./identities.ts";
import type { Logger } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { rateMeter } from "./rate-meter.ts";
import { readinessOf } from "./readiness.ts";
import { connectRedis, type RedisClient } from "./redis.ts";
import { createStatusBoard } from "./status-board.ts";
import { findKey } from "./store/api-keys.ts";
import { DEFAULT_ACCOUNT } from "./store/append-event.ts";
import { type Database, openDatabase } from "./store/database.ts";
import { createReceiver, type ReceiverParts } from "./webhooks-in/receiver.ts";
import { createRefusals, type Refusals } from "./webhooks-in/refusals.ts";

/** Connections per instance: two group-commit lanes, the worker, reads, the sealer; pg-boss has its own few. */
const MAX_CONNECTIONS = 12;
/** A stopping instance waits this long, on top of the budget of a request, for what is under way. */
const STOP_GRACE_MS = 5_000;

export interface GatewayOptions {
  readonly config: Omit<Config, "databaseUrl" | "databaseReplicaUrl" | "dataDir" | "redisUrl" | "sandbox" | "logLevel" | "notes">;
  /** A migrated database. */
  readonly databaseUrl: string;
  readonly replicaUrl: string | null;
  readonly redisUrl: string | null;
  /** In order of preference. */
  readonly providers: readonly Provider[];
  /** null: none run beside this gateway. */
  readonly sandbox: SandboxPlace | null;
  readonly readyMadeKeys: ReadyMadeKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly version: string;
}

export interface Gateway {
  readonly port: number;
  /** Stops accepting, lets what is under way end, gives the leases back. */
  stop(): Promise<void>;
}

/** One whole instance on a migrated database: API, worker or both. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, clock, log, random, providers } = options;
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.reverse().splice(0)) await close();
  };
  try {
    const onIdleError = (error: Error) => log.warn({ error: error.message }, "an idle database connection was lost");
    const db = openDatabase({ url: options.databaseUrl, maxConnections: MAX_CONNECTIONS, onIdleError });
    closers.push(() => db.close());
    const installation = await admit(db, { ...options, livemode: config.livemode });
    const reports = options.replicaUrl === null ? db : openDatabase({ url: options.replicaUrl, maxConnections: 4, onIdleError });
    if (reports !== db) closers.push(() => reports.close());

    const clockGuard = new ClockGuard(db, clock);
    await clockGuard.start();
    closers.push(() => clockGuard.stop());
    const overrides = new OverrideWatcher({ db, clock, onError: (err) => log.warn({ err }, "the overrides could not be read") });
    await overrides.start();
    closers.push(() => overrides.stop());
    const redis = options.redisUrl === null ? null : connectRedis(options.redisUrl, log);
    if (redis) closers.push(() => redis.disconnect());
    const rules = new RulesWatcher({
      db,
      clock,
      providers: providers.map(({ id }) => id),
      onError: (err) => log.warn({ err }, "the routing rules could not be read"),
      onUnknown: (version, unknown) => log.warn({ version, unknown }, "the routing rules name providers that are not configured; ignored"),
    });
    await rules.start();
    closers.push(() => rules.stop());
    const defaults = defaultsOf(config.providers);
    const installationId = installation.id;
    const fleet = startFleet({ db, clock, random, log, providers, overrides, rules, defaults, redis, installationId });
    closers.push(
      () => fleet.close(),
      () => {
        for (const provider of providers) provider.close();
      },
    );
    const identities = new Identities({ db, clock, fleet, providers, livemode: installation.livemode, log });
    closers.push(() => identities.stop());
    await identities.start();
    const watch = startReachabilityWatch({ db, clock, fleet, trusted: () => clockGuard.ok(), log });
    closers.push(() => watch.stop());
    const reads = startActiveReads({ fleet, providers, clock, random, log });
    closers.push(() => reads.stop());

    const core = assembleCore({
      db,
      clock,
      random,
      providers,
      accountOf: (id) => identities.accountOf(id),
      fleet,
      maySend: () => clockGuard.ok(),
      settings: { livemode: installation.livemode, providerTimeoutMs: config.providerTimeoutMs, chargeBudgetMs: config.chargeBudgetMs },
      log,
    });
    const running = await run(options, { core, reports, redis, overrides, rules, defaults, clockGuard, installationId });
    closers.push(() => running.stop());
    return { port: running.port, stop: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

interface Parts {
  readonly core: Core;
  readonly reports: Database;
  /** null: none is configured. */
  readonly redis: RedisClient | null;
  readonly overrides: OverrideWatcher;
  readonly rules: RulesWatcher;
  readonly defaults: ProviderDefaults;
  readonly clockGuard: ClockGuard;
  readonly installationId: string;
}

/** What takes requests, and what works without any. */
async function run(options: GatewayOptions, parts: Parts): Promise<Gateway> {
  const { config, clock, log, version } = options;
  const { core, redis, clockGuard, installationId } = parts;
  const { db, fleet } = core;
  const metrics = createMetrics();
  const { registry } = metrics;
  const arrivals = rateMeter(clock);
  let stopping = false;

  const gauges = registerGauges(registry, { fleet, inFlight: () => charges.inFlight(), clockSkewMs: () => clockGuard.skewMs });
  const claims = keyClaims({ redis, installationId, ttlMs: config.chargeBudgetMs });
  const charges = createChargeService(core, claims, {
    accepting: () => !stopping,
    countCharge(status) {
      arrivals.count();
      gauges.countCharge(status);
    },
  });
  const authenticator = createAuthenticator({
    findKey: (hash) => findKey(db, hash),
    adminKey: config.adminKey === null ? null : { key: config.adminKey, accountId: DEFAULT_ACCOUNT },
    clock,
  });
  const refusals = createRefusals({ db, clock, log });
  const api =
    config.role === "worker" ? null : assembleApi(options, parts, { charges, authenticator, refusals, countWebhook: gauges.countWebhook });
  const system = systemRoutes({
    readiness: () => readinessOf({ db, fleet, clockGuard, redis, stopping: () => stopping }),
    status: createStatusBoard({ db, fleet, clock }),
    registry,
  });
  const app = createHttpApp({
    routes: [...(api?.routes ?? []), ...system],
    authenticate: (key) => authenticator.authenticate(key),
    sessions: api?.console.sessions ?? null,
    pages: api?.console.pages ?? null,
    log,
    metrics,
    clock,
    newRequestId: () => core.newId("req"),
    version,
  });
  const server = await listen(app, { host: config.host, port: config.port });
  // Not before: whoever finds the port taken leaves, and must not have begun anything.
  const background =
    config.role === "api"
      ? null
      : await startBackground({
          core,
          databaseUrl: options.databaseUrl,
          registry,
          notify: config.notify,
          webhookAllowPrivate: config.webhookAllowPrivate,
          installationId,
          version,
          trusted: () => clockGuard.ok(),
          liveRatePerS: () => arrivals.perSecond(),
          onSealed: gauges.countSealed,
        });

  return {
    port: server.port,
    async stop() {
      stopping = true;
      await Promise.all([api?.console.stop(), server.close(config.chargeBudgetMs + STOP_GRACE_MS), background?.stopWork()]);
      await charges.idle();
      await refusals.stop();
      await background?.stop();
    },
  };
}

/** What needs a key or a signature, and the console. */
function assembleApi(
  { config, sandbox }: GatewayOptions,
  { core, reports, overrides, rules, defaults }: Parts,
  own: { charges: ChargeService; authenticator: Authenticator; refusals: Refusals; countWebhook: ReceiverParts["count"] },
): { routes: Route[]; console: Console } {
  const { charges, authenticator, refusals } = own;
  const { db, clock, newId, log, providers } = core;
  const { adminKey, webhookAllowPrivate } = config;
  const console = assembleConsole({ core, charges, authenticator, adminKey, loopback: isLoopback(config.host), sandbox });
  const routes = apiRoutes({
    core,
    charges,
    reports,
    overrides,
    rules,
    defaults,
    receiver: createReceiver({ db, clock, newId, log, providers, refusals, count: own.countWebhook }),
    webhookAllowPrivate,
    hasAdminKey: adminKey !== null,
    forgetKey(keyId) {
      authenticator.forget(keyId);
      console.sessions.forget(keyId);
    },
  });
  return { routes: [...routes, ...console.routes], console };
}
