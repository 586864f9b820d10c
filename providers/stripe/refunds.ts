import type { Call } from "../contract/call.ts";
import type { Outcome } from "../contract/outcome.ts";
import type { OperationRequest } from "../contract/provider.ts";
import { toStripeAmount } from "./amounts.ts";
import { type Ask, notSent, outcomeOf, unknown } from "./answer.ts";
import { record, refundFailed, refundOutcome } from "./judge.ts";

/** Stripe allows few refunds per PaymentIntent in practice; more pages than this are not searched. */
const MAX_PAGES = 10;
const PAGE_SIZE = 100;

export async function refund(ask: Ask, request: OperationRequest, call: Call, replay: boolean): Promise<Outcome> {
  const amount = toStripeAmount(request.money);
  if ("problem" in amount) return notSent("rejected", false, amount.problem);
  const params = {
    payment_intent: request.reference,
    amount: amount.amount,
    metadata: { charge_id: request.chargeId, attempt_id: request.attemptId, operation_key: request.key },
  };
  const answer = await ask((stripe) => stripe.refunds.create(params, { idempotencyKey: request.key }));
  if (answer.kind === "ok") return refundOutcome(answer.body, request);
  const outcome = outcomeOf(answer, call, replay);
  // A rule of Stripe's refuses it (refunded already, disputed, balance too small): a firm no to this refund.
  const firm = outcome.kind === "not_sent" && outcome.cause === "rejected" && answer.kind === "error" && answer.status === 400;
  return firm ? refundFailed(answer.error.code) : outcome;
}

/** By id, else by our key in the PaymentIntent's refunds. Not found proves nothing: the refund may be in flight. */
export async function lookupRefund(ask: Ask, request: OperationRequest, reference: string | null, call: Call): Promise<Outcome> {
  if (reference !== null) {
    const answer = await ask((stripe) => stripe.refunds.retrieve(reference));
    return answer.kind === "ok" ? refundOutcome(answer.body, { ...request, refund: reference }) : outcomeOf(answer, call, true);
  }
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const params = { payment_intent: request.reference, limit: PAGE_SIZE, ...(after ? { starting_after: after } : {}) };
    const answer = await ask((stripe) => stripe.refunds.list(params));
    if (answer.kind !== "ok") return outcomeOf(answer, call, true);
    const rows = Array.isArray(answer.body.data) ? answer.body.data.map(record) : [];
    const ours = rows.find((row) => record(row.metadata).operation_key === request.key);
    if (ours) return refundOutcome(ours, request);
    const last = rows.at(-1)?.id;
    if (answer.body.has_more !== true || typeof last !== "string") break;
    after = last;
  }
  return unknown("unexpected", "no such refund found, which proves nothing");
}
