import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Clock, Random } from "../providers/contract/clock.ts";
import type { Provider } from "../providers/contract/provider.ts";
import { feesOf } from "../routing/money-terms.ts";
import { type ProviderDefaults, withDefaults } from "../routing/rules.ts";
import { watchChanges } from "./change-watch.ts";
import { createChargeService } from "./charges/charge-service.ts";
import type { Core } from "./charges/core.ts";
import { ClockGuard } from "./clock-guard.ts";
import { type Config, isLoopback } from "./config.ts";
import { assembleCore } from "./core-parts.ts";
import { registerGauges } from "./gauges.ts";
import { startActiveReads } from "./health/active-reads.ts";
import { createFleet, type Fleet } from "./health/fleet.ts";
import { OverrideWatcher } from "./health/overrides.ts";
import type { ProviderChange } from "./health/provider-change.ts";
import { startReachabilityWatch } from "./health/reachability.ts";
import { redisDocuments } from "./health/redis-documents.ts";
import { RulesWatcher } from "./health/rules-watcher.ts";
import { auditRoutes } from "./http/audit-routes.ts";
import { createAuthenticator } from "./http/authenticate.ts";
import { chargeReadRoutes } from "./http/charge-read-routes.ts";
import { chargeRoutes } from "./http/charge-routes.ts";
import { consolePages } from "./http/console-pages.ts";
import { consoleSandboxRoutes } from "./http/console-sandbox-routes.ts";
import { consoleSessionRoutes } from "./http/console-session-routes.ts";
import { createConsoleSessions } from "./http/console-sessions.ts";
import { consoleStreamRoutes } from "./http/console-stream-routes.ts";
import { deadLetterRoutes } from "./http/dead-letter-routes.ts";
import { disputeRoutes } from "./http/dispute-routes.ts";
import { eventRoutes } from "./http/event-routes.ts";
import { keyRoutes } from "./http/key-routes.ts";
import { type Listening, listen } from "./http/listen.ts";
import { paymentMethodRoutes } from "./http/payment-method-routes.ts";
import { providerWebhookRoutes } from "./http/provider-webhook-routes.ts";
import { providersRoutes } from "./http/providers-routes.ts";
import { reconciliationRoutes } from "./http/reconciliation-routes.ts";
import { refundRoutes } from "./http/refund-routes.ts";
import { routingRoutes } from "./http/routing-routes.ts";
import { routingViewRoutes } from "./http/routing-view-routes.ts";
import { createHttpApp } from "./http/server.ts";
import { statsRoutes } from "./http/stats-routes.ts";
import { systemRoutes } from "./http/system-routes.ts";
import { webhookDeliveryRoutes } from "./http/webhook-delivery-routes.ts";
import { webhookEndpointRoutes } from "./http/webhook-endpoint-routes.ts";
import { keyClaims } from "./idempotency/key-claims.ts";
import { Identities } from "./identities.ts";
import { idSource } from "./ids.ts";
import { sandboxControl } from "./local/sandbox-control.ts";
import { sandboxTraffic } from "./local/sandbox-traffic.ts";
import type { Logger } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { notifyKinds } from "./notify/channels.ts";
import { startNotifyWatch } from "./notify/watch.ts";
import { startJobs } from "./queue/jobs.ts";
import { reconciliationKind } from "./queue/reconciliation-job.ts";
import { createWorker } from "./queue/worker.ts";
import { rateMeter } from "./rate-meter.ts";
import { readinessOf } from "./readiness.ts";
import { partsOf } from "./reconciliation/parts.ts";
import { connectRedis, type RedisClient } from "./redis.ts";
import { createStatusBoard } from "./status-board.ts";
import { ensureKey, findKey, type KeyRole } from "./store/api-keys.ts";
import { appendEvent, DEFAULT_ACCOUNT, systemEvent } from "./store/append-event.ts";
import { type Database, openDatabase } from "./store/database.ts";
import { durabilityFault, ensureInstallation } from "./store/installation.ts";
import { startSealer } from "./trail/sealer.ts";
import { registerWaitingMetrics } from "./waiting-metrics.ts";
import { createReceiver } from "./webhooks-in/receiver.ts";
import { createRefusals } from "./webhooks-in/refusals.ts";
import { startWebhooksOut, systemResolve } from "./webhooks-out/start.ts";

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
  /** The simulated processors beside this gateway: where they are told what to do, and which provider has which. */
  readonly sandbox?: { readonly controlUrl: string; readonly processors: ReadonlyMap<string, string> } | null;
  /** Of a local start; kept hashed. */
  readonly readyMadeKeys: Readonly<Partial<Record<KeyRole, string>>>;
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

/** This database must not be used: another mode, another account, or one that forgets what was acknowledged. */
export class RefusesToStart extends Error {
  override readonly name = "RefusesToStart";
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
    const installation = await admit(db, options);
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
    const fleet = createFleet({
      providers,
      clock,
      random,
      overrides,
      instance: idSource(clock, random)("gw"),
      documents: redis && redisDocuments({ redis, installationId: installation.id, log, clock }),
      rules: () => rules.current(),
      defaults: defaultsOf(config.providers),
      onBug: (err) => log.error({ err }, "a listener of the fleet failed"),
    });
    fleet.onChange((change) =>
      log[change.to === "closed" ? "info" : "warn"](change, `provider ${change.provider}: ${change.from} -> ${change.to}`),
    );
    fleet.onRecord((change) => recordChange(db, clock, log, change));
    fleet.start();
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
    const running = await run(options, { core, db, reports, redis, fleet, overrides, rules, clockGuard, installationId: installation.id });
    closers.push(() => running.stop());
    return { port: running.port, stop: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Law 7 and law 12, before anything else. */
async function admit(db: Database, options: GatewayOptions) {
  const { config, clock, random, readyMadeKeys } = options;
  const fault = await durabilityFault(db);
  if (fault) throw new RefusesToStart(fault);
  const now = new Date(clock.now());
  const newId = idSource(clock, random);
  const installation = await ensureInstallation(db, { id: newId("in"), livemode: config.livemode, now });
  if (installation.livemode !== config.livemode) {
    const word = (live: boolean) => (live ? "live" : "test");
    throw new RefusesToStart(
      `this database holds ${word(installation.livemode)} charges, and the providers are in ${word(config.livemode)} mode`,
    );
  }
  for (const [role, key] of Object.entries(readyMadeKeys)) {
    const made = {
      accountId: DEFAULT_ACCOUNT,
      actor: "system:local",
      id: `key_local_${role}`,
      name: `local ${role}`,
      role: role as KeyRole,
      key,
      now,
    };
    await ensureKey(db, made);
  }
  return installation;
}

interface Parts {
  readonly core: Core;
  readonly db: Database;
  readonly reports: Database;
  /** null: none is configured. */
  readonly redis: RedisClient | null;
  readonly fleet: Fleet;
  readonly overrides: OverrideWatcher;
  readonly rules: RulesWatcher;
  readonly clockGuard: ClockGuard;
  readonly installationId: string;
}

async function run(options: GatewayOptions, parts: Parts): Promise<{ port: number; stop(): Promise<void> }> {
  const { config, clock, log } = options;
  const { core, db, reports, redis, fleet, overrides, rules, clockGuard } = parts;
  const claims = keyClaims({ redis, installationId: parts.installationId, ttlMs: config.chargeBudgetMs });
  const metrics = createMetrics();
  const arrivals = rateMeter(clock);
  let stopping = false;

  const works = config.role !== "api";
  const { livemode } = core.settings;
  const { installationId } = parts;
  const notices = notifyKinds({ settings: config.notify, clock, installationId, livemode, version: options.version });
  const more = [reconciliationKind(partsOf(core)), ...notices];
  const jobs = works
    ? await startJobs({ databaseUrl: options.databaseUrl, database: db, clock, log, registry: metrics.registry, more })
    : null;
  const gauges = registerGauges(metrics.registry, { fleet, inFlight: () => charges.inFlight(), clockSkewMs: () => clockGuard.skewMs });
  const charges = createChargeService(core, claims, {
    accepting: () => !stopping,
    countCharge(status) {
      arrivals.count();
      gauges.countCharge(status);
    },
  });
  const worker = createWorker(core, { liveRatePerS: () => arrivals.perSecond() });
  const sealer = works ? startSealer({ db, clock, log, onSealed: gauges.countSealed }) : null;
  if (works) registerWaitingMetrics(metrics.registry, db, clock);
  if (works) worker.start();
  const notifier = works ? await startNotifyWatch({ db, clock, fleet, trusted: () => clockGuard.ok(), log }) : null;
  const allowPrivate = config.webhookAllowPrivate;
  const webhooks = works
    ? await startWebhooksOut({
        db,
        clock,
        random: core.random,
        log,
        livemode,
        allowPrivate,
        version: options.version,
        registry: metrics.registry,
      })
    : null;

  const authenticator = createAuthenticator({
    findKey: (hash) => findKey(db, hash),
    adminKey: config.adminKey === null ? null : { key: config.adminKey, accountId: DEFAULT_ACCOUNT },
    clock,
  });
  const sessions = createConsoleSessions({ db, clock, randomBytes, authenticator, adminKey: config.adminKey });
  const changes = watchChanges({ db, fleet, clock, log });
  const stream = consoleStreamRoutes({ sessions, changes, clock });
  // Where money is real nothing is made up, whatever else runs on this machine.
  const demonstrates = options.sandbox && !livemode ? options.sandbox : null;
  const traffic =
    demonstrates && sandboxTraffic({ charges, clock, random: core.random, newId: core.newId, providers: demonstrates.processors });
  const refusals = createRefusals({ db, clock, log });
  const { providers, newId } = core;
  const receiver = createReceiver({ db, clock, newId, log, providers, refusals, count: gauges.countWebhook });
  const health = { db, fleet, clockGuard, redis, stopping: () => stopping };
  const api = [
    ...chargeRoutes({ db, charges, providers: core.providers, clock }),
    ...chargeReadRoutes({ db }),
    ...refundRoutes({ db, charges }),
    ...disputeRoutes({ db }),
    ...providerWebhookRoutes({ receiver, clock }),
    ...paymentMethodRoutes({ db, providers: core.providers, clock, newId: core.newId }),
    ...providersRoutes({ fleet, overrides, clock }),
    ...routingRoutes({ db, fleet, rules, providers: core.providers, clock }),
    ...statsRoutes({
      reports,
      clock,
      feesOf: (provider, currency) => feesOf(withDefaults(rules.current().rules, defaultsOf(config.providers)), provider, currency),
    }),
    ...routingViewRoutes({ db, reports, providers: [...core.providers.keys()], clock }),
    ...deadLetterRoutes({ db, charges }),
    ...reconciliationRoutes({ db, clock, newId: core.newId, providers: [...core.providers.keys()] }),
    ...auditRoutes({ db }),
    ...eventRoutes({ db, livemode }),
    ...webhookEndpointRoutes({ db, clock, newId: core.newId, randomBytes, resolve: systemResolve, allowPrivate }),
    ...webhookDeliveryRoutes({ db, clock, newId: core.newId, livemode }),
    ...keyRoutes({
      db,
      clock,
      newId: core.newId,
      randomBytes,
      livemode,
      authenticator: {
        forget(keyId) {
          authenticator.forget(keyId);
          sessions.forget(keyId);
        },
      },
      hasAdminKey: config.adminKey !== null,
    }),
    ...stream.routes,
    ...(demonstrates && traffic
      ? consoleSandboxRoutes({ control: sandboxControl(demonstrates.controlUrl, demonstrates.processors), traffic })
      : []),
    ...consoleSessionRoutes({ sessions, clock, livemode, sandbox: demonstrates !== null, loopback: isLoopback(config.host) }),
  ];
  const system = systemRoutes({
    readiness: () => readinessOf(health),
    status: createStatusBoard({ db, fleet, clock }),
    registry: metrics.registry,
  });
  const app = createHttpApp({
    routes: config.role === "worker" ? system : [...api, ...system],
    authenticate: (key) => authenticator.authenticate(key),
    sessions: config.role === "worker" ? null : sessions,
    pages: config.role === "worker" ? null : consolePages(join(import.meta.dirname, "console/dist")),
    log,
    metrics,
    clock,
    newRequestId: () => core.newId("req"),
    version: options.version,
  });
  const server: Listening = await listen(app, { host: config.host, port: config.port });

  return {
    port: server.port,
    async stop() {
      stopping = true;
      traffic?.stop();
      stream.closeAll();
      const graceMs = config.chargeBudgetMs + STOP_GRACE_MS;
      await Promise.all([server.close(graceMs), works ? worker.stop() : undefined, webhooks?.stop(), changes.stop()]);
      await charges.idle();
      await refusals.stop();
      await notifier?.stop();
      await sealer?.stop();
      await jobs?.stop();
    },
  };
}

/** Fees and limits of PROVIDERS_FILE, as rules have them. */
function defaultsOf(providers: Config["providers"]): ProviderDefaults {
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
