import type { Answer } from "../processor.ts";
import { type Amount, amountOf, parseAmount } from "./amount.ts";
import { unprocessable } from "./error.ts";
import { type Json, textOf } from "./json.ts";
import type { Authorization, Capture, Refund } from "./order.ts";
import type { PaypalStore } from "./store.ts";
import { holdCaptured, refundWaits } from "./vault-token.ts";

/** POST /v2/payments/captures/{id}/refund: all that is left, or `amount`. */
export function refundCapture(store: PaypalStore, capture: Capture, body: Json): { refund: Refund } | { problem: Answer } {
  const order = store.orders.get(capture.order);
  if (!order || capture.status === "PENDING" || capture.status === "DECLINED")
    return { problem: unprocessable("CAPTURE_STATUS_NOT_VALID") };
  const left = capture.amount.units - capture.refundedUnits;
  if (left === 0) return { problem: unprocessable("CAPTURE_FULLY_REFUNDED") };
  const wanted = amountWanted(body, amountOf(left, capture.amount.currency));
  if ("problem" in wanted) return wanted;
  const { amount } = wanted;
  const stage = store.disputeOf(capture);
  if (stage === "CHARGEBACK") return { problem: unprocessable("REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK") };
  if (stage && amount.units < left) return { problem: unprocessable("CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED") };
  if (amount.currency !== capture.amount.currency) return { problem: unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH") };
  if (amount.units > left) return { problem: unprocessable("REFUND_AMOUNT_EXCEEDED") };
  const now = store.world.now();
  const waits = refundWaits(order.source?.vaultId ?? "");
  const refund: Refund = {
    id: store.world.ids.paypal(),
    account: capture.account,
    capture: capture.id,
    amount,
    invoiceId: textOf(body.invoice_id) ?? capture.invoiceId,
    customId: textOf(body.custom_id) ?? capture.customId,
    created: now,
    updated: now,
    status: waits ? "PENDING" : "COMPLETED",
    settle: waits ? { atMs: now + store.world.settleAfterMs, succeeds: waits.succeeds } : null,
  };
  store.refunded(order, capture, refund);
  return { refund };
}

/** POST /v2/payments/authorizations/{id}/capture: all that is left, or `amount`. */
export function captureAuthorization(store: PaypalStore, held: Authorization, body: Json): { capture: Capture } | { problem: Answer } {
  const order = store.orders.get(held.order);
  if (!order || held.status === "DENIED") return { problem: unprocessable("AUTHORIZATION_DENIED") };
  if (held.status === "VOIDED") return { problem: unprocessable(held.lapsed ? "AUTHORIZATION_EXPIRED" : "AUTHORIZATION_VOIDED") };
  if (held.status === "CAPTURED") return { problem: unprocessable("AUTHORIZATION_ALREADY_CAPTURED") };
  if (store.isPaidElsewhere(order)) return { problem: unprocessable("DUPLICATE_INVOICE_ID") };
  const left = held.amount.units - held.capturedUnits;
  const wanted = amountWanted(body, amountOf(left, held.amount.currency));
  if ("problem" in wanted) return wanted;
  const { amount } = wanted;
  if (amount.currency !== held.amount.currency) return { problem: unprocessable("AUTH_CAPTURE_CURRENCY_MISMATCH") };
  if (amount.units > left) return { problem: unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED") };
  const now = store.world.now();
  const behaviour = holdCaptured(order.source?.vaultId ?? "");
  const capture: Capture = {
    id: store.world.ids.paypal(),
    account: held.account,
    order: order.id,
    authorization: held.id,
    amount,
    invoiceId: textOf(body.invoice_id) ?? held.invoiceId,
    customId: held.customId,
    created: now,
    updated: now,
    status: behaviour === "declined" ? "DECLINED" : behaviour === null ? "COMPLETED" : "PENDING",
    processor: behaviour === "declined" ? { responseCode: "0500", adviceCode: null } : null,
    refundedUnits: 0,
    settle:
      behaviour === null || behaviour === "declined" ? null : { atMs: now + store.world.settleAfterMs, succeeds: behaviour === "pending" },
  };
  if (capture.status !== "DECLINED") {
    held.capturedUnits += amount.units;
    held.status = amount.units === left || body.final_capture === true ? "CAPTURED" : "PARTIALLY_CAPTURED";
  }
  held.updated = now;
  store.authorizations.put(held.id, held);
  order.captures.push(capture.id);
  store.captured(order, capture);
  return { capture };
}

/** POST /v2/payments/authorizations/{id}/void. Null: voided. */
export function voidAuthorization(store: PaypalStore, held: Authorization): Answer | null {
  const order = store.orders.get(held.order);
  if (held.status === "VOIDED") return unprocessable("PREVIOUSLY_VOIDED");
  if (!order || held.status !== "CREATED") return unprocessable("PREVIOUSLY_CAPTURED");
  store.voided(order, held);
  return null;
}

function amountWanted(body: Json, all: Amount): { amount: Amount } | { problem: Answer } {
  return body.amount === undefined || body.amount === null ? { amount: all } : parseAmount(body.amount, "/amount");
}
