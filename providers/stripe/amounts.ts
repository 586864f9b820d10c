import type { Currency, Money } from "../contract/money.ts";
import { exponentOf, isCurrency } from "../contract/money.ts";

/**
 * Where Stripe's smallest unit is not ISO 4217's (docs.stripe.com/currencies, "Minor units" and "Special cases"):
 * ISK and UGX have no decimals but are sent with two zeros; MGA has two in ISO and none at Stripe.
 */
const STRIPE_EXPONENTS: ReadonlyMap<string, number> = new Map([
  ["isk", 2],
  ["ugx", 2],
  ["mga", 0],
]);

/** Three-decimal currencies exist at Stripe, but the last digit must be 0. */
const THREE_DECIMAL_STEP = 10n;

/** The integer that Stripe wants, or why this amount cannot be said to Stripe. */
export function toStripeAmount(money: Money): { amount: number } | { problem: string } {
  const iso = exponentOf(money.currency);
  const shift = (STRIPE_EXPONENTS.get(money.currency) ?? iso) - iso;
  const scaled = shift >= 0 ? money.amount * 10n ** BigInt(shift) : money.amount / 10n ** BigInt(-shift);
  const back = fromStripe(scaled, money.currency);
  if (back !== money.amount) {
    return { problem: `Stripe takes ${money.currency} amounts in multiples of ${10 ** -shift} minor units only` };
  }
  if (iso === 3 && money.amount % THREE_DECIMAL_STEP !== 0n) {
    return { problem: `Stripe takes ${money.currency} amounts in multiples of ${THREE_DECIMAL_STEP} minor units only` };
  }
  if (scaled <= 0n || scaled > BigInt(Number.MAX_SAFE_INTEGER)) return { problem: "the amount is outside of Stripe's range" };
  return { amount: Number(scaled) };
}

/** What Stripe states, in our minor units; null if it is no such amount. */
export function fromStripeAmount(amount: unknown, currency: unknown): Money | null {
  if (typeof amount !== "number" || !Number.isSafeInteger(amount) || amount < 0) return null;
  if (typeof currency !== "string" || !isCurrency(currency)) return null;
  const ours = fromStripe(BigInt(amount), currency);
  return ours === null ? null : { amount: ours, currency };
}

function fromStripe(amount: bigint, currency: Currency): bigint | null {
  const iso = exponentOf(currency);
  const shift = (STRIPE_EXPONENTS.get(currency) ?? iso) - iso;
  if (shift <= 0) return amount * 10n ** BigInt(-shift);
  const factor = 10n ** BigInt(shift);
  return amount % factor === 0n ? amount / factor : null;
}
