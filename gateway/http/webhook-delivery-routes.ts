import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { DELIVERY_MAX_AGE_MS } from "../store/webhook-deliveries.ts";
import { DELIVERY_STATES, insertTestDelivery, listDeliveries, TEST_TYPE } from "../store/webhook-delivery-upkeep.ts";
import { readEndpoint } from "../store/webhook-endpoints.ts";
import { deliveryId } from "../webhooks-out/dispatch.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { type Principal, type Route, route } from "./route.ts";
import { deliveryJson, deliverySchema } from "./webhook-endpoint-schema.ts";

export interface WebhookDeliveryRouteDeps {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly newId: (prefix: "test") => string;
  readonly livemode: boolean;
}

const params = z.object({ id: z.string().max(100) });

/** What an engineer needs who looks for the fault: the deliveries of an endpoint, and one to try it. */
export function webhookDeliveryRoutes(deps: WebhookDeliveryRouteDeps): Route[] {
  return [listRoute(deps), testRoute(deps)];
}

function listRoute({ db }: WebhookDeliveryRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/webhook-endpoints/{id}/deliveries",
    roles: ["billing"],
    summary: "An endpoint's deliveries, newest first",
    description: "Delivered ones for 7 days.",
    params,
    query: z.strictObject({
      ...pageQuery,
      starting_after: z
        .string()
        .regex(/^\d{1,18}$/, "must be the `next_cursor` of the page before")
        .transform(BigInt)
        .optional()
        .meta({ description: "The `next_cursor` of the page before" }),
      state: z.enum(DELIVERY_STATES).optional(),
    }),
    responses: { 200: { description: "A page", schema: pageSchema(deliverySchema) } },
    problems: [],
    async handler({ principal, params: { id }, query }) {
      await assertEndpoint(db, principal, id);
      const by = { endpointId: id, state: query.state ?? null, after: query.starting_after ?? null, limit: query.limit + 1 };
      return { status: 200, body: pageJson(await listDeliveries(db, by), query.limit, deliveryJson, (row) => row.no.toString()) };
    },
  });
}

function testRoute({ db, clock, newId, livemode }: WebhookDeliveryRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/webhook-endpoints/{id}/test",
    roles: ["billing"],
    summary: "Send a test event to an endpoint",
    description: `Its type is \`${TEST_TYPE}\`. It is signed, sent and retried like any other; while one is pending it is that one.`,
    params,
    responses: { 202: { description: "The delivery; look at it again in a moment", schema: deliverySchema } },
    problems: ["webhook_endpoint_disabled"],
    async handler({ principal, params: { id } }) {
      await assertEndpoint(db, principal, id);
      const now = new Date(clock.now());
      const eventId = newId("test");
      const body = JSON.stringify({ type: TEST_TYPE, timestamp: now.toISOString(), data: { id: eventId, livemode } });
      const made = { id: deliveryId(eventId, id), eventId, endpointId: id, body, expiresAt: new Date(now.getTime() + DELIVERY_MAX_AGE_MS) };
      const delivery = await insertTestDelivery(db, { accountId: principal.accountId, actor: principal.actor, now }, made);
      if (delivery === null) throw new Problem("webhook_endpoint_disabled", "Enable it first: nothing is sent to a disabled endpoint.");
      return { status: 202, body: deliveryJson(delivery) };
    },
  });
}

async function assertEndpoint(db: Database, { accountId }: Principal, id: string): Promise<void> {
  if ((await readEndpoint(db, { accountId, id })) === null) throw new Problem("not_found", "There is no such webhook endpoint.");
}
