import type { Answer } from "../processor.ts";
import { type Amount, showAmount } from "./amount.ts";
import type { Json } from "./create-order.ts";
import { badRequest, unprocessable } from "./error.ts";
import type { Capture } from "./order.ts";
import type { PaypalStore } from "./store.ts";

const RESPONSE_MS = 10 * 86_400_000;

export interface Dispute {
  readonly id: string;
  readonly account: string;
  readonly capture: string;
  readonly amount: Amount;
  readonly invoiceId: string | null;
  readonly customId: string | null;
  readonly created: number;
  updated: number;
  stage: "INQUIRY" | "CHARGEBACK";
  status: "OPEN" | "WAITING_FOR_SELLER_RESPONSE" | "RESOLVED";
  outcome: "RESOLVED_BUYER_FAVOUR" | "RESOLVED_SELLER_FAVOUR" | null;
}

/** The buyer of `capture` complains. */
export function openDispute(store: PaypalStore, capture: Capture, stage: Dispute["stage"]): void {
  const now = store.world.now();
  const { account, amount, invoiceId, customId } = capture;
  const dispute: Dispute = {
    id: `PP-D-${store.world.ids.paypal()}`,
    account,
    capture: capture.id,
    amount,
    invoiceId,
    customId,
    created: now,
    updated: now,
    stage,
    status: stage === "INQUIRY" ? "OPEN" : "WAITING_FOR_SELLER_RESPONSE",
    outcome: null,
  };
  store.disputes.put(dispute.id, dispute);
  tell(store, dispute, "CUSTOMER.DISPUTE.CREATED");
}

/** POST /v1/customer/disputes/{id}/escalate: the talk did not help. Null: done. */
export function escalateDispute(store: PaypalStore, dispute: Dispute): Answer | null {
  if (dispute.status === "RESOLVED" || dispute.stage !== "INQUIRY") return unprocessable("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE");
  dispute.stage = "CHARGEBACK";
  dispute.status = "WAITING_FOR_SELLER_RESPONSE";
  changed(store, dispute, "CUSTOMER.DISPUTE.UPDATED");
  return null;
}

/** POST /v1/customer/disputes/{id}/adjudicate, which the real sandbox has as well, and accept-claim: it is decided. */
export function decideDispute(store: PaypalStore, dispute: Dispute, outcome: unknown): Answer | null {
  if (outcome !== "BUYER_FAVOR" && outcome !== "SELLER_FAVOR") return badRequest("INVALID_PARAMETER_VALUE", "/adjudication_outcome");
  if (dispute.status === "RESOLVED") return unprocessable("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE");
  dispute.status = "RESOLVED";
  dispute.outcome = outcome === "BUYER_FAVOR" ? "RESOLVED_BUYER_FAVOUR" : "RESOLVED_SELLER_FAVOUR";
  changed(store, dispute, "CUSTOMER.DISPUTE.RESOLVED");
  return null;
}

export function showDispute(dispute: Dispute): Json {
  const { id, capture, amount, invoiceId, customId, created, updated, status, stage, outcome } = dispute;
  return {
    dispute_id: id,
    create_time: new Date(created).toISOString(),
    update_time: new Date(updated).toISOString(),
    disputed_transactions: [
      {
        seller_transaction_id: capture,
        ...(customId === null ? {} : { custom: customId }),
        ...(invoiceId === null ? {} : { invoice_number: invoiceId }),
        gross_amount: showAmount(amount),
      },
    ],
    reason: "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    status,
    dispute_amount: showAmount(amount),
    dispute_life_cycle_stage: stage,
    dispute_channel: "INTERNAL",
    ...(outcome === null ? { seller_response_due_date: new Date(created + RESPONSE_MS).toISOString() } : {}),
    ...(outcome === null ? {} : { dispute_outcome: { outcome_code: outcome, amount_refunded: showAmount(amount) } }),
  };
}

function changed(store: PaypalStore, dispute: Dispute, type: string): void {
  dispute.updated = store.world.now();
  store.disputes.put(dispute.id, dispute);
  tell(store, dispute, type);
}

function tell(store: PaypalStore, dispute: Dispute, type: string): void {
  store.tell(dispute.account, type, "dispute", () => showDispute(dispute));
}
