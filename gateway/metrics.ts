import { collectDefaultMetrics, Histogram, Registry } from "prom-client";

/** One registry for the process; every part adds its own metrics to it. */
export interface Metrics {
  readonly registry: Registry;
  observeRequest(request: { method: string; route: string; status: number; seconds: number }): void;
}

/** Seconds: finer where a charge should be, up to CHARGE_BUDGET_MS. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];

export function createMetrics(options: { process: boolean } = { process: true }): Metrics {
  const registry = new Registry();
  if (options.process) collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "switchyard_http_request_duration_seconds",
    help: "Time from a request's headers to its answer, by route and status.",
    labelNames: ["method", "route", "status"],
    buckets: BUCKETS,
    registers: [registry],
  });
  return {
    registry,
    observeRequest: ({ method, route, status, seconds }) => requests.observe({ method, route, status: String(status) }, seconds),
  };
}
