import { isCurrency } from "../contract/money.ts";
import { fromPayPalAmount } from "./amounts.ts";
import { isRecord } from "./answer.ts";

/** What an event is about, as PayPal wrote it. */
export type Json = Readonly<Record<string, unknown>>;

export function moneyOf(amount: unknown): { amount: bigint; currency: string } | null {
  if (!isRecord(amount) || typeof amount.currency_code !== "string" || typeof amount.value !== "string") return null;
  const currency = amount.currency_code.toLowerCase();
  if (!isCurrency(currency)) return null;
  const minor = fromPayPalAmount({ currencyCode: amount.currency_code, value: amount.value }, currency);
  return minor === null ? null : { amount: minor, currency };
}

/** Ids of PayPal's and of ours. */
export function wordOf(value: unknown): string | null {
  return typeof value === "string" && /^[\w:.-]{1,255}$/.test(value) ? value : null;
}
