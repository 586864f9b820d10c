import { hash } from "node:crypto";
import { canonicalJson } from "../idempotency/fingerprint.ts";
import type { PaymentMethod } from "./charge.ts";

/**
 * What an instrument is known by: for each of its tokens the SHA-256, in hex, of the provider's id and the token as the caller gave it
 * (Stripe: with the customer). A new token is another instrument.
 */
export function instrumentsOf(paymentMethod: Pick<PaymentMethod, "tokens">): string[] {
  return Object.entries(paymentMethod.tokens).map(([provider, token]) => hash("sha256", `${provider}\n${canonicalJson(token)}`, "hex"));
}
