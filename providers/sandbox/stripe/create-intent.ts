import { isCurrency } from "../../contract/money.ts";
import type { Answer } from "../processor.ts";
import { amountProblem } from "./amount.ts";
import { confirmIntent } from "./confirm-intent.ts";
import { invalid, missing } from "./error.ts";
import { expands, type Form, mapOf, textOf } from "./form.ts";
import type { Intent } from "./intent.ts";
import type { StripeStore } from "./store.ts";

/** POST /v1/payment_intents. With `confirm=true` it charges in the same step. */
export function createIntent(store: StripeStore, account: string, form: Form, decline: string | null): Answer {
  const problem = problemOf(form) ?? methodProblem(store, account, textOf(form, "payment_method"));
  if (problem) return problem;
  const paymentMethod = textOf(form, "payment_method");
  const intent: Intent = {
    id: store.world.ids.stripe("pi"),
    seq: store.world.now(),
    account,
    amount: Number(textOf(form, "amount")),
    currency: textOf(form, "currency")!.toLowerCase(),
    captureMethod: textOf(form, "capture_method") ?? "automatic_async",
    customer: textOf(form, "customer"),
    description: textOf(form, "description"),
    metadata: mapOf(form, "metadata"),
    created: store.seconds(),
    status: paymentMethod ? "requires_confirmation" : "requires_payment_method",
    paymentMethod,
    amountCapturable: 0,
    amountReceived: 0,
    latestCharge: null,
    lastError: null,
    settle: null,
    canceledAt: null,
    cancellationReason: null,
  };
  if (textOf(form, "confirm") === "true") return confirmIntent(store, intent, form, decline);
  store.save(intent);
  return { status: 200, body: JSON.stringify(store.show(intent, expands(form, "latest_charge"))), executed: true };
}

const MAX_METADATA = 50;
const MAX_METADATA_KEY = 40;
const MAX_METADATA_VALUE = 500;

function problemOf(form: Form): Answer | null {
  const amount = textOf(form, "amount");
  if (amount === null) return invalid("Missing required param: amount.", { code: "parameter_missing", param: "amount" });
  if (!/^-?\d{1,15}$/.test(amount)) return invalid(`Invalid integer: ${amount}`, { code: "parameter_invalid_integer", param: "amount" });
  const currency = textOf(form, "currency")?.toLowerCase();
  if (!currency) return invalid("Missing required param: currency.", { code: "parameter_missing", param: "currency" });
  if (!isCurrency(currency)) return invalid(`Invalid currency: ${currency}.`, { param: "currency" });
  const wrong = amountProblem(Number(amount), currency);
  if (wrong) return invalid(wrong.message, { code: wrong.code, param: "amount" });
  const method = textOf(form, "capture_method");
  if (method !== null && !["automatic", "automatic_async", "manual"].includes(method)) {
    return invalid("Invalid capture_method: must be one of automatic, automatic_async, or manual", { param: "capture_method" });
  }
  if (textOf(form, "off_session") === "true" && textOf(form, "confirm") !== "true") {
    return invalid("off_session can only be used when confirm is true.", { param: "off_session" });
  }
  return metadataProblem(form);
}

/** Why a payment method cannot be used (any more), or null. Stripe gives the second no code. */
export function methodProblem(store: StripeStore, account: string, token: string | null): Answer | null {
  if (token?.startsWith("pm_missing")) return missing("PaymentMethod", token, "payment_method", 400);
  if (token === null || !store.method(account, token).detached) return null;
  return invalid(
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
  );
}

function metadataProblem(form: Form): Answer | null {
  const entries = Object.entries(mapOf(form, "metadata"));
  if (entries.length > MAX_METADATA) return invalid(`Metadata can have up to ${MAX_METADATA} keys.`, { param: "metadata" });
  for (const [key, value] of entries) {
    if (key.length > MAX_METADATA_KEY)
      return invalid(`Metadata keys can have up to ${MAX_METADATA_KEY} characters.`, { param: "metadata" });
    if (value.length > MAX_METADATA_VALUE) {
      return invalid(`Metadata values can have up to ${MAX_METADATA_VALUE} characters.`, { param: `metadata[${key}]` });
    }
  }
  return null;
}
