import {
  CheckoutPaymentIntent,
  type OrderCaptureRequest,
  type OrderRequest,
  PaymentInitiator,
  type PaymentSource,
  StoredPaymentSourcePaymentType,
  StoredPaymentSourceUsageType,
  UsagePattern,
} from "@paypal/paypal-server-sdk";
import type { AttemptRequest } from "../contract/provider.ts";
import type { PayPalAmount } from "./amounts.ts";
import type { VaultToken } from "./vault-token.ts";

/** The minimal answer leaves out the captures, and only they say whether money moved. */
export const REPRESENTATION = "return=representation";
/** PayPal's limit for `purchase_units[].description`. */
const MAX_DESCRIPTION_CHARS = 127;

/** The order of an attempt. Without `source` it moves no money; with it PayPal captures at once. */
export function orderOf(request: AttemptRequest, amount: PayPalAmount, source: VaultToken | null): OrderRequest {
  const description = request.description ?? request.reference;
  return {
    intent: request.capture === "manual" ? CheckoutPaymentIntent.Authorize : CheckoutPaymentIntent.Capture,
    purchaseUnits: [
      {
        amount,
        // One invoice per charge, whatever the attempt: PayPal then refuses to be paid twice for it.
        invoiceId: request.chargeId,
        customId: request.attemptId,
        ...(description ? { description: cut(description) } : {}),
      },
    ],
    ...(source ? { paymentSource: sourceOf(source) } : {}),
  };
}

export function captureOf(source: VaultToken): OrderCaptureRequest {
  return { paymentSource: sourceOf(source) };
}

/**
 * A saved instrument, used without its owner. `unscheduled`, because the amount and the day are the billing core's:
 * `recurring` promises a fixed rhythm.
 */
function sourceOf(token: VaultToken): Pick<PaymentSource, "card" | "paypal"> {
  const paymentInitiator = PaymentInitiator.Merchant;
  const usage = StoredPaymentSourceUsageType.Subsequent;
  if (token.source === "paypal") {
    const usagePattern = UsagePattern.UnscheduledPostpaid;
    return { paypal: { vaultId: token.vaultId, storedCredential: { paymentInitiator, usage, usagePattern } } };
  }
  const paymentType = StoredPaymentSourcePaymentType.Unscheduled;
  return { card: { vaultId: token.vaultId, storedCredential: { paymentInitiator, paymentType, usage } } };
}

/** UTF-16 units, as PayPal counts; half a character is not sent. */
function cut(description: string): string {
  return description.slice(0, MAX_DESCRIPTION_CHARS).replace(/[\uD800-\uDBFF]$/, "");
}
