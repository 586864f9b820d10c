import { CheckoutPaymentIntent } from "@paypal/paypal-server-sdk";
import type { Call } from "../contract/call.ts";
import type { Finding, Outcome } from "../contract/outcome.ts";
import type { OperationRequest } from "../contract/provider.ts";
import { toPayPalAmount } from "./amounts.ts";
import { getOrder } from "./charge.ts";
import { notSent, outcomeOf, refundOutcomeOf, sticky, unknown, unknownOf } from "./classify.ts";
import { judgeCapture, judgeCaptureAgain, judgeRefund } from "./judge.ts";
import { REPRESENTATION } from "./requests.ts";
import type { Wire } from "./wire.ts";

/** PayPal's limit for `custom_id`. */
const MAX_CUSTOM_ID_CHARS = 127;

/** Takes the money of an authorization; what is left of it is released. */
export async function capture(wire: Wire, request: OperationRequest, call: Call, replay: boolean): Promise<Outcome> {
  const amount = toPayPalAmount(request.money);
  if ("refused" in amount) return sticky(notSent("rejected", false, amount.refused), replay);
  const answer = await wire.execute(call, ({ payments }) =>
    payments.captureAuthorizedPayment({
      authorizationId: request.reference,
      paypalRequestId: request.key,
      prefer: REPRESENTATION,
      body: { amount, invoiceId: request.chargeId, finalCapture: true },
    }),
  );
  if (answer.kind !== "ok") return outcomeOf(answer, replay);
  const verdict = judgeCapture(answer.result, request);
  if (verdict.kind !== "unclear") return verdict;
  const captureId = verdict.capture as string;
  const again = await wire.read(call, ({ payments }) => payments.getCapturedPayment({ captureId }));
  return again.kind === "ok" ? judgeCaptureAgain(again.result, request) : unknownOf(again);
}

export async function refund(wire: Wire, request: OperationRequest, call: Call, replay: boolean): Promise<Outcome> {
  const amount = toPayPalAmount(request.money);
  if ("refused" in amount) return sticky(notSent("rejected", false, amount.refused), replay);
  const answer = await wire.execute(call, ({ payments }) =>
    payments.refundCapturedPayment({
      captureId: request.reference,
      paypalRequestId: request.key,
      prefer: REPRESENTATION,
      // The key again, where `lookupRefund` can find it.
      body: { amount, ...(request.key.length <= MAX_CUSTOM_ID_CHARS ? { customId: request.key } : {}) },
    }),
  );
  return answer.kind === "ok" ? judgeRefund(answer.result, request.money) : refundOutcomeOf(answer, replay);
}

/** By the refund's id, else by our key among the refunds of the order. */
export async function lookupRefund(wire: Wire, request: OperationRequest, refundId: string | null, call: Call): Promise<Outcome> {
  if (refundId !== null) {
    const answer = await wire.read(call, ({ payments }) => payments.getRefund({ refundId }));
    if (answer.kind !== "ok") return unknownOf(answer);
    if (answer.result.id !== refundId) return unknown("unexpected", "PayPal answered with another refund");
    return judgeRefund(answer.result, request.money);
  }
  const answer = await wire.read(call, getOrder(request.object));
  if (answer.kind !== "ok") return unknownOf(answer);
  const refunds = (answer.result.purchaseUnits ?? []).flatMap((unit) => unit.payments?.refunds ?? []);
  const found = refunds.find(({ customId }) => customId === request.key);
  return found ? judgeRefund(found, request.money) : unknown("unexpected", "no refund with our key is in the order");
}

/**
 * Only an authorization can be voided; an order with intent CAPTURE has no fence, and neither has one that is not yet
 * authorized: a request in flight may still do it.
 */
export async function cancel(wire: Wire, object: string, call: Call): Promise<Finding> {
  const answer = await wire.read(call, getOrder(object));
  if (answer.kind !== "ok") return unknownOf(answer);
  const order = answer.result;
  const [unit, another] = order.purchaseUnits ?? [];
  if (order.id !== object || another) return unknown("unexpected", "PayPal answered with another order");
  const holds = unit?.payments?.authorizations ?? [];
  const [hold] = holds;
  if (order.intent !== CheckoutPaymentIntent.Authorize || holds.length !== 1 || !hold?.id) {
    return unknown("unexpected", "PayPal cannot cancel an order that is not authorized");
  }
  const fenced: Finding = { kind: "fenced", object, decline: null };
  if (hold.status === "VOIDED") return fenced;
  if (hold.status !== "CREATED" && hold.status !== "PENDING") return unknown("unexpected", "the authorization cannot be voided");
  const authorizationId = hold.id;
  const voided = await wire.execute(call, ({ payments }) =>
    payments.voidPayment({ authorizationId, paypalRequestId: `${authorizationId}:void`, prefer: REPRESENTATION }),
  );
  // 204 without a body is PayPal's confirmation too.
  if (voided.kind === "ok" && (voided.result === null || voided.result.status === "VOIDED")) return fenced;
  if (voided.kind === "refused" && voided.issues.includes("PREVIOUSLY_VOIDED")) return fenced;
  return voided.kind === "ok" ? unknown("unexpected", "not voided") : unknownOf(voided);
}
