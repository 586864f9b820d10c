import { PgBoss } from "pg-boss";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Clock, Random } from "../../providers/contract/clock.ts";
import { idSource } from "../ids.ts";
import type { BackgroundLog } from "../keep-going.ts";
import { DEFAULT_ACCOUNT } from "../store/append-event.ts";
import type { Database } from "../store/database.ts";
import { buryJobs } from "../store/dead-jobs.ts";
import { readTrailStatus } from "../store/verify-chain.ts";
import { type AlertParts, doubtKind, KNOWN_ALERTS, notifyKind } from "./alerts.ts";
import { auditKind } from "./audit-job.ts";
import { startDispatcher } from "./dispatcher.ts";
import { expiringMethodsKind } from "./expiring-methods-job.ts";
import { forgetDeclinesKind } from "./forget-declines-job.ts";
import { forgetDeliveriesKind } from "./forget-deliveries-job.ts";
import type { JobData, JobKind } from "./job-kind.ts";
import { forgetProviderEventsKind, matchEventsKind } from "./provider-events-jobs.ts";

/** Where pg-boss puts what failed for good; a worker makes dead letters of it. */
const DEAD_QUEUE = "dead";
/** pg-boss' own connections, beside those of the gateway. */
const MAX_CONNECTIONS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
/** pg-boss waits for ever on a connection that went silent; its slowest statement takes less than this. */
const QUERY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
/** The database is lost for all workers at once: they say so together, at most this often. */
const COMPLAINT_INTERVAL_MS = 60_000;
const DEAD_POLL_S = 5;

export interface JobsOptions {
  readonly databaseUrl: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: BackgroundLog;
  readonly random?: Random;
  readonly registry?: Registry;
  /** Instead of the standard ones. */
  readonly kinds?: readonly JobKind[];
  /** Besides them: what needs more than a database. */
  readonly more?: readonly JobKind[];
}

export interface Jobs {
  /** Lets what is running end, for some seconds; the rest is given back to the queue. */
  stop(): Promise<void>;
}

/**
 * What surrounds the charges runs here, on pg-boss in the same database (schema `pgboss`); the charges themselves are their own
 * queue. Safe on every instance. A dead job becomes a dead letter; replaying one is an event, and the dispatcher sees it.
 */
export async function startJobs(options: JobsOptions): Promise<Jobs> {
  const { database, clock, log, registry } = options;
  const alerts: AlertParts = { db: database, log, count: alertCounter(registry) };
  const kinds = options.kinds ?? [
    notifyKind(alerts),
    doubtKind(alerts),
    auditKind({ ...alerts, clock }),
    forgetDeclinesKind({ db: database, clock }),
    matchEventsKind({ db: database, clock, newId: idSource(clock, options.random ?? Math.random), log }),
    forgetProviderEventsKind({ db: database, clock }),
    forgetDeliveriesKind({ db: database, clock }),
    expiringMethodsKind({ db: database, clock }),
    ...(options.more ?? []),
  ];
  const boss = connectBoss(options);
  try {
    await boss.start();
    await createQueues(boss, kinds);
    const workers = new Map<string, string>();
    for (const kind of kinds) workers.set(kind.name, await work(boss, kind));
    await workOnDead(boss, options, alerts);
    const dispatcher = await startDispatcher({
      boss,
      kinds,
      database,
      clock,
      log,
      onDispatched: (queues) => {
        for (const queue of queues) boss.notifyWorker(workers.get(queue) ?? "");
      },
    });
    if (registry) watchTrail(registry, database, clock);
    return {
      async stop() {
        await dispatcher.stop();
        await boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS });
      },
    };
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw error;
  }
}

function connectBoss({ databaseUrl, clock, log }: JobsOptions): PgBoss {
  // Handed through to pg's pool, though pg-boss does not declare it.
  const pool = { query_timeout: QUERY_TIMEOUT_MS, keepAlive: true };
  const boss = new PgBoss({
    ...pool,
    connectionString: databaseUrl,
    schema: "pgboss",
    application_name: "switchyard-jobs",
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // Its own upkeep. Nothing here uses flows, and an hourly schedule bears half a minute.
    cronWorkerIntervalSeconds: 30,
    flowIntervalSeconds: 3_600,
    bamIntervalSeconds: 300,
  });
  let complainedAt = Number.NEGATIVE_INFINITY;
  boss.on("error", (error) => {
    if (clock.monotonic() - complainedAt < COMPLAINT_INTERVAL_MS) return;
    complainedAt = clock.monotonic();
    log.error({ err: error }, "the job queue fails; trying on");
  });
  boss.on("warning", (warning) => log.warn({ warning }, "the job queue warns"));
  return boss;
}

/** A second start finds all of it, and changes nothing. */
async function createQueues(boss: PgBoss, kinds: readonly JobKind[]): Promise<void> {
  const there = new Set((await boss.getQueues()).map((queue) => queue.name));
  if (!there.has(DEAD_QUEUE)) {
    // Only the loss of the database can fail it: try on for days.
    await boss.createQueue(DEAD_QUEUE, { retryLimit: 1_000, retryDelay: 5, retryBackoff: true, retryDelayMax: 300, expireInSeconds: 60 });
  }
  for (const kind of kinds) {
    const settings = {
      retryLimit: kind.retries,
      retryDelay: kind.retryDelayS,
      retryBackoff: true,
      expireInSeconds: kind.expireS,
      deadLetter: DEAD_QUEUE,
    };
    if (there.has(kind.name)) await boss.updateQueue(kind.name, settings);
    else await boss.createQueue(kind.name, settings);
    if (!kind.schedule) continue;
    const once = { singletonSeconds: kind.schedule.everyS };
    await boss.schedule(kind.name, kind.schedule.cron, {}, once);
    await boss.send(kind.name, {}, once);
  }
}

function work(boss: PgBoss, kind: JobKind): Promise<string> {
  return boss.work<JobData>(kind.name, { pollingIntervalSeconds: kind.pollS, batchSize: kind.batch }, (jobs) =>
    kind.run(jobs.map((job) => job.data)),
  );
}

function workOnDead(boss: PgBoss, { database, clock, log, random = Math.random }: JobsOptions, { count }: AlertParts): Promise<string> {
  const newId = idSource(clock, random);
  return boss.work<JobData, void, { includeMetadata: true; batchSize: number; pollingIntervalSeconds: number }>(
    DEAD_QUEUE,
    { includeMetadata: true, batchSize: 20, pollingIntervalSeconds: DEAD_POLL_S },
    async (jobs) => {
      const letters = jobs.map((job) => ({
        id: newId("dl"),
        accountId: typeof job.data.account === "string" ? job.data.account : DEFAULT_ACCOUNT,
        dead: { queue: job.sourceName ?? DEAD_QUEUE, job: job.sourceId ?? job.id, payload: job.data, error: errorOf(job.output) },
      }));
      const buried = new Set(await buryJobs(database, letters, new Date(clock.now())));
      for (const { id, dead } of letters) {
        if (!buried.has(dead.job)) continue;
        count("job.dead");
        log.error({ alert: "job.dead", dead_letter: id, ...dead }, "alert: a job failed for good");
      }
    },
  );
}

function errorOf(output: unknown): string {
  const { message, value } = (output ?? {}) as { message?: unknown; value?: { message?: unknown } };
  return String(message ?? value?.message ?? "failed");
}

function alertCounter(registry: Registry | undefined): (alert: string) => void {
  if (!registry) return () => {};
  const counter = new Counter({
    name: "switchyard_alerts_total",
    help: "What a person should see, by kind; the log has the particulars.",
    labelNames: ["alert"],
    registers: [registry],
  });
  for (const alert of KNOWN_ALERTS) counter.inc({ alert }, 0);
  return (alert) => counter.inc({ alert });
}

/** Read at each scrape; NaN while the database cannot be asked, so that the other metrics still come. */
function watchTrail(registry: Registry, database: Database, clock: Clock): void {
  new Gauge({
    name: "switchyard_trail_unsealed_seconds",
    help: "Age of the oldest event that is not sealed; above a few seconds: no sealer works, or a transaction hangs.",
    registers: [registry],
    async collect() {
      const status = await readTrailStatus(database).catch(() => null);
      const oldest = status?.unsealed.oldestAt;
      this.set(status === null ? Number.NaN : oldest ? Math.max(0, (clock.now() - oldest.getTime()) / 1_000) : 0);
    },
  });
}
