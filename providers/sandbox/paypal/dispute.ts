import { type Amount, showAmount } from "./amount.ts";
import type { Json } from "./json.ts";
import type { Capture } from "./order.ts";

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
export function newDispute(id: string, capture: Capture, stage: Dispute["stage"], now: number): Dispute {
  const { account, amount, invoiceId, customId } = capture;
  return {
    id: `PP-D-${id}`,
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
