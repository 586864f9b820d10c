import type { Answer } from "../processor.ts";
import type { Dispute } from "./dispute.ts";
import { badRequest, unprocessable } from "./error.ts";
import type { PaypalStore } from "./store.ts";

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

function changed(store: PaypalStore, dispute: Dispute, type: string): void {
  dispute.updated = store.world.now();
  store.disputes.put(dispute.id, dispute);
  store.tell.ofDispute(dispute, type);
}
