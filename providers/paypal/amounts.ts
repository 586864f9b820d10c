import { type Currency, fromDecimal, type Money, toDecimal } from "../contract/money.ts";

/** The currencies that PayPal's REST API charges in: developer.paypal.com/docs/api/reference/currency-codes. */
export const PAYPAL_CURRENCIES: ReadonlySet<string> = new Set(
  "aud brl cad chf cny czk dkk eur gbp hkd huf ils jpy mxn myr nok nzd php pln rub sek sgd thb twd usd".split(" "),
);

/** PayPal takes no decimals for these; ISO gives two of them some (forint, New Taiwan dollar). */
const WITHOUT_DECIMALS: ReadonlySet<string> = new Set(["huf", "jpy", "twd"]);

export interface PayPalAmount {
  readonly currencyCode: string;
  readonly value: string;
}

/** The amount as PayPal writes it, or why PayPal cannot take it. */
export function toPayPalAmount(money: Money): PayPalAmount | { readonly refused: string } {
  const { amount, currency } = money;
  if (!PAYPAL_CURRENCIES.has(currency)) return { refused: `PayPal does not charge in ${currency}` };
  if (amount <= 0n) return { refused: "the amount is not above zero" };
  const decimal = toDecimal(money);
  const [whole = "", fraction = ""] = decimal.split(".");
  if (!WITHOUT_DECIMALS.has(currency)) return { currencyCode: currency.toUpperCase(), value: decimal };
  if (/[1-9]/.test(fraction)) return { refused: `PayPal takes whole ${currency} only` };
  return { currencyCode: currency.toUpperCase(), value: whole };
}

/** Minor units of PayPal's decimal amount, or null when it is in another currency or no amount. */
export function fromPayPalAmount(amount: { currencyCode?: string; value?: string } | undefined, currency: Currency): bigint | null {
  if (amount?.currencyCode === undefined || amount.value === undefined) return null;
  if (amount.currencyCode.toLowerCase() !== currency) return null;
  return fromDecimal(amount.value, currency)?.amount ?? null;
}
