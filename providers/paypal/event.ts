import type { EventSubject, InstrumentSubject, PaymentSubject, ProviderEvent, RefundSubject } from "../contract/webhook.ts";
import { isRecord } from "./answer.ts";
import { disputeOf } from "./dispute.ts";
import { type Json, moneyOf, wordOf } from "./resource.ts";
import { timeOf } from "./time.ts";

/** PayPal's event, or null when it is none. Says nothing about who sent it. */
export function readEvent(text: string): ProviderEvent | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(body)) return null;
  const { id, event_type: type, resource } = body;
  const createdAtMs = timeOf(body.create_time);
  if (typeof id !== "string" || !/^[\w-]{1,100}$/.test(id) || createdAtMs === null) return null;
  if (typeof type !== "string" || !/^[A-Z][A-Z0-9._-]{0,99}$/.test(type)) return null;
  return { id, type, createdAtMs, subject: isRecord(resource) ? subjectOf(type, resource) : { kind: "other" } };
}

/** A type that we do not know is about nothing: whatever it means, PayPal is asked by the clock as well. */
function subjectOf(type: string, resource: Json): EventSubject {
  const [area, thing] = type.split(".");
  switch (`${area}.${thing}`) {
    case "PAYMENT.CAPTURE":
      // Their resource is the refund, the capture is one link up; who refunded is not said.
      if (type.endsWith(".REFUNDED") || type.endsWith(".REVERSED")) return refundOf(resource) ?? paymentOf(resource, false);
      return paymentOf(resource, type.endsWith(".COMPLETED"));
    case "PAYMENT.AUTHORIZATION":
      return paymentOf(resource, type.endsWith(".CREATED"));
    case "PAYMENT.REFUND":
      return refundOf(resource) ?? { kind: "other" };
    case "CHECKOUT.ORDER":
    case "CHECKOUT.PAYMENT-APPROVAL":
      return orderOf(resource);
    case "CUSTOMER.DISPUTE":
    case "RISK.DISPUTE":
      return disputeOf(resource) ?? { kind: "other" };
    case "VAULT.PAYMENT-TOKEN":
      if (type.endsWith(".DELETED")) return instrumentOf(resource, "gone") ?? { kind: "other" };
      return (type.endsWith(".UPDATED") ? instrumentOf(resource, "updated") : null) ?? { kind: "other" };
    default:
      return { kind: "other" };
  }
}

/** A capture or an authorization. `moved`: by its type the money moved, or is held. */
function paymentOf(resource: Json, moved: boolean): PaymentSubject {
  return {
    kind: "payment",
    object: relatedId(resource, "order_id") ?? linkedId(resource, "/v2/checkout/orders/"),
    reference: wordOf(resource.id),
    attemptId: wordOf(resource.custom_id),
    chargeId: wordOf(resource.invoice_id),
    money: moved ? moneyOf(resource.amount) : null,
  };
}

/** An order that is COMPLETED need not be paid: it says nothing about money. */
function orderOf(resource: Json): PaymentSubject {
  const units = Array.isArray(resource.purchase_units) ? resource.purchase_units : [];
  const unit = isRecord(units[0]) ? units[0] : {};
  return {
    kind: "payment",
    object: wordOf(resource.order_id) ?? wordOf(resource.id),
    reference: null,
    attemptId: wordOf(unit.custom_id),
    chargeId: wordOf(unit.invoice_id),
    money: null,
  };
}

function refundOf(resource: Json): RefundSubject | null {
  const refund = wordOf(resource.id);
  const payment = linkedId(resource, "/v2/payments/captures/") ?? relatedId(resource, "capture_id");
  // Without a capture above it, the resource is the capture itself.
  if (refund === null || payment === null || payment === refund) return null;
  return { kind: "refund", refund, payment, key: wordOf(resource.custom_id), money: moneyOf(resource.amount) };
}

function instrumentOf(resource: Json, change: InstrumentSubject["change"]): InstrumentSubject | null {
  const reference = typeof resource.id === "string" && /^[\x21-\x7e]{1,255}$/.test(resource.id) ? resource.id : null;
  if (reference === null) return null;
  const source = isRecord(resource.payment_source) ? resource.payment_source : {};
  const card = isRecord(source.card) ? source.card : {};
  const [, year, month] = (typeof card.expiry === "string" ? /^(\d{4})-(0[1-9]|1[0-2])$/.exec(card.expiry) : null) ?? [];
  return {
    kind: "instrument",
    reference,
    change,
    brand: wordOf(card.brand)?.toLowerCase() ?? null,
    expires: year === undefined || month === undefined ? null : { month: Number(month), year: Number(year) },
  };
}

function relatedId(resource: Json, name: string): string | null {
  const { related_ids: related } = isRecord(resource.supplementary_data) ? resource.supplementary_data : {};
  return isRecord(related) ? wordOf(related[name]) : null;
}

/** The id in the link `up` to a resource of that kind. */
function linkedId(resource: Json, path: string): string | null {
  for (const link of Array.isArray(resource.links) ? resource.links : []) {
    if (!isRecord(link) || link.rel !== "up" || typeof link.href !== "string") continue;
    const at = link.href.indexOf(path);
    if (at >= 0) return wordOf(link.href.slice(at + path.length));
  }
  return null;
}
