import { createHmac } from "node:crypto";
import type { Delivery, WebhookEvent } from "../webhooks.ts";

/** The version in which the fake Stripe shows its objects. */
const API_VERSION = "2026-09-30.sandbox";

/** An Event as the API shows it and webhooks carry it. */
export function newEvent(id: string, type: string, created: number, object: unknown): WebhookEvent {
  const event = {
    id,
    object: "event",
    api_version: API_VERSION,
    created,
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  };
  return { id, type, body: JSON.stringify(event) };
}

/** https://docs.stripe.com/webhooks/signature: HMAC-SHA256 over time and body. Made anew for each delivery, with its own time. */
export function signatureHeaders({ event, secret, sentAtMs }: Delivery): Record<string, string> {
  const seconds = Math.floor(sentAtMs / 1000);
  const signature = createHmac("sha256", secret).update(`${seconds}.${event.body}`).digest("hex");
  return { "stripe-signature": `t=${seconds},v1=${signature}`, "user-agent": "Stripe/1.0 (sandbox)" };
}
