import { z } from "zod";
import type { DeliveryRow } from "../store/webhook-delivery-upkeep.ts";
import { DELIVERY_STATES } from "../store/webhook-delivery-upkeep.ts";
import type { WebhookEndpoint } from "../store/webhook-endpoints.ts";
import { PATTERNS } from "../webhooks-out/public-events.ts";
import { secretText } from "../webhooks-out/signature.ts";

const MAX_PATTERNS = 50;
const MAX_DESCRIPTION_CHARS = 500;

const url = z
  .string()
  .min(1)
  .meta({ description: "https; its address must be a public one", example: "https://billing.example.com/hooks" });
const events = z
  .array(z.enum(PATTERNS as [string, ...string[]], { error: "must be an event, all of a group like refund.*, or *" }))
  .min(1)
  .max(MAX_PATTERNS)
  .meta({ description: "Events, groups of them like `refund.*`, or `*`" });
const description = z.string().max(MAX_DESCRIPTION_CHARS).nullable();

export const NewEndpoint = z.strictObject({ url, events, description: description.default(null) });

export const EndpointUpdate = z
  .strictObject({
    url: url.optional(),
    events: events.optional(),
    enabled: z.boolean().optional(),
    description: description.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, "must name something to change");

export const endpointSchema = z
  .object({
    id: z.string(),
    object: z.literal("webhook_endpoint"),
    url: z.string(),
    events: z.array(z.string()),
    description: z.string().nullable(),
    enabled: z.boolean(),
    disabled_reason: z.enum(["operator", "gone"]).nullable().meta({ description: "`gone`: it answered 410" }),
    failing_since: z.iso.datetime().nullable().meta({ description: "Since when every try failed" }),
    previous_secret_until: z.iso.datetime().nullable().meta({ description: "Until when the secret before this one signs as well" }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "WebhookEndpoint" });

export const endpointWithSecretSchema = endpointSchema.extend({
  secret: z.string().meta({ description: "`whsec_…`, told in this answer only" }),
});

export const deliverySchema = z
  .object({
    id: z.string().meta({ description: "The `webhook-id` header of each try" }),
    object: z.literal("webhook_delivery"),
    event: z.string(),
    type: z.string(),
    subject: z.string().nullable().meta({ description: "Whose order it belongs to: a charge, a provider, …" }),
    state: z.enum(DELIVERY_STATES),
    tries: z.int(),
    last_tried_at: z.iso.datetime().nullable(),
    last_status: z.int().nullable(),
    last_error: z.string().nullable().meta({ description: "`status`, `redirect`, `timeout`, `address_not_allowed`, `ECONNREFUSED`, …" }),
    last_answer: z.string().nullable().meta({ description: "The first characters of the last answer" }),
    next_try_at: z.iso.datetime().nullable().meta({ description: "null while pending: it waits for the one before it of its subject" }),
    gives_up_at: z.iso.datetime(),
    created_at: z.iso.datetime(),
    closed_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "WebhookDelivery" });

export function endpointJson(endpoint: WebhookEndpoint, secret?: Buffer): object {
  return {
    id: endpoint.id,
    object: "webhook_endpoint",
    url: endpoint.url,
    events: endpoint.events,
    description: endpoint.description,
    enabled: endpoint.enabled,
    disabled_reason: endpoint.disabledReason,
    failing_since: endpoint.failingSince,
    previous_secret_until: endpoint.previousUntil,
    created_at: endpoint.createdAt,
    updated_at: endpoint.updatedAt,
    ...(secret ? { secret: secretText(secret) } : {}),
  };
}

export function deliveryJson(row: DeliveryRow): object {
  return {
    id: row.id,
    object: "webhook_delivery",
    event: row.event_id,
    type: row.type,
    subject: row.subject,
    state: row.state,
    tries: row.tries,
    last_tried_at: row.last_tried_at,
    last_status: row.last_status,
    last_error: row.last_error,
    last_answer: row.last_answer,
    next_try_at: row.next_try_at,
    gives_up_at: row.expires_at,
    created_at: row.created_at,
    closed_at: row.closed_at,
  };
}
