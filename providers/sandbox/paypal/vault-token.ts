/** What a vaulted payment method does when it is charged. */
export type VaultBehaviour =
  | { readonly kind: "charge" }
  /** 422: the order stays as it was. */
  | { readonly kind: "refuse"; readonly issue: string }
  /** 201: the order is COMPLETED, its capture DECLINED. */
  | { readonly kind: "processor_declines"; readonly responseCode: string; readonly adviceCode: string | null }
  | { readonly kind: "pending"; readonly succeeds: boolean }
  | { readonly kind: "payer_action" };

/** Unknown tokens charge. */
export function vaultBehaviour(vaultId: string): VaultBehaviour {
  if (vaultId.startsWith("decline_")) return { kind: "refuse", issue: vaultId.slice("decline_".length) };
  if (vaultId.startsWith("processor_")) return processorDecline(vaultId);
  if (vaultId === "pending" || vaultId === "pending_fails") return { kind: "pending", succeeds: vaultId === "pending" };
  if (vaultId === "payer_action") return { kind: "payer_action" };
  return { kind: "charge" };
}

/** What becomes of the capture of a hold; null: it succeeds. */
export function holdCaptured(vaultId: string): "pending" | "pending_fails" | "declined" | null {
  if (vaultId === "pending" || vaultId === "pending_fails") return vaultId;
  return vaultId === "hold_declined" ? "declined" : null;
}

/** Whether a refund waits first, as an e-check does. */
export function refundWaits(vaultId: string): { readonly succeeds: boolean } | null {
  if (vaultId === "refund_pending") return { succeeds: true };
  return vaultId === "refund_fails" ? { succeeds: false } : null;
}

/** The buyer disputes what was captured, at once; null: never. */
export function disputeStage(vaultId: string): "INQUIRY" | "CHARGEBACK" | null {
  if (vaultId === "disputed") return "CHARGEBACK";
  return vaultId === "disputed_inquiry" ? "INQUIRY" : null;
}

/** A `decline` fault's code: an issue, or `processor_<code>`; none is INSTRUMENT_DECLINED. */
export function faultBehaviour(code: string): VaultBehaviour {
  if (code.startsWith("processor_")) return processorDecline(code);
  return { kind: "refuse", issue: code || "INSTRUMENT_DECLINED" };
}

function processorDecline(text: string): VaultBehaviour {
  const [code = "", ...more] = text.slice("processor_".length).split("__");
  const advice = more.find((part) => part.startsWith("advice_"))?.slice("advice_".length) ?? null;
  return { kind: "processor_declines", responseCode: code, adviceCode: advice };
}

// These say that something else must happen first; PayPal keeps no answer of that kind for the request id.
const NOT_FINAL = new Set([
  "DUPLICATE_INVOICE_ID",
  "ORDER_ALREADY_CAPTURED",
  "ORDER_COMPLETION_IN_PROGRESS",
  "ORDER_NOT_APPROVED",
  "PAYER_ACTION_REQUIRED",
  "PREVIOUS_REQUEST_IN_PROGRESS",
  "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
]);

/** Whether the funding source was asked and said no. */
export function isFinal(issue: string): boolean {
  return !NOT_FINAL.has(issue);
}
