import { Counter, Gauge, type Registry } from "prom-client";
import type { Fleet } from "./health/fleet.ts";
import type { ProviderStatus } from "./health/provider-status.ts";

const STATE_NUMBERS = { closed: 0, half_open: 1, open: 2 } as const;

/** One number of each provider; null: nothing is known. */
const GAUGES: readonly { readonly name: string; readonly help: string; readonly read: (status: ProviderStatus) => number | null }[] = [
  { name: "state", help: "0 closed, 1 half open, 2 open.", read: ({ circuit }) => STATE_NUMBERS[circuit.state] },
  {
    name: "alone",
    help: "1 while only this instance finds the provider ill: look at its network.",
    read: ({ circuit }) => (circuit.alone ? 1 : 0),
  },
  { name: "trips", help: "Openings that are not forgotten yet; each doubles the next one.", read: ({ circuit }) => circuit.trips },
  {
    name: "fault_rate",
    help: "Share of recent attempts that were faults; no value unless closed.",
    read: ({ circuit }) => circuit.faultRate,
  },
  {
    name: "weight",
    help: "Share of its traffic that the provider gets; below 1 while it comes back.",
    read: ({ circuit }) => circuit.weight,
  },
  {
    name: "approval_rate",
    help: "Share of approvals among issuers' answers, as the router believes it.",
    read: ({ approval }) => approval.rate,
  },
  { name: "share", help: "Of this instance's recent attempts; no value when there were none.", read: ({ share }) => share },
  { name: "in_flight", help: "Steps of attempts on their way.", read: ({ inFlight }) => inFlight },
];

/** What operations watch of each provider, as this instance sees it; read at each scrape. */
export function registerProviderMetrics(registry: Registry, fleet: Fleet): void {
  const registers = [registry];
  const labelNames = ["provider"];
  for (const { name, help, read } of GAUGES) {
    new Gauge({
      name: `switchyard_provider_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const status of fleet.status()) {
          const value = read(status);
          if (value !== null) this.set({ provider: status.provider }, value);
        }
      },
    });
  }
  new Gauge({
    name: "switchyard_provider_available",
    help: "1 while the provider takes new attempts.",
    labelNames,
    registers,
    collect() {
      const available = fleet.available();
      for (const { provider } of fleet.status()) this.set({ provider }, available.includes(provider) ? 1 : 0);
    },
  });
  new Gauge({
    name: "switchyard_provider_latency_seconds",
    help: "Of single calls of attempts that were no faults, the last 5 minutes.",
    labelNames: ["provider", "quantile"],
    registers,
    collect() {
      this.reset();
      for (const { provider, latencyMs } of fleet.status()) {
        for (const [quantile, ms] of [
          ["0.5", latencyMs.p50],
          ["0.95", latencyMs.p95],
          ["0.99", latencyMs.p99],
        ] as const) {
          if (ms !== null) this.set({ provider, quantile }, ms / 1_000);
        }
      }
    },
  });
  new Counter({
    name: "switchyard_provider_attempts_total",
    help: "Attempts of this instance that began at the provider: it was chosen, and its gate let them pass.",
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { provider, attempts } of fleet.status()) this.inc({ provider }, attempts);
    },
  });
  countOpenings(registry, fleet);
}

function countOpenings(registry: Registry, fleet: Fleet): void {
  const openings = new Counter({
    name: "switchyard_provider_openings_total",
    help: "Openings of the provider's gate that this instance saw; scope instance: it alone found the provider ill.",
    labelNames: ["provider", "scope"],
    registers: [registry],
  });
  for (const { provider } of fleet.status()) for (const scope of ["fleet", "instance"]) openings.inc({ provider, scope }, 0);
  fleet.onChange(({ provider, to, alone }) => {
    if (to === "open") openings.inc({ provider, scope: alone ? "instance" : "fleet" });
  });
}
