import { own } from "./own.ts";

/** What a business decides about its charges: who may take which, in which order, at which fees. `{}`: success rate alone decides. */
export interface RoutingRules extends Policy {
  /** The first whose `when` fits a charge decides over the defaults. */
  readonly rules?: readonly Rule[] | undefined;
  readonly providers?: Readonly<Record<string, ProviderRules>> | undefined;
  /** Default: success. */
  readonly objective?: Objective | undefined;
  /** Default: none. docs/routing-benchmark.md: it gained nothing; it buys propensities that are never 0. */
  readonly exploration?: Exploration | undefined;
}

/** `success_rate`: expected approval, or profit, times health. `order`: a list. `weights`: a split of the volume. */
export type Strategy = "success_rate" | "order" | "weights";

interface Policy {
  readonly strategy?: Strategy | undefined;
  /** Provider ids, first choice first; those that it does not name follow by score. */
  readonly order?: readonly string[] | undefined;
  /** Parts of the volume, in any unit; those that it does not name, or gives 0, only get what the others cannot take. */
  readonly weights?: Readonly<Record<string, number>> | undefined;
}

export interface Rule {
  readonly name: string;
  readonly when: Condition;
  readonly use: Use;
}

export interface Use extends Policy {
  /** Only these. */
  readonly providers?: readonly string[] | undefined;
}

/** All that is given must fit; a charge without a brand or country fits no list of them. */
export interface Condition {
  readonly currencies?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly brands?: readonly string[] | undefined;
  readonly countries?: readonly string[] | undefined;
  /** Minor units, both ends included. An amount in another currency does not fit. */
  readonly amount?: { readonly currency: string; readonly min?: number | undefined; readonly max?: number | undefined } | undefined;
}

export interface ProviderRules {
  /** Any of them; absent: everything. */
  readonly accepts?: readonly Condition[] | undefined;
  readonly limits?: Limits | undefined;
  /** By currency, or `*` for those that are not named. */
  readonly fees?: Readonly<Record<string, Fees>> | undefined;
}

export interface Limits {
  /** Attempts of the whole fleet. Hard: who exceeds it is not asked. */
  readonly per_second?: number | undefined;
  /** 0 to 1, of the recent attempts. Soft: it yields when nobody else can serve. */
  readonly share?: number | undefined;
}

export interface Fees {
  /** Of the amount, when it succeeds. */
  readonly percent?: number | undefined;
  /** Minor units, when it succeeds. */
  readonly fixed?: number | undefined;
  /** Minor units, for each attempt. */
  readonly per_attempt?: number | undefined;
}

/** `profit`: expected margin on the amount, less fees. `margin`: the share of the amount that is lost when a charge fails. */
export type Objective = { readonly kind: "success" } | { readonly kind: "profit"; readonly margin: number };

export interface Exploration {
  /** 0 to 1: of the charges, sent to a healthy provider by lot. */
  readonly share: number;
  /** Minor units by currency. With it, no other currency and no higher amount is explored. */
  readonly up_to?: Readonly<Record<string, number>> | undefined;
}

/** Rules and the version that they are stored as; 0: none were ever set. */
export interface RulesInForce {
  readonly version: number;
  readonly rules: RoutingRules;
}

export const NO_RULES: RulesInForce = { version: 0, rules: {} };

/** What a provider's configuration says; rules that name the same replace it. */
export type ProviderDefaults = Readonly<Record<string, Pick<ProviderRules, "fees" | "limits">>>;

export function withDefaults(rules: RoutingRules, defaults: ProviderDefaults): RoutingRules {
  const providers = { ...rules.providers };
  for (const [id, { fees, limits }] of Object.entries(defaults)) {
    const said = own(providers, id);
    providers[id] = { ...said, fees: said?.fees ?? fees, limits: said?.limits ?? limits };
  }
  return { ...rules, providers };
}

/** What rules may ask of a charge. */
export interface RoutedCharge {
  /** Decides the charge's place in a volume split: the same for each of its attempts. */
  readonly id: string;
  readonly country: string | null;
  readonly type: string;
  readonly brand: string | null;
  readonly currency: string;
  /** Minor units: at most 12 digits, exact as a number. */
  readonly amount: number;
}

/** What holds for one charge. */
export interface PolicyInForce {
  /** Of the rule that fitted; null: the defaults. */
  readonly rule: string | null;
  readonly strategy: Strategy;
  readonly order: readonly string[];
  readonly weights: Readonly<Record<string, number>>;
  /** null: all. */
  readonly allowed: readonly string[] | null;
}

const NOBODY: readonly string[] = [];
const NO_WEIGHTS: Readonly<Record<string, number>> = {};

export function policyFor(rules: RoutingRules, charge: RoutedCharge): PolicyInForce {
  const rule = rules.rules?.find(({ when }) => fits(when, charge)) ?? null;
  const use: Policy = rule?.use ?? rules;
  return {
    rule: rule?.name ?? null,
    strategy: use.strategy ?? rules.strategy ?? "success_rate",
    order: use.order ?? rules.order ?? NOBODY,
    weights: use.weights ?? rules.weights ?? NO_WEIGHTS,
    allowed: rule?.use.providers ?? null,
  };
}

export function accepts(rules: RoutingRules, provider: string, charge: RoutedCharge): boolean {
  return own(rules.providers, provider)?.accepts?.some((condition) => fits(condition, charge)) ?? true;
}

/** Whether this charge may be sent by lot. */
export function mayExplore(exploration: Exploration | undefined, charge: RoutedCharge): boolean {
  if (!exploration || exploration.share <= 0) return false;
  return exploration.up_to === undefined || charge.amount <= (own(exploration.up_to, charge.currency) ?? 0);
}

function fits(when: Condition, charge: RoutedCharge): boolean {
  const { amount } = when;
  return (
    (when.currencies?.includes(charge.currency) ?? true) &&
    (when.methods?.includes(charge.type) ?? true) &&
    (when.brands === undefined || (charge.brand !== null && when.brands.includes(charge.brand))) &&
    (when.countries === undefined || (charge.country !== null && when.countries.includes(charge.country))) &&
    (amount === undefined ||
      (amount.currency === charge.currency &&
        charge.amount >= (amount.min ?? 0) &&
        charge.amount <= (amount.max ?? Number.POSITIVE_INFINITY)))
  );
}

/** Each place where the rules name a provider. */
export function namedProviders(rules: RoutingRules): { readonly provider: string; readonly path: readonly (string | number)[] }[] {
  const found: { provider: string; path: readonly (string | number)[] }[] = [];
  const list = (ids: readonly string[] | undefined, path: readonly (string | number)[]) =>
    ids?.forEach((provider, i) => {
      found.push({ provider, path: [...path, i] });
    });
  const keys = (record: object | undefined, path: readonly (string | number)[]) => {
    for (const provider of Object.keys(record ?? {})) found.push({ provider, path: [...path, provider] });
  };
  const policy = (of: Policy, path: readonly (string | number)[]) => {
    list(of.order, [...path, "order"]);
    keys(of.weights, [...path, "weights"]);
  };
  policy(rules, []);
  rules.rules?.forEach(({ use }, i) => {
    policy(use, ["rules", i, "use"]);
    list(use.providers, ["rules", i, "use", "providers"]);
  });
  keys(rules.providers, ["providers"]);
  return found;
}
