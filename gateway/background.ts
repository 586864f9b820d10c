import type { Registry } from "prom-client";
import type { Core } from "./charges/core.ts";
import { notifyKinds } from "./notify/channels.ts";
import { startNotifyWatch } from "./notify/watch.ts";
import type { NotifySettings } from "./notify-settings.ts";
import { startJobs } from "./queue/jobs.ts";
import { reconciliationKind } from "./queue/reconciliation-job.ts";
import { createWorker } from "./queue/worker.ts";
import { partsOf } from "./reconciliation/parts.ts";
import { startSealer } from "./trail/sealer.ts";
import { registerWaitingMetrics } from "./waiting-metrics.ts";
import { startWebhooksOut } from "./webhooks-out/start.ts";

export interface Background {
  /** Takes up nothing more, and lets what is under way end: charges and webhooks. */
  stopWork(): Promise<void>;
  /** Afterwards: what tells and seals what was done. */
  stop(): Promise<void>;
}

/** What goes on without a request: charges that are due, the seals of the trail, jobs, messages to people, webhooks. Safe on every instance. */
export async function startBackground(parts: {
  core: Core;
  databaseUrl: string;
  registry: Registry;
  notify: NotifySettings;
  webhookAllowPrivate: boolean;
  installationId: string;
  version: string;
  /** False while this instance's clock is off. */
  trusted: () => boolean;
  liveRatePerS: () => number;
  onSealed: (events: number) => void;
}): Promise<Background> {
  const { core, databaseUrl, registry, installationId, version } = parts;
  const { db, clock, random, fleet, log } = core;
  const { livemode } = core.settings;
  const notices = notifyKinds({ settings: parts.notify, clock, installationId, livemode, version });
  const jobs = await startJobs({ databaseUrl, database: db, clock, log, registry, more: [reconciliationKind(partsOf(core)), ...notices] });
  const sealer = startSealer({ db, clock, log, onSealed: parts.onSealed });
  registerWaitingMetrics(registry, db, clock);
  const worker = createWorker(core, { liveRatePerS: parts.liveRatePerS });
  worker.start();
  const notifier = await startNotifyWatch({ db, clock, fleet, trusted: parts.trusted, log });
  const allowPrivate = parts.webhookAllowPrivate;
  const webhooks = await startWebhooksOut({ db, clock, random, log, livemode, allowPrivate, version, registry });
  return {
    async stopWork() {
      await Promise.all([worker.stop(), webhooks.stop()]);
    },
    async stop() {
      await notifier.stop();
      await sealer.stop();
      await jobs.stop();
    },
  };
}
