import type { Registry } from "prom-client";
import { z } from "zod";
import { type Route, route } from "./route.ts";

/** Whether this instance can take charges now, and what says so. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string | null }[];
}

/** For everybody: it names no amounts, no accounts, no reasons that only operators should see. */
export interface SystemStatus {
  readonly status: "operational" | "degraded" | "outage";
  readonly [detail: string]: unknown;
}

export interface SystemRouteDeps {
  readiness(): Promise<Readiness>;
  status(): Promise<SystemStatus>;
  readonly registry: Registry;
}

/** For load balancers, Prometheus and the public; without keys. */
export function systemRoutes(deps: SystemRouteDeps): Route[] {
  return [healthRoute(), readyRoute(deps), statusRoute(deps), metricsRoute(deps)];
}

function healthRoute(): Route {
  return route({
    method: "get",
    path: "/healthz",
    roles: "public",
    summary: "Alive",
    description: "For restarts: it says nothing about the database, whose trouble a restart does not mend.",
    responses: { 200: { description: "This process answers", schema: z.object({ status: z.literal("ok") }) } },
    problems: [],
    handler: async () => ({ status: 200, body: { status: "ok" } }),
  });
}

function readyRoute(deps: SystemRouteDeps): Route {
  const schema = z.object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().nullable() })),
  });
  return route({
    method: "get",
    path: "/readyz",
    roles: "public",
    summary: "Can take charges",
    description: "For load balancers. A processor that is down does not make an instance unready: charges are then deferred.",
    responses: { 200: { description: "Ready", schema }, 503: { description: "Not ready, and what fails", schema } },
    problems: [],
    async handler() {
      const { ready, checks } = await deps.readiness();
      return { status: ready ? 200 : 503, body: { ready, checks } };
    },
  });
}

function statusRoute(deps: SystemRouteDeps): Route {
  return route({
    method: "get",
    path: "/status",
    roles: "public",
    summary: "Public status",
    description: "For customers: it names no amounts, no accounts, and no reasons.",
    responses: { 200: { description: "How it goes", schema: z.looseObject({ status: z.enum(["operational", "degraded", "outage"]) }) } },
    problems: [],
    handler: async () => ({ status: 200, body: await deps.status() }),
  });
}

function metricsRoute({ registry }: SystemRouteDeps): Route {
  return route({
    method: "get",
    path: "/metrics",
    roles: "public",
    summary: "Metrics for Prometheus",
    description: "Of this instance. Dashboard and alert rules for them come with the documentation.",
    responses: { 200: { description: "Text exposition format", contentTypes: ["text/plain"] } },
    problems: [],
    handler: async () => ({ status: 200, text: { type: registry.contentType, content: await registry.metrics() } }),
  });
}
