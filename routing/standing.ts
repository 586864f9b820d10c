import type { ApprovalEstimate } from "./approval.ts";
import { chancesToBeFirst, type Entrant, type Rank } from "./first-place.ts";
import { type Gate, rampWeight, techFaultRate } from "./health-gate.ts";
import { expectedValue, moneyTerms } from "./money-terms.ts";
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
  const { rate, spread } = one.approval;
  const ramp = ignoresGate ? 1 : rampWeight(one.gate, now);
  const health = ignoresGate ? 1 : 1 - techFaultRate(one.gate, now);
  const terms = moneyTerms(rules, one.provider, charge);
  const value = expectedValue((rate + OPTIMISM * spread) * health, terms);
  const weight = policy.strategy === "weights" ? (policy.weights[one.provider] ?? 0) : 0;
  const base = tierOf(one, policy, weight);
  const heldTier = base + (policy.strategy === "order" ? HELD_TIER : 0);
  const full: Rank = { tier: base, score: rounded(value), priority: one.priority };
  const behind: Rank =
    ramp === 1 ? full : { tier: heldTier, score: rounded(value * (value < 0 ? 2 - ramp : ramp)), priority: one.priority };
  const held = draw >= ramp && weight === 0;
  const facts = { ...factsOf(one, ignoresGate ? null : health), ...spare(ramp, held, one.overShare, weight) };
  const withTerms = terms ? { ...facts, gain: rounded(terms.gain), per_attempt: terms.perAttempt } : facts;
  if (weight > 0) {
    const place: Rank = { tier: base, score: splitScore(charge.id, one.provider, weight * ramp), priority: one.priority };
    const entrant = { rank: place, otherwise: place, chance: 1 };
    return { entrant, rank: place, split: weight * ramp, facts: withTerms, score: full.score };
  }
  const rank = held ? behind : full;
  return { entrant: { rank: full, otherwise: behind, chance: ramp }, rank, split: 0, facts: withTerms, score: rank.score };
}

/** A provider that is tested is judged by its issuers alone: its health is what is to be found out. */
export function standProbing(one: Stood, chance: number, ground: Ground): Standing {
  const terms = moneyTerms(ground.rules, one.provider, ground.charge);
  const rank: Rank = { tier: 0, score: rounded(expectedValue(one.approval.rate, terms)), priority: one.priority };
  const facts = factsOf(one, null);
  return {
    entrant: { rank, otherwise: rank, chance },
    rank,
    split: 0,
    facts: terms ? { ...facts, gain: rounded(terms.gain), per_attempt: terms.perAttempt } : facts,
    score: rank.score,
  };
}

/** Of each healthy one to be first among them, over coins and charge ids. */
export function chancesOfHealthy(standings: readonly Standing[]): number[] {
  const best = Math.min(...standings.map(({ rank }) => rank.tier));
  const inSplit = (one: Standing): number => (one.rank.tier === best ? one.split : 0);
  const total = standings.reduce((sum, one) => sum + inSplit(one), 0);
  return total > 0 ? standings.map((one) => inSplit(one) / total) : chancesToBeFirst(standings.map(({ entrant }) => entrant));
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

function factsOf({ approval }: Stood, health: number | null): Facts {
  const { rate, spread, outcomes } = approval;
  return { rate: rounded(rate), spread: rounded(spread), outcomes: Math.round(outcomes), health: health === null ? null : rounded(health) };
}

function spare(ramp: number, held: boolean, overShare: boolean, weight: number): Partial<Facts> | null {
  if (ramp === 1 && !overShare && weight === 0) return null;
  return {
    ...(ramp < 1 ? { ramp: rounded(ramp) } : {}),
    ...(held ? { held: true } : {}),
    ...(overShare ? { over_share: true } : {}),
    ...(weight > 0 ? { weight } : {}),
  };
}
