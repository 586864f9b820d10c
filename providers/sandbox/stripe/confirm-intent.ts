import type { Answer } from "../processor.ts";
import { type CardBehaviour, cardBehaviour, declineBehaviour, declineFields } from "./card-token.ts";
import { cardDeclined, invalid } from "./error.ts";
import { expands, type Form, textOf } from "./form.ts";
import type { CardError, Charge, Intent } from "./intent.ts";
import { showPaymentMethod } from "./payment-method.ts";
import type { StripeStore } from "./store.ts";

/** Charges the intent: the body of /confirm, and of a create with `confirm=true`. `decline` overrules the card. */
export function confirmIntent(store: StripeStore, intent: Intent, form: Form, decline: string | null): Answer {
  const { status } = intent;
  if (status !== "requires_confirmation" && status !== "requires_payment_method" && status !== "requires_action") {
    return unexpectedState(store, intent, `You cannot confirm this PaymentIntent because it has a status of ${status}.`);
  }
  const token = textOf(form, "payment_method") ?? intent.paymentMethod;
  if (token === null) {
    return unexpectedState(store, intent, "You cannot confirm this PaymentIntent because it's missing a payment method.");
  }
  intent.paymentMethod = token;
  const behaviour = decline === null ? resolve(cardBehaviour(token), form) : declineBehaviour(decline);
  switch (behaviour.kind) {
    case "charge":
      store.paid(intent, newCharge(store, intent, token, null));
      break;
    case "decline":
      return declineIntent(store, intent, token, behaviour);
    case "pending": {
      const charge = newCharge(store, intent, token, null);
      intent.status = "processing";
      intent.settle = { atMs: store.world.now() + store.world.settleAfterMs, succeeds: behaviour.succeeds };
      store.save(intent, charge);
      store.tellOf(intent, "payment_intent.processing");
      store.world.later(store.world.settleAfterMs, () => store.intent(intent.id, intent.account));
      break;
    }
    case "requires_action":
      intent.status = "requires_action";
      store.save(intent);
      store.tellOf(intent, "payment_intent.requires_action");
      break;
  }
  return { status: 200, body: JSON.stringify(store.show(intent, expands(form, "latest_charge"))), executed: true };
}

/** The customer came back from the authentication page. */
export function authenticate(store: StripeStore, intent: Intent, passed: boolean): void {
  const token = intent.paymentMethod ?? "";
  if (intent.status !== "requires_action") return;
  if (passed) {
    store.paid(intent, newCharge(store, intent, token, null));
    return;
  }
  intent.status = "requires_payment_method";
  intent.paymentMethod = null;
  intent.lastError = {
    type: "card_error",
    code: "payment_intent_authentication_failure",
    message: "The provided PaymentMethod has failed authentication.",
    payment_method: showPaymentMethod(token),
  };
  store.save(intent);
  store.tellOf(intent, "payment_intent.payment_failed");
}

export function unexpectedState(store: StripeStore, intent: Intent, message: string): Answer {
  return invalid(message, { code: "payment_intent_unexpected_state", payment_intent: store.show(intent) });
}

/** Whether a card that wants authentication can get it depends on the request. */
function resolve(behaviour: CardBehaviour, form: Form): Exclude<CardBehaviour, { kind: "authentication_required" }> {
  if (behaviour.kind !== "authentication_required") return behaviour;
  const offSession = textOf(form, "off_session");
  const cannotAsk = (offSession !== null && offSession !== "false") || textOf(form, "error_on_requires_action") === "true";
  return cannotAsk ? declineBehaviour("authentication_required") : { kind: "requires_action" };
}

function declineIntent(store: StripeStore, intent: Intent, token: string, decline: CardBehaviour & { kind: "decline" }): Answer {
  const fields = declineFields(decline);
  const charge = newCharge(store, intent, token, { type: "card_error", ...fields });
  const error: CardError = { type: "card_error", ...fields, charge: charge.id, payment_method: showPaymentMethod(token) };
  intent.status = "requires_payment_method";
  intent.paymentMethod = null;
  intent.lastError = error;
  store.save(intent, charge);
  store.tellOfCharge(intent, charge, "charge.failed");
  store.tellOf(intent, "payment_intent.payment_failed");
  return cardDeclined(error, store.show(intent));
}

function newCharge(store: StripeStore, intent: Intent, token: string, failure: CardError | null): Charge {
  const charge: Charge = {
    id: store.world.ids.stripe("ch"),
    intent: intent.id,
    paymentMethod: token,
    amount: intent.amount,
    currency: intent.currency,
    created: store.seconds(),
    failure,
    status: failure ? "failed" : "pending",
    captured: false,
    amountCaptured: 0,
    amountRefunded: 0,
  };
  intent.latestCharge = charge.id;
  return charge;
}
