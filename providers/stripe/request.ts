import type { Stripe } from "stripe";
import type { AttemptRequest } from "../contract/provider.ts";
import { toStripeAmount } from "./amounts.ts";
import { checkStripeToken, type StripeToken } from "./token.ts";

/** Stripe's limits on one metadata value and on a description. */
const MAX_METADATA_LENGTH = 500;
const MAX_DESCRIPTION_LENGTH = 1000;

/**
 * The body of the create, a function of the committed request alone: a replay must send the same bytes, or Stripe
 * refuses the key.
 */
export function createParams(request: AttemptRequest): { params: Stripe.PaymentIntentCreateParams } | { problem: string } {
  const wrong = checkStripeToken(request.token);
  if (wrong) return { problem: `payment method ${wrong.path} ${wrong.message}` };
  const amount = toStripeAmount(request.money);
  if ("problem" in amount) return amount;
  const token = request.token as StripeToken;
  const params = {
    amount: amount.amount,
    currency: request.money.currency,
    ...(token.customer === undefined ? {} : { customer: token.customer }),
    payment_method: token.payment_method,
    // Vaulted cards, charged without the customer: the dashboard's choice of methods must not change what we offer.
    payment_method_types: ["card" as const],
    capture_method: request.capture ?? ("automatic" as const),
    ...(request.description === null ? {} : { description: cut(request.description, MAX_DESCRIPTION_LENGTH) }),
    metadata: {
      charge_id: request.chargeId,
      attempt_id: request.attemptId,
      ...(request.reference === null ? {} : { reference: cut(request.reference, MAX_METADATA_LENGTH) }),
    },
  };
  return { params };
}

function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}
