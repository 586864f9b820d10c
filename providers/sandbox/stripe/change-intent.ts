import type { Answer } from "../processor.ts";
import { amountProblem } from "./amount.ts";
import { unexpectedState } from "./confirm-intent.ts";
import { invalid } from "./error.ts";
import { expands, type Form, textOf } from "./form.ts";
import type { Intent } from "./intent.ts";
import type { StripeStore } from "./store.ts";

const CANCELABLE = new Set(["requires_payment_method", "requires_capture", "requires_confirmation", "requires_action"]);

/** POST /v1/payment_intents/{id}/cancel: afterwards it can never charge. */
export function cancelIntent(store: StripeStore, intent: Intent, form: Form): Answer {
  if (!CANCELABLE.has(intent.status)) {
    return unexpectedState(store, intent, `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`);
  }
  store.cancel(intent, textOf(form, "cancellation_reason"));
  return shown(store, intent, form);
}

/** POST /v1/payment_intents/{id}/capture: takes all or part of what is held; the rest is released. */
export function captureIntent(store: StripeStore, intent: Intent, form: Form): Answer {
  const charge = store.charges.get(intent.latestCharge ?? "");
  if (intent.status !== "requires_capture" || !charge) {
    return unexpectedState(store, intent, `This PaymentIntent could not be captured because it has a status of ${intent.status}.`);
  }
  const wanted = textOf(form, "amount_to_capture");
  const amount = wanted === null ? intent.amountCapturable : Number(wanted);
  const problem = amountProblem(amount, intent.currency);
  if (problem) return invalid(problem.message, { code: problem.code, param: "amount_to_capture" });
  if (amount > intent.amountCapturable) {
    const message = `The requested capture amount is greater than the amount you can capture for this charge.`;
    return invalid(message, { code: "amount_too_large", param: "amount_to_capture" });
  }
  intent.status = "succeeded";
  intent.amountCapturable = 0;
  intent.amountReceived = amount;
  charge.captured = true;
  charge.amountCaptured = amount;
  store.moved("capture", intent, amount);
  store.save(intent, charge);
  store.tellOfCharge(intent, charge, "charge.captured");
  if (amount < charge.amount) store.release(intent, charge, charge.amount - amount);
  store.tellOf(intent, "payment_intent.succeeded");
  store.dispute(intent, charge);
  return shown(store, intent, form);
}

function shown(store: StripeStore, intent: Intent, form: Form): Answer {
  return { status: 200, body: JSON.stringify(store.show(intent, expands(form, "latest_charge"))), executed: true };
}
