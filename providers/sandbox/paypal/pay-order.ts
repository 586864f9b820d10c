import type { Answer } from "../processor.ts";
import { unprocessable } from "./error.ts";
import { type Authorization, type Capture, type Order, payerAction, type Source } from "./order.ts";
import type { PaypalStore } from "./store.ts";
import { faultBehaviour, isFinal, type VaultBehaviour, vaultBehaviour } from "./vault-token.ts";

/**
 * Captures or authorizes an order, by its intent. Null: it is paid, held, pending, or declined by the processor; else the
 * 422 that left the order as it was. `decline` overrules the source.
 */
export function payOrder(store: PaypalStore, order: Order, source: Source | null, decline: string | null): Answer | null {
  if (order.status === "VOIDED") return unprocessable("ORDER_VOIDED");
  if (order.captures.some((id) => store.captures.get(id)?.status !== "DECLINED")) return unprocessable("ORDER_ALREADY_CAPTURED");
  if (order.authorizations.some((id) => store.authorizations.get(id)?.status !== "DENIED"))
    return unprocessable("ORDER_ALREADY_AUTHORIZED");
  if (store.isPaidElsewhere(order)) return unprocessable("DUPLICATE_INVOICE_ID", { description: "Duplicate Invoice ID detected." });
  const chosen = source ?? order.source;
  if (!chosen && order.payer !== "approved")
    return unprocessable("ORDER_NOT_APPROVED", { description: "Payer has not yet approved the Order." });
  if (chosen && store.isGone(order.account, chosen.vaultId)) return unprocessable("TOKEN_ID_NOT_FOUND", { executed: true });
  const behaviour = decline === null ? vaultBehaviour(chosen?.vaultId ?? "") : faultBehaviour(decline);
  if (behaviour.kind === "refuse") return unprocessable(behaviour.issue, { executed: isFinal(behaviour.issue) });
  if (behaviour.kind === "payer_action" && order.payer !== "approved") return askPayer(store, order, chosen);
  order.source = chosen;
  order.status = "COMPLETED";
  if (order.intent === "CAPTURE") store.captured(order, addCapture(store, order, behaviour));
  else addAuthorization(store, order, behaviour);
  tellOf(store, order, "CHECKOUT.ORDER.COMPLETED");
  return null;
}

/** The payer came back from the approval page. */
export function payerAnswered(store: PaypalStore, order: Order, approved: boolean): void {
  if (order.status === "COMPLETED" || order.status === "VOIDED") return;
  order.payer = approved ? "approved" : "refused";
  if (approved) order.status = "APPROVED";
  order.updated = store.world.now();
  store.orders.put(order.id, order);
  if (approved) tellOf(store, order, "CHECKOUT.ORDER.APPROVED");
}

function askPayer(store: PaypalStore, order: Order, source: Source | null): Answer {
  if (order.payer === "refused") return unprocessable("PAYER_CANNOT_PAY", { executed: true });
  order.status = "PAYER_ACTION_REQUIRED";
  order.source = source;
  store.orders.put(order.id, order);
  return unprocessable("PAYER_ACTION_REQUIRED", {
    description: "Payer needs to perform the following action before proceeding with payment.",
    links: [payerAction(order, store.world.url())],
  });
}

function addCapture(store: PaypalStore, order: Order, behaviour: VaultBehaviour): Capture {
  const now = store.world.now();
  const capture: Capture = {
    id: store.world.ids.paypal(),
    account: order.account,
    order: order.id,
    authorization: null,
    amount: order.amount,
    invoiceId: order.invoiceId,
    customId: order.customId,
    created: now,
    updated: now,
    status: behaviour.kind === "processor_declines" ? "DECLINED" : behaviour.kind === "pending" ? "PENDING" : "COMPLETED",
    processor: processorOf(behaviour),
    refundedUnits: 0,
    settle: behaviour.kind === "pending" ? { atMs: now + store.world.settleAfterMs, succeeds: behaviour.succeeds } : null,
  };
  order.captures.push(capture.id);
  return capture;
}

function addAuthorization(store: PaypalStore, order: Order, behaviour: VaultBehaviour): void {
  const now = store.world.now();
  const held: Authorization = {
    id: store.world.ids.paypal(),
    account: order.account,
    order: order.id,
    amount: order.amount,
    invoiceId: order.invoiceId,
    customId: order.customId,
    created: now,
    updated: now,
    status: behaviour.kind === "processor_declines" ? "DENIED" : "CREATED",
    processor: processorOf(behaviour),
    capturedUnits: 0,
  };
  order.authorizations.push(held.id);
  order.updated = now;
  if (held.status === "CREATED") store.moved("authorize", order, held.amount, held.id);
  store.authorizations.put(held.id, held);
  store.orders.put(order.id, order);
  if (held.status === "CREATED") store.tell.ofHold(held, "PAYMENT.AUTHORIZATION.CREATED");
}

function processorOf(behaviour: VaultBehaviour): Capture["processor"] {
  if (behaviour.kind !== "processor_declines") return null;
  const { responseCode, adviceCode } = behaviour;
  return { responseCode, adviceCode };
}

function tellOf(store: PaypalStore, order: Order, type: string): void {
  store.tell.of(order.account, type, "checkout-order", () => store.showOrder(order, true));
}
