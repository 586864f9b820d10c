import { lookup } from "node:dns/promises";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Clock, Random } from "../../providers/contract/clock.ts";
import { idSource } from "../ids.ts";
import { type BackgroundLog, keepGoing } from "../keep-going.ts";
import type { Database } from "../store/database.ts";
import { ensureCursor } from "../store/dispatch-events.ts";
import { oldestDueDelivery } from "../store/webhook-delivery-upkeep.ts";
import type { Resolve } from "./addresses.ts";
import { type CourierParts, createCourier } from "./courier.ts";
import { CONSUMER, dispatchDeliveries } from "./dispatch.ts";
import { fewAtOnce } from "./few-at-once.ts";
import { createPoster } from "./post.ts";

const DISPATCH_INTERVAL_MS = 500;

/** A name server that never answers holds one of the two threads that the process resolves names on: the other is the processors'. */
const few = fewAtOnce(1);

/** As the machine resolves names, `/etc/hosts` included: every address, so that every one is checked. */
export const systemResolve: Resolve = (hostname) => few(() => lookup(hostname, { all: true }));

/** Deliveries from the trail, and their sender. Safe on every instance. */
export async function startWebhooksOut(options: {
  db: Database;
  clock: Clock;
  random: Random;
  log: BackgroundLog;
  livemode: boolean;
  allowPrivate: boolean;
  version: string;
  registry: Registry;
}): Promise<{ stop(): Promise<void> }> {
  const { db, clock, random, log } = options;
  await ensureCursor(db, CONSUMER);
  const dispatcher = keepGoing({
    what: "the dispatcher of webhooks",
    clock,
    log,
    intervalMs: DISPATCH_INTERVAL_MS,
    turn: () => dispatchDeliveries(db, { livemode: options.livemode, now: () => clock.now() }),
  });
  const courier = createCourier({
    db,
    clock,
    random,
    log,
    poster: createPoster({ clock, resolve: systemResolve, allowPrivate: options.allowPrivate, version: options.version }),
    newId: idSource(clock, random),
    count: tryCounter(options.registry),
  });
  watchBacklog(options.registry, db, clock);
  courier.start();
  return {
    async stop() {
      await Promise.all([dispatcher.stop(), courier.stop()]);
    },
  };
}

function tryCounter(registry: Registry): CourierParts["count"] {
  const counter = new Counter({
    name: "switchyard_webhook_tries_total",
    help: "Webhooks sent by this instance, by how the try ended: delivered, failed (tried again), dead (given up).",
    labelNames: ["result"],
    registers: [registry],
  });
  for (const result of ["delivered", "failed", "dead"]) counter.inc({ result }, 0);
  return (result) => counter.inc({ result });
}

/** Read at each scrape; NaN while the database cannot be asked. */
function watchBacklog(registry: Registry, db: Database, clock: Clock): void {
  new Gauge({
    name: "switchyard_webhook_overdue_seconds",
    help: "For how long the oldest webhook waits that could be sent now; above a minute: an endpoint fails or is slow, or no worker runs.",
    registers: [registry],
    async collect() {
      const asked = await oldestDueDelivery(db, new Date(clock.now())).catch(() => undefined);
      this.set(asked === undefined ? Number.NaN : asked === null ? 0 : Math.max(0, (clock.now() - asked.getTime()) / 1_000));
    },
  });
}
