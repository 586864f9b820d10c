import type { Answer } from "../processor.ts";
import { amountProblem } from "./amount.ts";
import { takesMoney } from "./dispute.ts";
import { invalid, missing } from "./error.ts";
import { type Form, mapOf, textOf } from "./form.ts";
import { type Refund, showRefund } from "./intent.ts";
import type { StripeStore } from "./store.ts";

/**
 * POST /v1/refunds. Charges made with `pm_card_pendingRefund` and `pm_card_refundFail` refund late: after the settling time
 * they have succeeded or failed. With `pm_card_refundReturns` a refund succeeds at once, and then the customer's bank sends it back.
 */
export function createRefund(store: StripeStore, account: string, form: Form): Answer {
  const chargeId = textOf(form, "charge");
  const intentId = textOf(form, "payment_intent") ?? (chargeId && store.charges.get(chargeId)?.intent) ?? "";
  const intent = store.intent(intentId, account);
  if (!intent) return missing("PaymentIntent", intentId, "payment_intent");
  const charge = store.charges.get(intent.latestCharge ?? "");
  if (!charge?.captured) {
    const message = `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`;
    return invalid(message, { code: "payment_intent_unexpected_state", param: "payment_intent" });
  }
  if (charge.disputed && [...store.disputes.values()].some((dispute) => dispute.charge === charge.id && takesMoney(dispute))) {
    return invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, { code: "charge_disputed" });
  }
  const left = charge.amountCaptured - charge.amountRefunded;
  if (left === 0) return invalid(`Charge ${charge.id} has already been refunded.`, { code: "charge_already_refunded" });
  const wanted = textOf(form, "amount");
  const amount = wanted === null ? left : Number(wanted);
  const problem = amountProblem(amount, intent.currency);
  if (problem) return invalid(problem.message, { code: problem.code, param: "amount" });
  if (amount > left) {
    return invalid(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`, { param: "amount" });
  }
  const late = charge.paymentMethod === "pm_card_pendingRefund" || charge.paymentMethod === "pm_card_refundFail";
  const settles = late || charge.paymentMethod === "pm_card_refundReturns";
  const refund: Refund = {
    id: store.world.ids.stripe("re"),
    account,
    intent: intent.id,
    charge: charge.id,
    amount,
    currency: intent.currency,
    reason: textOf(form, "reason"),
    metadata: mapOf(form, "metadata"),
    created: store.seconds(),
    status: late ? "pending" : "succeeded",
    settle: settles
      ? { atMs: store.world.now() + store.world.settleAfterMs, succeeds: charge.paymentMethod === "pm_card_pendingRefund" }
      : null,
  };
  charge.amountRefunded += amount;
  store.charges.put(charge.id, charge);
  store.refunds.put(refund.id, refund);
  if (!late) store.moved("refund", intent, amount, refund.id);
  store.tell(account, "refund.created", () => showRefund(refund));
  store.tellOfCharge(intent, charge, "charge.refunded");
  if (settles) store.world.later(store.world.settleAfterMs, () => store.refund(refund.id, account));
  return { status: 200, body: JSON.stringify(showRefund(refund)), executed: true };
}
