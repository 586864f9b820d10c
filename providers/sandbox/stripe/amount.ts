import { type Currency, exponentOf } from "../../contract/money.ts";

// https://docs.stripe.com/currencies: what differs from ISO 4217 in Stripe's integers.
const WHOLE_IN_HUNDREDTHS = new Set(["isk", "ugx"]); // two decimals on the wire, which must be 00
const ZERO_DECIMAL_HERE = new Set(["mga"]); // ISO 4217 gives it two

const MAX_AMOUNT = 999_999_999_999;

/** Why Stripe would refuse the amount, or null. */
export function amountProblem(amount: number, currency: string): { message: string; code: string } | null {
  if (!Number.isInteger(amount)) return { message: "Invalid integer", code: "parameter_invalid_integer" };
  if (amount < 1) return { message: "This value must be greater than or equal to 1.", code: "parameter_invalid_integer" };
  if (amount > MAX_AMOUNT) return { message: "Amount must be no more than 999999999999.", code: "amount_too_large" };
  if (exponentOf(currency as Currency) === 3 && amount % 10 !== 0) {
    return { message: `Invalid amount: ${currency} amounts must be multiples of 10.`, code: "invalid_amount" };
  }
  if (WHOLE_IN_HUNDREDTHS.has(currency) && amount % 100 !== 0) {
    return { message: `Invalid amount: ${currency} amounts must be multiples of 100.`, code: "invalid_amount" };
  }
  return null;
}

/** Stripe's integer in ISO 4217 minor units, for the ledger. */
export function toMinorUnits(amount: number, currency: string): bigint {
  if (WHOLE_IN_HUNDREDTHS.has(currency)) return BigInt(amount / 100);
  if (ZERO_DECIMAL_HERE.has(currency)) return BigInt(amount) * 100n;
  return BigInt(amount);
}
