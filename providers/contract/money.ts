/**
 * Money as the whole product carries it: an integer count of the currency's smallest unit.
 * Exponents are ISO 4217's (2024 list); the ones a PSP treats differently are that adapter's business.
 */
export interface Money {
  /** Integer minor units (cents, yen, fils), > 0 wherever a charge is meant. */
  readonly amount: bigint;
  /** ISO 4217 code, lower case. */
  readonly currency: Currency;
}

/** An ISO 4217 alphabetic code in lower case that `exponentOf` knows. */
export type Currency = string & { readonly __brand: "Currency" };

const ZERO_DECIMAL = "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf";
const THREE_DECIMAL = "bhd iqd jod kwd lyd omr tnd";
const TWO_DECIMAL =
  "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf chf cny cop crc cup cve czk " +
  "dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl htg huf idr ils inr irr jmd kes kgs khr kpw kyd kzt lak " +
  "lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron " +
  "rsd rub sar sbd scr sdg sek sgd shp sle sos srd ssp stn svc syp szl thb tjs tmt top try ttd twd tzs uah usd uyu uzs ves wst xcd " +
  "yer zar zmw zwg";

const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...ZERO_DECIMAL.split(" ").map((code) => [code, 0] as const),
  ...TWO_DECIMAL.split(" ").map((code) => [code, 2] as const),
  ...THREE_DECIMAL.split(" ").map((code) => [code, 3] as const),
]);

/** Whether `code` is a currency that Switchyard can charge (lower case ISO 4217). */
export function isCurrency(code: string): code is Currency {
  return EXPONENTS.has(code);
}

/** Decimal places of the currency's minor unit: 0, 2 or 3. */
export function exponentOf(currency: Currency): number {
  const exponent = EXPONENTS.get(currency);
  if (exponent === undefined) throw new RangeError(`not an ISO 4217 currency: ${currency}`);
  return exponent;
}

/** `{4200n, usd}` is `"42.00"`, `{4200n, jpy}` is `"4200"`, `{4200n, kwd}` is `"4.200"`. */
export function toDecimal(money: Money): string {
  const exponent = exponentOf(money.currency);
  if (exponent === 0) return money.amount.toString();
  const digits = money.amount.toString().padStart(exponent + 1, "0");
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** The inverse of `toDecimal`; null for anything that is not exactly such an amount. */
export function fromDecimal(decimal: string, currency: Currency): Money | null {
  const exponent = exponentOf(currency);
  const match = /^(\d{1,15})(?:\.(\d{1,3}))?$/.exec(decimal);
  if (!match) return null;
  const fraction = match[2] ?? "";
  if (fraction.length > exponent && /[1-9]/.test(fraction.slice(exponent))) return null;
  return { amount: BigInt(match[1] + fraction.slice(0, exponent).padEnd(exponent, "0")), currency };
}
