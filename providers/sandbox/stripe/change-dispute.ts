import type { Answer } from "../processor.ts";
import { type Dispute, type DisputeStatus, isClosed, showDispute, statusAfter } from "./dispute.ts";
import { invalid } from "./error.ts";
import { type Form, mapOf } from "./form.ts";
import type { StripeStore } from "./store.ts";

/** POST /v1/disputes/{id}: evidence decides it as with Stripe's test cards. */
export function submitEvidence(store: StripeStore, dispute: Dispute, form: Form): Answer {
  const evidence = mapOf(form, "evidence").uncategorized_text;
  return changed(store, dispute, evidence === undefined ? dispute.status : statusAfter(evidence));
}

/** POST /v1/disputes/{id}/close: the merchant gives in. */
export function closeDispute(store: StripeStore, dispute: Dispute): Answer {
  return changed(store, dispute, dispute.status === "warning_needs_response" ? "warning_closed" : "lost");
}

function changed(store: StripeStore, dispute: Dispute, status: DisputeStatus): Answer {
  if (isClosed(dispute)) return invalid(`This dispute is already closed: ${dispute.status}.`);
  dispute.status = status;
  store.disputes.put(dispute.id, dispute);
  store.tell(dispute.account, isClosed(dispute) ? "charge.dispute.closed" : "charge.dispute.updated", () => showDispute(dispute));
  return { status: 200, body: JSON.stringify(showDispute(dispute)), executed: true };
}
