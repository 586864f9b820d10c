import { Counter, Gauge, type Registry } from "prom-client";
import { CHARGE_STATUSES, type ChargeStatus } from "./charges/charge.ts";
import type { Fleet } from "./health/fleet.ts";
import { registerProviderMetrics } from "./provider-metrics.ts";

const WEBHOOK_RESULTS = ["stored", "duplicate", "refused", "busy", "unverifiable", "database", "failed"] as const;

/** What operations watch besides HTTP; read at each scrape, so that nothing is counted twice. */
export function registerGauges(
  registry: Registry,
  parts: { fleet: Fleet; inFlight: () => number; clockSkewMs: () => number },
): {
  countCharge: (status: ChargeStatus) => void;
  countSealed: (events: number) => void;
  countWebhook: (provider: string, result: string) => void;
} {
  const { fleet } = parts;
  const registers = [registry];
  registerProviderMetrics(registry, fleet);
  registerStoreMetrics(registry, fleet);
  new Gauge({
    name: "switchyard_requests_in_flight",
    help: "Requests that move money, under way.",
    registers,
    collect() {
      this.set(parts.inFlight());
    },
  });
  new Gauge({
    name: "switchyard_clock_skew_seconds",
    help: "How far this instance is ahead of the database; beyond 5 s it sends nothing.",
    registers,
    collect() {
      this.set(parts.clockSkewMs() / 1_000);
    },
  });
  const charges = new Counter({
    name: "switchyard_charges_total",
    help: "Answers to new charges by the status that they were given.",
    labelNames: ["status"],
    registers,
  });
  const sealed = new Counter({ name: "switchyard_events_sealed_total", help: "Events of the trail sealed by this instance.", registers });
  const webhooks = new Counter({
    name: "switchyard_provider_webhooks_total",
    help: "Deliveries of the processors' webhooks: stored, duplicate, refused; busy, unverifiable, database, failed: to be sent again.",
    labelNames: ["provider", "result"],
    registers,
  });
  // From 0 on, so that the first of a kind is a rise.
  for (const status of CHARGE_STATUSES) charges.inc({ status }, 0);
  for (const { provider } of fleet.status()) for (const result of WEBHOOK_RESULTS) webhooks.inc({ provider, result }, 0);
  return {
    countCharge: (status) => charges.inc({ status }),
    countSealed: (events) => sealed.inc(events),
    countWebhook: (provider, result) => webhooks.inc({ provider, result }),
  };
}

/** Who lives, and the store by which they share what they know. */
function registerStoreMetrics(registry: Registry, fleet: Fleet): void {
  const registers = [registry];
  new Gauge({
    name: "switchyard_instances",
    help: "Instances that live, this one included; 1 while the store that they share is away or none is configured.",
    registers,
    collect() {
      this.set(fleet.instances());
    },
  });
  new Gauge({
    name: "switchyard_shared_store_connected",
    help: "1 while the store answers by which instances share health and approval; no value without one.",
    registers,
    collect() {
      const store = fleet.store();
      if (store) this.set(store.connected ? 1 : 0);
      else this.remove();
    },
  });
  new Counter({
    name: "switchyard_shared_store_failures_total",
    help: "Exchanges with that store that had no answer.",
    registers,
    collect() {
      this.reset();
      this.inc(fleet.store()?.failures ?? 0);
    },
  });
}
