import type { ApprovalEstimate } from "./approval.ts";
import { chancesToBeFirst, type Entrant, type Rank } from "./first-place.ts";
import { type Gate, rampWeight, techFaultRate } from "./health-gate.ts";
import { expectedValue, type MoneyTerms, moneyTerms } from "./money-terms.ts";
import { own } from "./own.ts";
import type { PolicyInForce, RoutedCharge, RoutingRules } from "./rules.ts";
import { splitScore } from "./volume-split.ts";

/**
 * What is not known counts in a provider's favour, by so many standard deviations: that is all exploration there is, and
 * it ends where nothing is left to learn. Measured against drawn beliefs (Thompson) and a lottery: docs/routing-benchmark.md.
 */
export const OPTIMISM = 1;

/** What a score was made of: plain numbers, kept with the attempt. What is absent had no effect. */
export interface Facts {
  /** Expected share of approvals, the spread of that belief, and the outcomes behind it. */
  readonly rate: number;
  readonly spread: number;
  readonly outcomes: number;
  /** 1 less the share of technical faults; null: an operator's `up` ignores it, or the attempt is a probe. */
  readonly health: number | null;
  /** Below 1: it came back shortly, and gets this share of its traffic. */
  readonly ramp?: number;
  /** This charge is not in that share. */
  readonly held?: true;
  /** It has its share of the volume, and goes last. */
  readonly over_share?: true;
  /** Its part of a volume split, in the unit of the rules. */
  readonly weight?: number;
  /** Of the objective `profit`, in minor units. */
  readonly gain?: number;
  readonly per_attempt?: number;
}

/** A contender that may be tried now, placed. */
export interface Standing {
  readonly entrant: Entrant;
  /** Where the coin put it. */
  readonly rank: Rank;
  /** Its effective weight in a volume split; 0: none. */
  readonly split: number;
  readonly facts: Facts;
  /** Expected share of successes, or profit in minor units. */
  readonly score: number;
}

export interface Stood {
  readonly provider: string;
  readonly priority: number;
  readonly gate: Gate;
  readonly approval: ApprovalEstimate;
  readonly overShare: boolean;
}

export interface Ground {
  readonly now: number;
  readonly rules: RoutingRules;
  readonly policy: PolicyInForce;
  readonly charge: RoutedCharge;
}

/** Whoever is over its share goes behind everybody who is not. */
const OVER_SHARE_TIER = 1_000_000;
/** In an order, whoever came back shortly goes behind all others for the charges that are not its own yet. */
const HELD_TIER = 1_000;

/**
 * While a provider ramps, `ramp` of the arrivals see it in its full place and the others further down. A factor alone would
 * keep all of them away and then let all of them in. In a volume split its weight ramps instead: no coin, nobody else moves.
 */
export function standHealthy(one: Stood, ignoresGate: boolean, draw: number, ground: Ground): Standing {
  const { now, rules, policy, charge } = ground;
  const { priority } = one;
  const ramp = ignoresGate ? 1 : rampWeight(one.gate, now);
  const health = ignoresGate ? 1 : 1 - techFaultRate(one.gate, now);
  const terms = moneyTerms(rules, one.provider, charge);
  const value = expectedValue((one.approval.rate + OPTIMISM * one.approval.spread) * health, terms);
  const score = rounded(value);
  const weight = policy.strategy === "weights" ? (own(policy.weights, one.provider) ?? 0) : 0;
  const tier = tierOf(one, policy, weight);
  const held = draw >= ramp && weight === 0;
  const facts = factsOf(one, ignoresGate ? null : health, terms);
  if (ramp < 1) facts.ramp = rounded(ramp);
  if (held) facts.held = true;
  if (one.overShare) facts.over_share = true;
  if (weight > 0) {
    facts.weight = weight;
    const rank = { tier, score: splitScore(charge.id, one.provider, weight * ramp), priority };
    return { entrant: { rank, otherwise: rank, chance: 1 }, rank, split: weight * ramp, facts, score };
  }
  const full: Rank = { tier, score, priority };
  if (ramp === 1) return { entrant: { rank: full, otherwise: full, chance: 1 }, rank: full, split: 0, facts, score };
  const heldTier = tier + (policy.strategy === "order" ? HELD_TIER : 0);
  const behind: Rank = { tier: heldTier, score: rounded(value * (value < 0 ? 2 - ramp : ramp)), priority };
  const rank = held ? behind : full;
  return { entrant: { rank: full, otherwise: behind, chance: ramp }, rank, split: 0, facts, score: rank.score };
}

/** A provider that is tested is judged by its issuers alone: its health is what is to be found out. */
export function standProbing(one: Stood, chance: number, ground: Ground): Standing {
  const terms = moneyTerms(ground.rules, one.provider, ground.charge);
  const rank: Rank = { tier: 0, score: rounded(expectedValue(one.approval.rate, terms)), priority: one.priority };
  return { entrant: { rank, otherwise: rank, chance }, rank, split: 0, facts: factsOf(one, null, terms), score: rank.score };
}

/** Of each healthy one to be first among them, over coins and charge ids. */
export function chancesOfHealthy(standings: readonly Standing[]): number[] {
  let best = Number.POSITIVE_INFINITY;
  for (const { rank } of standings) best = Math.min(best, rank.tier);
  let total = 0;
  for (const one of standings) if (one.rank.tier === best) total += one.split;
  if (total === 0) return chancesToBeFirst(standings.map(({ entrant }) => entrant));
  return standings.map(({ rank, split }) => (rank.tier === best ? split / total : 0));
}

export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function tierOf(one: Stood, { strategy, order }: PolicyInForce, weight: number): number {
  const over = one.overShare ? OVER_SHARE_TIER : 0;
  if (strategy === "success_rate") return over;
  if (strategy === "weights") return over + (weight > 0 ? 0 : 1);
  const place = order.indexOf(one.provider);
  return over + (place < 0 ? order.length : place);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function factsOf({ approval }: Stood, health: number | null, terms: MoneyTerms | null): Writable<Facts> {
  const { rate, spread, outcomes } = approval;
  const facts: Writable<Facts> = {
    rate: rounded(rate),
    spread: rounded(spread),
    outcomes: Math.round(outcomes),
    health: health === null ? null : rounded(health),
  };
  if (terms === null) return facts;
  facts.gain = rounded(terms.gain);
  facts.per_attempt = terms.perAttempt;
  return facts;
}
