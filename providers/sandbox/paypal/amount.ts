import { type Currency, fromDecimal } from "../../contract/money.ts";
import type { Answer } from "../processor.ts";
import { badRequest, unprocessable } from "./error.ts";

/** An amount as PayPal writes it, and in hundredths (or whole units where PayPal has no decimals) to count with. */
export interface Amount {
  /** Upper case. */
  readonly currency: string;
  readonly value: string;
  readonly units: number;
}

// https://developer.paypal.com/api/rest/reference/currency-codes/
const TWO_DECIMALS = new Set("AUD BRL CAD CNY CZK DKK EUR HKD ILS MYR MXN NZD NOK PHP PLN GBP SGD SEK CHF THB USD".split(" "));
const NO_DECIMALS = new Set(["HUF", "JPY", "TWD"]);

const VALUE = /^-?\d{0,12}(?:\.\d{1,6})?$/;

/** Checks an `amount` object; `field` is its JSON pointer. */
export function parseAmount(input: unknown, field: string): { amount: Amount } | { problem: Answer } {
  const { currency_code: currency, value } = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  if (currency === undefined) return { problem: badRequest("MISSING_REQUIRED_PARAMETER", `${field}/currency_code`) };
  if (value === undefined) return { problem: badRequest("MISSING_REQUIRED_PARAMETER", `${field}/value`) };
  if (typeof currency !== "string" || currency.length !== 3)
    return { problem: badRequest("INVALID_STRING_LENGTH", `${field}/currency_code`) };
  if (typeof value !== "string" || value === "" || !VALUE.test(value)) {
    return { problem: badRequest("INVALID_PARAMETER_SYNTAX", `${field}/value`) };
  }
  const code = currency.toUpperCase();
  const whole = NO_DECIMALS.has(code);
  if (!whole && !TWO_DECIMALS.has(code)) return { problem: unprocessable("CURRENCY_NOT_SUPPORTED", { field: `${field}/currency_code` }) };
  if (Number(value) <= 0) return { problem: unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", { field: `${field}/value` }) };
  const decimals = value.includes(".") ? value.length - value.indexOf(".") - 1 : 0;
  if (whole && decimals > 0) return { problem: unprocessable("DECIMALS_NOT_SUPPORTED", { field: `${field}/value` }) };
  if (decimals > 2) return { problem: unprocessable("DECIMAL_PRECISION", { field: `${field}/value` }) };
  return { amount: amountOf(Math.round(Number(value) * (whole ? 1 : 100)), code) };
}

export function amountOf(units: number, currency: string): Amount {
  return { currency, units, value: NO_DECIMALS.has(currency) ? String(units) : (units / 100).toFixed(2) };
}

export function showAmount(amount: Amount): { currency_code: string; value: string } {
  return { currency_code: amount.currency, value: amount.value };
}

/** In ISO 4217 minor units, for the ledger: HUF and TWD have decimals there. */
export function toMinorUnits(amount: Amount): bigint {
  const money = fromDecimal(amount.value, amount.currency.toLowerCase() as Currency);
  if (!money) throw new Error(`not an amount: ${amount.value} ${amount.currency}`);
  return money.amount;
}
