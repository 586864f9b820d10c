import { z } from "zod";
import { namedProviders } from "../../routing/rules.ts";
import { country, currency, MAX_AMOUNT, text, word } from "./charge-request.ts";

/** Rules are read with each decision; nobody can follow more of them. */
const MAX_RULES = 200;
const MAX_PROVIDERS = 64;
const MAX_NAME = 100;
/** All countries, currencies or brands that there are. */
const MAX_LIST = 300;
const MAX_CONDITIONS = 50;
const MAX_WEIGHT = 1_000_000;
/** Of one provider, fleet-wide; far above what any of them allows. */
const MAX_PER_SECOND = 100_000;

const providerId = z.string("must be a provider's id").min(1, "must be a provider's id").max(100, "must be a provider's id");
const share = z.number("must be a number from 0 to 1").min(0, "must be a number from 0 to 1").max(1, "must be a number from 0 to 1");
const within = (least: number, most: number, what: string) => {
  const fault = `must be a number from ${least} to ${most}`;
  return z.number(fault).min(least, fault).max(most, fault).meta({ description: what });
};
const minor = z
  .int(`must be an integer from 0 to ${MAX_AMOUNT}, in the currency's smallest unit`)
  .min(0, `must be an integer from 0 to ${MAX_AMOUNT}, in the currency's smallest unit`)
  .max(MAX_AMOUNT, `must be an integer from 0 to ${MAX_AMOUNT}, in the currency's smallest unit`);

/** `{key: value}` with a bound on its size. */
function sized<K extends z.core.$ZodRecordKey, V extends z.ZodType>(key: K, value: V, most: number) {
  return z.record(key, value, "must be an object").refine((record) => Object.keys(record).length <= most, `must have at most ${most} keys`);
}

const list = <T extends z.ZodType>(item: T, most: number) =>
  z
    .array(item, "must be a list")
    .min(1, "must not be empty: leave it out instead")
    .max(most, `must have at most ${most} entries`)
    .refine((items) => new Set(items).size === items.length, "names something twice");

const condition = z
  .strictObject({
    currencies: list(currency, MAX_LIST).optional(),
    methods: list(word("the method's type"), MAX_LIST).optional(),
    brands: list(word("the card's brand"), MAX_LIST).optional(),
    countries: list(country, MAX_LIST).optional(),
    amount: z
      .strictObject({ currency, min: minor.optional(), max: minor.optional() })
      .refine(({ min, max }) => min === undefined || max === undefined || min <= max, { path: ["max"], error: "must not be below min" })
      .optional(),
  })
  .meta({ id: "RoutingCondition", description: "All that is given must fit the charge; {} fits every charge." });

const policy = {
  strategy: z.enum(["success_rate", "order", "weights"], "must be success_rate, order or weights").optional(),
  order: list(providerId, MAX_PROVIDERS).optional(),
  weights: sized(providerId, within(0, MAX_WEIGHT, "A part of the volume"), MAX_PROVIDERS)
    .refine((weights) => Object.values(weights).some((weight) => weight > 0), "needs at least one weight above 0")
    .optional(),
};

const fees = z.strictObject({
  percent: within(0, 100, "Of the amount, when it succeeds").optional(),
  fixed: within(0, MAX_AMOUNT, "Minor units, when it succeeds").optional(),
  per_attempt: within(0, MAX_AMOUNT, "Minor units, for each attempt").optional(),
});

const providerRules = z.strictObject({
  accepts: z.array(condition, "must be a list").max(MAX_CONDITIONS, `must have at most ${MAX_CONDITIONS} entries`).optional(),
  limits: z
    .strictObject({
      per_second: within(0.01, MAX_PER_SECOND, "Attempts of the whole fleet: never exceeded").optional(),
      share: share.optional().meta({ description: "Of the recent attempts: yields when nobody else can serve" }),
    })
    .optional(),
  fees: sized(z.union([z.literal("*"), currency], "must be a currency, like usd, or *"), fees, MAX_LIST).optional(),
});

const rule = z.strictObject({
  name: text("For people: it is kept with each decision", MAX_NAME),
  when: condition,
  use: z.strictObject({ ...policy, providers: list(providerId, MAX_PROVIDERS).optional() }),
});

/** The rules of this installation: strict, bounded, and only with providers that are configured. */
export function routingRulesSchema(providers: readonly string[]) {
  return z
    .strictObject({
      ...policy,
      rules: z
        .array(rule, "must be a list")
        .max(MAX_RULES, `must have at most ${MAX_RULES} entries`)
        .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, "two rules have the same name")
        .optional(),
      providers: sized(providerId, providerRules, MAX_PROVIDERS).optional(),
      objective: z
        .discriminatedUnion(
          "kind",
          [z.strictObject({ kind: z.literal("success") }), z.strictObject({ kind: z.literal("profit"), margin: share })],
          'must be {"kind": "success"} or {"kind": "profit", "margin": 0 to 1}',
        )
        .optional(),
      exploration: z.strictObject({ share, up_to: sized(currency, minor, MAX_LIST).optional() }).optional(),
    })
    .superRefine((rules, context) => {
      const fault = (path: readonly (string | number)[], message: string) => context.addIssue({ code: "custom", path: [...path], message });
      const policies = [
        { use: rules, path: [] as (string | number)[] },
        ...(rules.rules ?? []).map(({ use }, i) => ({ use, path: ["rules", i, "use"] })),
      ];
      for (const { use, path } of policies) {
        if (use.strategy === "order" && !(use.order ?? rules.order)) fault([...path, "strategy"], "needs an order");
        if (use.strategy === "weights" && !(use.weights ?? rules.weights)) fault([...path, "strategy"], "needs weights");
        if (path.length === 0) continue;
        const strategy = use.strategy ?? rules.strategy;
        if (use.order && strategy !== "order") fault([...path, "order"], "has no effect without the strategy order");
        if (use.weights && strategy !== "weights") fault([...path, "weights"], "has no effect without the strategy weights");
      }
      for (const { provider, path } of namedProviders(rules)) {
        if (!providers.includes(provider)) fault(path, `is not a provider here: ${providers.join(", ")}`);
      }
    })
    .meta({ id: "RoutingRules" });
}

export const RULES_EXAMPLE = {
  strategy: "success_rate",
  rules: [
    {
      name: "large euro charges",
      when: { currencies: ["eur"], amount: { currency: "eur", min: 50_000 } },
      use: { strategy: "order", order: ["stripe", "paypal"] },
    },
    { name: "contract volume in the US", when: { countries: ["US"] }, use: { strategy: "weights", weights: { stripe: 70, paypal: 30 } } },
  ],
  providers: {
    stripe: { fees: { usd: { percent: 2.9, fixed: 30 }, "*": { percent: 3.4, fixed: 30 } } },
    paypal: { limits: { per_second: 20, share: 0.5 }, fees: { "*": { percent: 3.49, fixed: 49 } } },
  },
  objective: { kind: "profit", margin: 0.4 },
};
