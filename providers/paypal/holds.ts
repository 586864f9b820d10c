import { CheckoutPaymentIntent, type Order } from "@paypal/paypal-server-sdk";
import type { Call } from "../contract/call.ts";
import type { Currency } from "../contract/money.ts";
import type { Fenced, Finding, Outcome } from "../contract/outcome.ts";
import type { OperationRequest } from "../contract/provider.ts";
import { fromPayPalAmount, toPayPalAmount } from "./amounts.ts";
import type { Refused } from "./answer.ts";
import { getOrder } from "./charge.ts";
import { doubtOf, notSent, outcomeOf, sticky, unknown, unknownOf } from "./classify.ts";
import { HOLD_GONE, WORTH_A_LOOK } from "./issues.ts";
import { judgeCapture, judgeCaptureAgain } from "./judge.ts";
import { REPRESENTATION } from "./requests.ts";
import type { Wire } from "./wire.ts";

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
  if (answer.kind === "refused") return refusedCapture(wire, request, answer, call, replay);
  if (answer.kind !== "ok") return outcomeOf(answer, replay);
  const verdict = judgeCapture(answer.result, request);
  return verdict.kind === "unclear" ? captureAgain(wire, verdict.capture as string, request, call) : verdict;
}

/**
 * A refusal that is about what became of the hold is decided by the order: it shows the capture that somebody made, or
 * that the hold is gone and none was made, and none can be.
 */
async function refusedCapture(wire: Wire, request: OperationRequest, refused: Refused, call: Call, replay: boolean): Promise<Outcome> {
  const doubt = doubtOf(refused);
  const gone = doubt === null && refused.issues.length > 0 && refused.issues.every((issue) => HOLD_GONE.has(issue));
  const outcome = gone ? unknown("unexpected", "the hold is gone, and whether it was captured is not known") : outcomeOf(refused, replay);
  if (!gone && !(doubt !== null && WORTH_A_LOOK.has(doubt))) return outcome;
  const answer = await wire.read(call, getOrder(request.object));
  if (answer.kind !== "ok" || answer.result.id !== request.object) return outcome;
  const holds = holdsOf(answer.result);
  const ours = holds.filter(({ id }) => id === request.reference);
  if (ours.length !== 1 || holds.length !== 1) return outcome;
  const [found, more] = liveCaptures(answer.result);
  if (!found) return gone ? notSent("fenced", false, `the hold is gone: ${refused.issues.join(" ")}`) : outcome;
  if (more) return outcome;
  const verdict = judgeCapture(found, request);
  if (verdict.kind === "unclear") return captureAgain(wire, verdict.capture as string, request, call);
  return verdict.kind === "approved" || verdict.kind === "pending" ? verdict : outcome;
}

async function captureAgain(wire: Wire, captureId: string, request: OperationRequest, call: Call): Promise<Outcome> {
  const again = await wire.read(call, ({ payments }) => payments.getCapturedPayment({ captureId }));
  return again.kind === "ok" ? judgeCaptureAgain(again.result, request) : unknownOf(again);
}

/**
 * Only an authorization can be voided; an order with intent CAPTURE has no fence, and neither has one that is not yet
 * authorized: a request in flight may still do it.
 */
export async function cancel(wire: Wire, object: string, call: Call): Promise<Finding> {
  const answer = await wire.read(call, getOrder(object));
  if (answer.kind !== "ok") return unknownOf(answer);
  const order = answer.result;
  if (order.id !== object || (order.purchaseUnits ?? []).length > 1) return unknown("unexpected", "PayPal answered with another order");
  const holds = holdsOf(order);
  const [hold] = holds;
  if (order.intent !== CheckoutPaymentIntent.Authorize || holds.length !== 1 || !hold?.id) {
    return unknown("unexpected", "PayPal cannot cancel an order that is not authorized");
  }
  const taken = takenOf(order);
  if (taken) return taken;
  const fenced: Fenced = { kind: "fenced", object, decline: null };
  if (GONE.has(String(hold.status))) return fenced;
  if (hold.status !== "CREATED" && hold.status !== "PENDING") return unknown("unexpected", "the authorization cannot be voided");
  const authorizationId = hold.id;
  const voided = await wire.execute(call, ({ payments }) =>
    payments.voidPayment({ authorizationId, paypalRequestId: `${authorizationId}:void`, prefer: REPRESENTATION }),
  );
  // 204 without a body is PayPal's confirmation too.
  if (voided.kind === "ok")
    return voided.result === null || voided.result.status === "VOIDED" ? fenced : unknown("unexpected", "not voided");
  if (voided.kind !== "refused") return unknownOf(voided);
  if (voided.issues.includes("PREVIOUSLY_VOIDED")) return fenced;
  return takenMeanwhile(wire, object, voided, call);
}

const GONE: ReadonlySet<string> = new Set(["VOIDED", "EXPIRED", "DENIED"]);

/** The void was refused: perhaps because a capture came first, or because the hold has lapsed. */
async function takenMeanwhile(wire: Wire, object: string, refused: Refused, call: Call): Promise<Finding> {
  const gone = refused.issues.length > 0 && refused.issues.every((issue) => HOLD_GONE.has(issue));
  if (doubtOf(refused) === null && !gone) return unknownOf(refused);
  const answer = await wire.read(call, getOrder(object));
  if (answer.kind !== "ok" || answer.result.id !== object) return unknownOf(refused);
  return takenOf(answer.result) ?? (gone ? { kind: "fenced", object, decline: null } : unknownOf(refused));
}

/** The one capture of a held order that took money, or will; null where there is none. */
function takenOf(order: Order): Finding | null {
  const [found, more] = liveCaptures(order);
  if (!found) return null;
  const [unit] = order.purchaseUnits ?? [];
  const currency = (found.amount?.currencyCode ?? "").toLowerCase() as Currency;
  const money = { amount: fromPayPalAmount(found.amount, currency) ?? 0n, currency };
  const expected = { attemptId: unit?.customId ?? "", chargeId: unit?.invoiceId ?? "", money };
  const verdict = more ? null : judgeCapture(found, expected);
  return verdict && (verdict.kind === "approved" || verdict.kind === "pending")
    ? verdict
    : unknown("unexpected", "the authorization was captured, and its capture is unclear");
}

function holdsOf(order: Order) {
  return (order.purchaseUnits ?? []).flatMap((unit) => unit.payments?.authorizations ?? []);
}

/** Those that took money, or may. */
function liveCaptures(order: Order) {
  const captures = (order.purchaseUnits ?? []).flatMap((unit) => unit.payments?.captures ?? []);
  return captures.filter(({ status }) => status !== "DECLINED" && status !== "FAILED");
}
