import { Counter, Gauge, type Registry } from "prom-client";
import type { ChargeStatus } from "./charges/charge.ts";
import type { Fleet } from "./health/fleet.ts";

const STATE_NUMBERS = { closed: 0, half_open: 1, open: 2 } as const;

/** What operations watch besides HTTP; read at each scrape, so that nothing is counted twice. */
export function registerGauges(
  registry: Registry,
  parts: { fleet: Fleet; inFlight: () => number; clockSkewMs: () => number },
): { countCharge: (status: ChargeStatus) => void; countSealed: (events: number) => void } {
  const registers = [registry];
  const labelNames = ["provider"];
  new Gauge({
    name: "switchyard_provider_state",
    help: "0 closed, 1 half open, 2 open.",
    labelNames,
    registers,
    collect() {
      for (const { provider, circuit } of parts.fleet.status()) this.set({ provider }, STATE_NUMBERS[circuit.state]);
    },
  });
  new Gauge({
    name: "switchyard_provider_available",
    help: "1 while the provider takes new attempts.",
    labelNames,
    registers,
    collect() {
      const available = parts.fleet.available();
      for (const { provider } of parts.fleet.status()) this.set({ provider }, available.includes(provider) ? 1 : 0);
    },
  });
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
  return { countCharge: (status) => charges.inc({ status }), countSealed: (events) => sealed.inc(events) };
}
