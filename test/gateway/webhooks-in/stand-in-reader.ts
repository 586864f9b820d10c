import { Stripe } from "stripe";
import type { Provider } from "../../../providers/contract/provider.ts";
import type { DisputeStatus, EventSubject, WebhookDelivery, WebhookReading } from "../../../providers/contract/webhook.ts";
import { overlaid } from "../charges/late-stage.ts";

/* eslint-disable */
const sdk = new Stripe("sk_test_sandbox");

export function withReader(secret: string): (provider: Provider) => Provider {
  return (provider) => (provider.id === "stripe" ? overlaid(provider, { readWebhook: (delivery) => read(secret, delivery) }) : provider);
}

async function read(secret: string, { headers, body }: WebhookDelivery): Promise<WebhookReading> {
  let event: any;
  try {
    event = sdk.webhooks.constructEvent(body, headers["stripe-signature"] ?? "", secret);
  } catch (error) {
    const detail = String((error as Error).message);
    return { kind: "refused", reason: /tolerance/.test(detail) ? "too_old" : "signature", detail };
  }
  return { kind: "event", event: { id: event.id, type: event.type, createdAtMs: event.created * 1000, subject: subjectOf(event) } };
}

function subjectOf(event: any): EventSubject {
  const o = event.data.object;
  const money = (amount: number) => (amount > 0 ? { amount: BigInt(amount), currency: o.currency } : null);
  if (o.object === "payment_intent")
    return {
      kind: "payment",
      object: o.id,
      reference: o.id,
      attemptId: o.metadata.attempt_id ?? null,
      chargeId: o.metadata.charge_id ?? null,
      money: event.type === "payment_intent.succeeded" ? money(o.amount_received) : null,
    };
  if (o.object === "payment_method") return { kind: "instrument", reference: o.id, change: "gone", brand: o.card.brand, expires: null };
  if (o.object === "refund")
    return { kind: "refund", refund: o.id, payment: o.payment_intent, key: o.metadata?.operation_key ?? null, money: money(o.amount) };
  if (o.object === "dispute")
    return {
      kind: "dispute",
      dispute: o.id,
      payment: o.payment_intent,
      object: o.payment_intent,
      attemptId: null,
      chargeId: null,
      status: STATUS[o.status] as DisputeStatus,
      reason: o.reason,
      networkCode: o.payment_method_details.card.network_reason_code,
      money: money(o.amount),
      evidenceDueByMs: o.evidence_details.due_by * 1000,
    };
  return { kind: "other" };
}

const STATUS: Record<string, DisputeStatus> = {
  warning_needs_response: "warning",
  warning_closed: "closed",
  needs_response: "open",
  under_review: "open",
  won: "won",
  lost: "lost",
};
