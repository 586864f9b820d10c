import type { Answer } from "../processor.ts";
import { invalid } from "./error.ts";
import { type MethodState, showPaymentMethod } from "./payment-method.ts";
import type { StripeStore } from "./store.ts";

const RENEWED_YEARS = 4;

/** POST /v1/payment_methods/{id}/detach: it can never be charged again. */
export function detachMethod(store: StripeStore, account: string, token: string): Answer {
  const state = store.method(account, token);
  if (state.detached) return invalid("The payment method you provided is not attached to a customer so detachment is impossible.");
  return changed(store, account, token, { ...state, detached: true }, "payment_method.detached");
}

/** The card network told of a new expiry date. */
export function renewMethod(store: StripeStore, account: string, token: string): Answer {
  const state = store.method(account, token);
  return changed(store, account, token, { ...state, expYear: state.expYear + RENEWED_YEARS }, "payment_method.automatically_updated");
}

function changed(store: StripeStore, account: string, token: string, state: MethodState, event: string): Answer {
  const shown = showPaymentMethod(token, state);
  store.changeMethod(account, token, state);
  store.tell(account, event, () => shown);
  return { status: 200, body: JSON.stringify(shown), executed: true };
}
