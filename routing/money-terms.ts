import { own } from "./own.ts";
import type { Fees, RoutedCharge, RoutingRules } from "./rules.ts";

/** What a provider takes, and leaves, for one charge. Minor units. */
export interface MoneyTerms {
  /** What a success is worth: margin x amount - its fees. */
  readonly gain: number;
  /** What an attempt costs, whatever comes of it. */
  readonly perAttempt: number;
}

/** Of the objective `profit`; null: every success is worth the same. */
export function moneyTerms(rules: RoutingRules, provider: string, charge: RoutedCharge): MoneyTerms | null {
  if (rules.objective?.kind !== "profit") return null;
  const { percent = 0, fixed = 0, per_attempt = 0 } = feesOf(rules, provider, charge.currency);
  return { gain: rules.objective.margin * charge.amount - ((percent / 100) * charge.amount + fixed), perAttempt: per_attempt };
}

/** `likely`: the share of attempts that succeed, 0 to 1. */
export function expectedValue(likely: number, terms: MoneyTerms | null): number {
  return terms === null ? likely : likely * terms.gain - terms.perAttempt;
}

/** Of one provider in one currency; empty where nothing is said. */
export function feesOf(rules: RoutingRules, provider: string, currency: string): Fees {
  const fees = own(rules.providers, provider)?.fees;
  return own(fees, currency) ?? own(fees, "*") ?? {};
}
