import type { Registry } from "prom-client";
import { z } from "zod";
import { type Route, route } from "./route.ts";
import { type PublicStatus, STATUS_SCHEMA, statusJson } from "./status-json.ts";
import { STATUS_PAGE_CSP, statusPage } from "./status-page.ts";

/** Whether this instance can take charges now, and what says so. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string | null }[];
}

export interface SystemRouteDeps {
  readiness(): Promise<Readiness>;
  status(): Promise<PublicStatus>;
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

/** Proxies may answer strangers for so long. */
const STATUS_CACHE = { "Cache-Control": "public, max-age=10", Vary: "Accept" };
const HTML = "text/html";

function statusRoute(deps: SystemRouteDeps): Route {
  return route({
    method: "get",
    path: "/status",
    roles: "public",
    summary: "Public status",
    description: "For customers: what works and since when, as JSON, or as a page for whoever prefers `text/html`.",
    responses: {
      200: { description: "How it goes", schema: STATUS_SCHEMA, contentTypes: ["application/json", HTML], headers: { Vary: "Accept" } },
    },
    problems: [],
    async handler({ accepts }) {
      const status = await deps.status();
      if (accepts("application/json", HTML) !== HTML) return { status: 200, body: statusJson(status), headers: STATUS_CACHE };
      const headers = { ...STATUS_CACHE, "Content-Security-Policy": STATUS_PAGE_CSP };
      return { status: 200, text: { type: `${HTML}; charset=utf-8`, content: statusPage(status) }, headers };
    },
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
