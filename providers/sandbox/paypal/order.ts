import type { Amount } from "./amount.ts";
import { showAmount } from "./amount.ts";
import type { Link } from "./error.ts";

/** The fake PayPal's rows. Times in milliseconds since 1970. */
export interface Order {
  readonly id: string;
  readonly account: string;
  readonly intent: "CAPTURE" | "AUTHORIZE";
  readonly amount: Amount;
  readonly invoiceId: string | null;
  readonly customId: string | null;
  readonly description: string | null;
  readonly referenceId: string;
  readonly created: number;
  updated: number;
  status: "CREATED" | "APPROVED" | "PAYER_ACTION_REQUIRED" | "COMPLETED" | "VOIDED";
  source: Source | null;
  payer: "unasked" | "approved" | "refused";
  captures: string[];
  authorizations: string[];
  refunds: string[];
}

export interface Source {
  readonly kind: "card" | "paypal";
  readonly vaultId: string;
}

export interface Capture {
  readonly id: string;
  readonly account: string;
  readonly order: string;
  readonly authorization: string | null;
  readonly amount: Amount;
  readonly invoiceId: string | null;
  readonly customId: string | null;
  readonly created: number;
  updated: number;
  status: "COMPLETED" | "PENDING" | "DECLINED" | "PARTIALLY_REFUNDED" | "REFUNDED";
  readonly processor: { readonly responseCode: string; readonly adviceCode: string | null } | null;
  refundedUnits: number;
  settle: { readonly atMs: number; readonly succeeds: boolean } | null;
}

export interface Authorization {
  readonly id: string;
  readonly account: string;
  readonly order: string;
  readonly amount: Amount;
  readonly invoiceId: string | null;
  readonly customId: string | null;
  readonly created: number;
  updated: number;
  status: "CREATED" | "CAPTURED" | "PARTIALLY_CAPTURED" | "DENIED" | "VOIDED";
  readonly processor: Capture["processor"];
  capturedUnits: number;
  /** Voided because its time was over. */
  lapsed?: boolean;
}

export interface Refund {
  readonly id: string;
  readonly account: string;
  readonly capture: string;
  readonly amount: Amount;
  readonly invoiceId: string | null;
  readonly customId: string | null;
  readonly created: number;
  updated: number;
  status: "COMPLETED" | "PENDING" | "FAILED";
  settle: { readonly atMs: number; readonly succeeds: boolean } | null;
}

/** So long PayPal holds an authorization. */
export const HOLD_MS = 29 * 86_400_000;

export function link(href: string, rel: string, method = "GET"): Link {
  return { href, rel, method };
}

/** `full` is `Prefer: return=representation`; the minimal one tells no captures. */
export function showOrder(
  order: Order,
  captures: Capture[],
  authorizations: Authorization[],
  refunds: Refund[],
  baseUrl: string,
  full: boolean,
): Record<string, unknown> {
  const self = `${baseUrl}/v2/checkout/orders/${order.id}`;
  const links = [link(self, "self")];
  if (order.status === "PAYER_ACTION_REQUIRED") links.push(payerAction(order, baseUrl));
  if (order.status === "CREATED") links.push(link(`${baseUrl}/approve/${order.id}`, "approve"));
  if (!full) return { id: order.id, status: order.status, links };
  const payments = {
    ...(captures.length > 0 ? { captures: captures.map((capture) => showCapture(capture, baseUrl, true)) } : {}),
    ...(authorizations.length > 0 ? { authorizations: authorizations.map((held) => showAuthorization(held, baseUrl, true)) } : {}),
    ...(refunds.length > 0 ? { refunds: refunds.map((refund) => showRefund(refund, baseUrl, true)) } : {}),
  };
  return {
    id: order.id,
    intent: order.intent,
    status: order.status,
    ...(order.source ? { payment_source: showSource(order.source) } : {}),
    purchase_units: [
      {
        reference_id: order.referenceId,
        amount: showAmount(order.amount),
        ...ids(order),
        ...(order.description === null ? {} : { description: order.description }),
        ...(captures.length + authorizations.length > 0 ? { payments } : {}),
      },
    ],
    ...times(order),
    links,
  };
}

export function payerAction(order: Order, baseUrl: string): Link {
  return link(`${baseUrl}/approve/${order.id}`, "payer-action");
}

export function showCapture(capture: Capture, baseUrl: string, full: boolean): Record<string, unknown> {
  const self = `${baseUrl}/v2/payments/captures/${capture.id}`;
  const links = [
    link(self, "self"),
    link(`${self}/refund`, "refund", "POST"),
    link(`${baseUrl}/v2/checkout/orders/${capture.order}`, "up"),
  ];
  if (!full) return { id: capture.id, status: capture.status, links };
  return {
    id: capture.id,
    status: capture.status,
    ...(capture.status === "PENDING" ? { status_details: { reason: "PENDING_REVIEW" } } : {}),
    amount: showAmount(capture.amount),
    final_capture: true,
    ...ids(capture),
    ...processorResponse(capture.processor),
    supplementary_data: {
      related_ids: { order_id: capture.order, ...(capture.authorization ? { authorization_id: capture.authorization } : {}) },
    },
    ...times(capture),
    links,
  };
}

export function showAuthorization(held: Authorization, baseUrl: string, full: boolean): Record<string, unknown> {
  const self = `${baseUrl}/v2/payments/authorizations/${held.id}`;
  const links = [link(self, "self"), link(`${self}/capture`, "capture", "POST"), link(`${self}/void`, "void", "POST")];
  if (!full) return { id: held.id, status: held.status, links };
  return {
    id: held.id,
    status: held.status,
    amount: showAmount(held.amount),
    ...ids(held),
    ...processorResponse(held.processor),
    supplementary_data: { related_ids: { order_id: held.order } },
    expiration_time: time(held.created + HOLD_MS),
    ...times(held),
    links,
  };
}

export function showRefund(refund: Refund, baseUrl: string, full: boolean): Record<string, unknown> {
  const links = [
    link(`${baseUrl}/v2/payments/refunds/${refund.id}`, "self"),
    link(`${baseUrl}/v2/payments/captures/${refund.capture}`, "up"),
  ];
  if (!full) return { id: refund.id, status: refund.status, links };
  return {
    id: refund.id,
    status: refund.status,
    ...(refund.status === "PENDING" ? { status_details: { reason: "ECHECK" } } : {}),
    amount: showAmount(refund.amount),
    ...ids(refund),
    ...times(refund),
    links,
  };
}

function showSource(source: Source): Record<string, unknown> {
  if (source.kind === "card") return { card: { brand: "VISA", last_digits: "4242", type: "CREDIT" } };
  return { paypal: { email_address: "payer@example.com", account_id: "SANDBOXPAYER1", account_status: "VERIFIED" } };
}

function ids(row: { readonly invoiceId: string | null; readonly customId: string | null }): Record<string, string> {
  return {
    ...(row.invoiceId === null ? {} : { invoice_id: row.invoiceId }),
    ...(row.customId === null ? {} : { custom_id: row.customId }),
  };
}

function processorResponse(processor: Capture["processor"]): Record<string, unknown> {
  if (!processor) return {};
  const { responseCode, adviceCode } = processor;
  return { processor_response: { response_code: responseCode, ...(adviceCode === null ? {} : { payment_advice_code: adviceCode }) } };
}

function times(row: { readonly created: number; readonly updated: number }): { create_time: string; update_time: string } {
  return { create_time: time(row.created), update_time: time(row.updated) };
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
