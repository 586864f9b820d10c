import type { Call } from "../contract/call.ts";
import type { Outcome } from "../contract/outcome.ts";
import type { OperationRequest } from "../contract/provider.ts";
import { toPayPalAmount } from "./amounts.ts";
import { getOrder } from "./charge.ts";
import { notSent, refundOutcomeOf, sticky, unknown, unknownOf } from "./classify.ts";
import { judgeRefund } from "./judge.ts";
import { REPRESENTATION } from "./requests.ts";
import type { Wire } from "./wire.ts";

/** PayPal's limit for `custom_id`. */
const MAX_CUSTOM_ID_CHARS = 127;

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
