import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { type Currency, isCurrency } from "../../providers/contract/money.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { CAPTURES, FAILOVERS, type PaymentMethod } from "../charges/charge.ts";
import type { PaymentMethodId } from "../ids.ts";
import { COUNTRIES } from "./countries.ts";
import { pathOf } from "./pointer.ts";

/** Minor units: 12 digits, so that every sum that we make of them fits 64 bits. */
export const MAX_AMOUNT = 999_999_999_999;
const MAX_DEFER_MS = 30 * 24 * 3_600_000;
export const DEFAULT_DEFER_MS = 72 * 3_600_000;
const MAX_TEXT = 500;
const MAX_METADATA_KEYS = 50;
const MAX_METADATA_KEY = 40;

const AMOUNT_FAULT = `must be an integer from 1 to ${MAX_AMOUNT}, in the currency's smallest unit`;

export const amount = z
  .int(AMOUNT_FAULT)
  .min(1, AMOUNT_FAULT)
  .max(MAX_AMOUNT, AMOUNT_FAULT)
  .transform((value) => BigInt(value));

export const currency = z
  .string("must be a currency code, like usd")
  .refine((code): code is Currency => isCurrency(code), "must be an ISO 4217 code in lower case, like usd")
  .meta({ pattern: "^[a-z]{3}$", description: "ISO 4217, lower case" });

export const word = (what: string) =>
  z
    .string(`must be ${what}`)
    .regex(/^[a-z][a-z0-9_]{0,31}$/, `must be ${what}, in lower case`)
    .meta({ description: what });

export const country = z
  .string("must be a country code, like US")
  .refine((code) => COUNTRIES.has(code), "must be an ISO 3166-1 alpha-2 code in upper case, like US")
  .meta({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2 of the card's issuer or the customer" });

export const text = (what: string, max: number) =>
  z
    .string(`must be text of 1 to ${max} characters`)
    .min(1, `must be text of 1 to ${max} characters`)
    .max(max, `must be text of 1 to ${max} characters`)
    .meta({ description: what });

export const metadata = z
  .record(
    z.string().min(1, "must not be empty").max(MAX_METADATA_KEY, `must be at most ${MAX_METADATA_KEY} characters`),
    z.string(`must be text of at most ${MAX_TEXT} characters`).max(MAX_TEXT, `must be text of at most ${MAX_TEXT} characters`),
    "must be an object of texts",
  )
  .refine((entries) => Object.keys(entries).length <= MAX_METADATA_KEYS, `must have at most ${MAX_METADATA_KEYS} keys`)
  .meta({ description: "Yours; it is given back as it is. No key holds a quotation mark, a backslash or a control character" });

/** The tokens that a provider may charge, by provider id. */
export type TokenCheckers = ReadonlyMap<string, Pick<Provider, "kind" | "checkToken">>;

/** The body of POST /v1/charges, for the providers of this installation. */
export function chargeRequestSchema(providers: TokenCheckers, clock: Pick<Clock, "now">) {
  return z
    .strictObject({
      amount,
      currency,
      reference: text("Yours: an invoice, an order. Two unfinished charges cannot share it", 255).optional(),
      allow_duplicate_reference: z.boolean("must be true or false").default(false),
      payment_method: chargedMethodSchema(providers),
      capture: z
        .enum(CAPTURES, "must be automatic or manual")
        .default("automatic")
        .meta({ description: "manual: only authorize; POST /v1/charges/{id}/capture takes the money" }),
      failover: z.enum(FAILOVERS, "must be proven or authorize_first").default("proven").meta({
        description: "authorize_first: authorize, then capture; an authorization without an answer is left to the next provider at once",
      }),
      defer: deferSchema(clock).optional(),
      description: text("For the customer's statement at the provider, where it shows one", MAX_TEXT).optional(),
      metadata: metadata.default({}),
    })
    .meta({ id: "ChargeRequest" });
}

const NOT_TOKENS = {
  type: word("the method's type").default("card"),
  brand: word("the card's brand").optional(),
  country: country.optional(),
};

export const paymentMethodId = z
  .string("must be the id of a stored payment method, like pm_01k9x6w2v8")
  .regex(/^pm_[0-9a-z]{1,60}$/, "must be the id of a stored payment method, like pm_01k9x6w2v8")
  .transform((id) => id as PaymentMethodId)
  .meta({ description: "A stored payment method: see /v1/payment-methods" });

/** The tokens themselves, or the id of a stored payment method. */
function chargedMethodSchema(providers: TokenCheckers) {
  const ids = [...providers.keys()].join(", ");
  return z.union(
    [paymentMethodId, paymentMethodSchema(providers)],
    `must be the id of a stored payment method (pm_...), or an object with a token for at least one of: ${ids}`,
  );
}

/** `{<provider id>: token, …, type, brand, country}`: at least one token, each as its adapter wants it. */
export function paymentMethodSchema(providers: TokenCheckers) {
  return instrumentSchema(providers, {}).transform(({ paymentMethod }) => paymentMethod);
}

/** The same with more fields beside the tokens. */
export function instrumentSchema<More extends z.ZodRawShape>(providers: TokenCheckers, more: More) {
  const aliases = aliasesOf(providers);
  const tokens: Record<string, z.ZodType> = {};
  for (const [id, provider] of providers) {
    if (Object.hasOwn(NOT_TOKENS, id) || Object.hasOwn(more, id))
      throw new Error(`a provider cannot be called ${id}: payment_method has a field of that name`);
    tokens[id] = tokenSchema(id, provider).optional();
  }
  for (const [alias, ids] of aliases) {
    const [only, second] = ids;
    tokens[alias] = second === undefined ? tokenSchema(only, providers.get(only)!).optional() : z.never(ambiguous(ids)).optional();
  }
  const ids = [...providers.keys()];
  const hasToken = (value: object): boolean => Object.keys(tokens).some((id) => Object.hasOwn(value, id));
  const twice = (value: object): boolean => [...aliases].some(([alias, [id]]) => Object.hasOwn(value, alias) && Object.hasOwn(value, id));
  const isObject = ({ value }: { value: unknown }): boolean => typeof value === "object" && value !== null;
  return z
    .strictObject({ ...tokens, ...NOT_TOKENS, ...more }, `must be an object with a token for at least one of: ${ids.join(", ")}`)
    .refine(hasToken, { error: `needs a token for at least one of: ${ids.join(", ")}`, when: isObject })
    .refine((value) => !twice(value), { error: "names one provider twice: by its id, and by its adapter's name", when: isObject })
    .transform((given) => {
      const { type, brand, country, ...rest } = given as z.output<z.ZodObject<typeof NOT_TOKENS>> & Record<string, unknown>;
      const isMore = ([name]: [string, unknown]): boolean => Object.hasOwn(more, name);
      const byId = Object.entries(rest).flatMap((entry) => (isMore(entry) ? [] : [[aliases.get(entry[0])?.[0] ?? entry[0], entry[1]]]));
      const paymentMethod: PaymentMethod = { tokens: Object.fromEntries(byId), type, brand: brand ?? null, country: country ?? null };
      return { paymentMethod, more: Object.fromEntries(Object.entries(rest).filter(isMore)) as z.output<z.ZodObject<More>> };
    });
}

/**
 * An adapter's own name, where no provider is called so, stands for the one provider that has this adapter: by it callers need not
 * change when the account gets an id. With several it is ambiguous.
 */
export function aliasesOf(providers: TokenCheckers): Map<string, [string, ...string[]]> {
  const byKind = new Map<string, [string, ...string[]]>();
  for (const [id, { kind }] of providers) {
    const ids = byKind.get(kind);
    if (ids) ids.push(id);
    else if (!providers.has(kind) && !Object.hasOwn(NOT_TOKENS, kind)) byKind.set(kind, [id]);
  }
  return byKind;
}

function ambiguous(ids: readonly string[]): string {
  return `names ${ids.length} providers: give the token under the id that it belongs to, one of ${ids.join(", ")}`;
}

function tokenSchema(id: string, provider: Pick<Provider, "checkToken">): z.ZodType {
  return z
    .unknown()
    .superRefine((token, context) => {
      const fault = token === undefined ? null : provider.checkToken(token);
      if (fault) context.addIssue({ code: "custom", path: pathOf(fault.path), message: fault.message });
    })
    .meta({ description: `What ${id} calls the saved payment method: its token, never a card number` });
}

/** false, or until when: RFC 3339, in the future, at most 30 days ahead. As milliseconds since 1970. */
function deferSchema(clock: Pick<Clock, "now">) {
  const until = z.iso
    .datetime({ offset: true, error: "must be a time like 2026-12-01T00:00:00Z" })
    .refine((time) => Date.parse(time) > clock.now(), "must be in the future")
    .refine((time) => Date.parse(time) <= clock.now() + MAX_DEFER_MS, "must be within 30 days")
    .transform((time) => Date.parse(time));
  return z
    .union([z.literal(false), z.strictObject({ until })], 'must be false, or {"until": a time}')
    .meta({ description: "What to do while no provider can be used: keep the charge (default: 72 hours), or refuse it (false)" });
}

const EXAMPLE_TOKENS: Readonly<Record<string, object>> = {
  stripe: { customer: "cus_1", payment_method: "pm_card_visa" },
  paypal: { vault_id: "8kk845", source: "card" },
};

/** A body, as the documentation of these providers shows it. */
export function chargeExample(providers: TokenCheckers) {
  const tokens = [...providers].flatMap(([id, { kind }]) => (EXAMPLE_TOKENS[kind] ? [[id, EXAMPLE_TOKENS[kind]]] : []));
  return {
    amount: 4200,
    currency: "usd",
    reference: "invoice-1042",
    payment_method: { ...Object.fromEntries(tokens), type: "card", brand: "visa", country: "US" },
    metadata: { customer: "42" },
  };
}
