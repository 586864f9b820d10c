import type { WebhookEvent } from "../webhooks.ts";
import { link } from "./order.ts";

export type ResourceType = "capture" | "authorization" | "refund" | "checkout-order" | "dispute" | "payment_token";

/** An event as the API shows it and webhooks carry it. */
export function newEvent(options: {
  id: string;
  type: string;
  resourceType: ResourceType;
  resource: unknown;
  createdMs: number;
  baseUrl: string;
}): WebhookEvent {
  const { type, resourceType, resource, createdMs, baseUrl } = options;
  const id = `WH-${options.id}`;
  const self = `${baseUrl}/v1/notifications/webhooks-events/${id}`;
  const event = {
    id,
    event_version: "1.0",
    create_time: new Date(createdMs).toISOString(),
    resource_type: resourceType,
    ...(resourceType === "dispute" ? {} : { resource_version: resourceType === "payment_token" ? "3.0" : "2.0" }),
    event_type: type,
    summary: type.toLowerCase().replaceAll(/[._-]/g, " "),
    resource,
    links: [link(self, "self"), link(`${self}/resend`, "resend", "POST")],
  };
  return { id, type, body: JSON.stringify(event) };
}
