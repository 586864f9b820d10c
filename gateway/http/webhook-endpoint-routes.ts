import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import {
  deleteEndpoint,
  type EndpointChange,
  insertEndpoint,
  listEndpoints,
  readEndpoint,
  rotateSecret,
  updateEndpoint,
  type WebhookEndpoint,
} from "../store/webhook-endpoints.ts";
import type { Resolve } from "../webhooks-out/addresses.ts";
import { urlFault } from "../webhooks-out/endpoint-url.ts";
import { SECRET_BYTES } from "../webhooks-out/signature.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { type Principal, type Route, route } from "./route.ts";
import { EndpointUpdate, endpointJson, endpointSchema, endpointWithSecretSchema, NewEndpoint } from "./webhook-endpoint-schema.ts";

/** Per account. Each event is sent to all that want it. */
export const MAX_ENDPOINTS = 16;
const DAY_S = 86_400;
const MAX_OVERLAP_S = 7 * DAY_S;

export interface WebhookEndpointRouteDeps {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly newId: (prefix: "we") => string;
  /** Cryptographic. */
  readonly randomBytes: (size: number) => Buffer;
  readonly resolve: Resolve;
  readonly allowPrivate: boolean;
}

const params = z.object({ id: z.string().max(100) });

export function webhookEndpointRoutes(deps: WebhookEndpointRouteDeps): Route[] {
  return [createRoute(deps), listRoute(deps), readRoute(deps), updateRoute(deps), deleteRoute(deps), rotateRoute(deps)];
}

function createRoute(deps: WebhookEndpointRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/webhook-endpoints",
    roles: ["billing"],
    summary: "Register a webhook endpoint",
    description: "Events that are sealed from now on are sent to it. `secret` is in this answer only.",
    body: NewEndpoint,
    example: { url: "https://billing.example.com/hooks", events: ["charge.*", "refund.succeeded"] },
    responses: { 201: { description: "The endpoint, with its secret this once", schema: endpointWithSecretSchema } },
    problems: ["webhook_endpoint_limit"],
    async handler({ principal, body }) {
      await assertUrl(deps, body.url);
      const secret = deps.randomBytes(SECRET_BYTES);
      const made = { id: deps.newId("we"), url: new URL(body.url).href, events: body.events, description: body.description, secret };
      const endpoint = await insertEndpoint(deps.db, changeBy(deps, principal), { ...made, max: MAX_ENDPOINTS });
      if (endpoint === null) throw new Problem("webhook_endpoint_limit", `An account has at most ${MAX_ENDPOINTS} webhook endpoints.`);
      return { status: 201, body: endpointJson(endpoint, secret) };
    },
  });
}

function listRoute({ db }: WebhookEndpointRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/webhook-endpoints",
    roles: ["billing"],
    summary: "List webhook endpoints, newest first",
    description: "With since when an endpoint fails, and why one is disabled.",
    query: z.strictObject(pageQuery),
    responses: { 200: { description: "Without their secrets", schema: pageSchema(endpointSchema) } },
    problems: [],
    async handler({ principal, query }) {
      const by = { accountId: principal.accountId, after: query.starting_after ?? null, limit: query.limit + 1 };
      return {
        status: 200,
        body: pageJson(
          await listEndpoints(db, by),
          query.limit,
          (one) => endpointJson(one),
          (one) => one.id,
        ),
      };
    },
  });
}

function readRoute({ db }: WebhookEndpointRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/webhook-endpoints/{id}",
    roles: ["billing"],
    summary: "One webhook endpoint",
    description: "Its secret was told when it was made, and is told again only when it is rotated.",
    params,
    responses: { 200: { description: "Without its secret", schema: endpointSchema } },
    problems: [],
    async handler({ principal, params: { id } }) {
      return { status: 200, body: endpointJson(found(await readEndpoint(db, { accountId: principal.accountId, id }))) };
    },
  });
}

function updateRoute(deps: WebhookEndpointRouteDeps): Route {
  return route({
    method: "put",
    path: "/v1/webhook-endpoints/{id}",
    roles: ["billing"],
    summary: "Change a webhook endpoint",
    description:
      "What is left out stays. While it is disabled nothing is sent, and no deliveries are made of what happens (GET /v1/events has it); " +
      "what was pending goes on when it is enabled.",
    params,
    body: EndpointUpdate,
    example: { events: ["charge.*", "refund.*", "dispute.*"], enabled: true },
    responses: { 200: { description: "The endpoint as it is now", schema: endpointSchema } },
    problems: [],
    async handler({ principal, params: { id }, body }) {
      if (body.url !== undefined) await assertUrl(deps, body.url);
      const patch = body.url === undefined ? body : { ...body, url: new URL(body.url).href };
      return { status: 200, body: endpointJson(found(await updateEndpoint(deps.db, changeBy(deps, principal), id, patch))) };
    },
  });
}

function deleteRoute(deps: WebhookEndpointRouteDeps): Route {
  return route({
    method: "delete",
    path: "/v1/webhook-endpoints/{id}",
    roles: ["billing"],
    summary: "Remove a webhook endpoint",
    description: "What was pending is not sent any more.",
    params,
    responses: {
      200: {
        description: "It is gone",
        schema: z.object({ id: z.string(), object: z.literal("webhook_endpoint"), deleted: z.literal(true) }),
      },
    },
    problems: [],
    async handler({ principal, params: { id } }) {
      if (!(await deleteEndpoint(deps.db, changeBy(deps, principal), id))) found(null);
      return { status: 200, body: { id, object: "webhook_endpoint", deleted: true } };
    },
  });
}

function rotateRoute(deps: WebhookEndpointRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/webhook-endpoints/{id}/rotate-secret",
    roles: ["billing"],
    summary: "Give a webhook endpoint a new secret",
    description:
      "Until `expires_in` seconds from now the secret before it signs as well: each webhook carries both signatures, so that a receiver changes " +
      "its secret when it likes. 0: the old one ends at once.",
    params,
    body: z.strictObject({ expires_in: z.int().min(0).max(MAX_OVERLAP_S).default(DAY_S).meta({ description: "Seconds" }) }),
    example: { expires_in: DAY_S },
    responses: { 200: { description: "The endpoint, with its new secret this once", schema: endpointWithSecretSchema } },
    problems: [],
    async handler({ principal, params: { id }, body }) {
      const by = changeBy(deps, principal);
      const secret = deps.randomBytes(SECRET_BYTES);
      const previousUntil = new Date(by.now.getTime() + body.expires_in * 1_000);
      return { status: 200, body: endpointJson(found(await rotateSecret(deps.db, by, id, { secret, previousUntil })), secret) };
    },
  });
}

async function assertUrl(deps: WebhookEndpointRouteDeps, url: string): Promise<void> {
  const fault = await urlFault(url, deps);
  if (fault !== null)
    throw new Problem("validation_failed", "The body has an invalid field.", { faults: [{ pointer: "/url", message: fault }] });
}

function changeBy({ clock }: WebhookEndpointRouteDeps, { accountId, actor }: Principal): EndpointChange {
  return { accountId, actor, now: new Date(clock.now()) };
}

function found(endpoint: WebhookEndpoint | null): WebhookEndpoint {
  if (endpoint === null) throw new Problem("not_found", "There is no such webhook endpoint.");
  return endpoint;
}
