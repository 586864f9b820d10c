import type { Random } from "../providers/contract/clock.ts";
import type { ApprovalEstimate } from "./approval.ts";
import { drawsProbe, freeProbes, type Gate, rampWeight, techFaultRate } from "./health-gate.ts";

/** An operator's forced decision about a provider. One per provider. */
export type OverrideMode = "down" | "drain" | "only" | "up";

/** What is known about one configured provider when a charge arrives. */
export interface Contender {
  readonly provider: string;
  /** 0 is configured first. */
  readonly priority: number;
  readonly hasToken: boolean;
  readonly excluded: boolean;
  readonly takesCurrency: boolean;
  /** null: verified. Else why not. */
  readonly unverified: string | null;
  readonly override: OverrideMode | null;
  /** Advanced to `now`. */
  readonly gate: Gate;
  readonly approval: ApprovalEstimate;
}

/**
 * What is not known counts in a provider's favour, by so many standard deviations: that is all exploration there is, and
 * it ends where nothing is left to learn. Measured against drawn beliefs (Thompson) and a lottery: docs/routing-benchmark.md.
 */
export const OPTIMISM = 1;

/** Stored with the attempt and shown to people: plain JSON. */
export interface Decision {
  /** Providers that may be tried now, best first. Empty: none. */
  readonly order: readonly string[];
  readonly candidates: readonly Candidate[];
  /** Why the first one, or why none, in a sentence. */
  readonly reason: string;
}

export interface Candidate {
  readonly provider: string;
  readonly eligible: boolean;
  /** Its gate is half open and this attempt tests it. */
  readonly probe: boolean;
  /** Share of approvals that is still likely, health included: the expected one and its spread, so it may pass 1. null: not eligible. */
  readonly score: number | null;
  /** In words: the parts of the score, or what stands against it. */
  readonly why: string;
  /** null: eligible. `for_now`: worth waiting for. `never`: not for this charge. */
  readonly unavailable: Unavailable | null;
}

export type Unavailable = "for_now" | "never";

interface Obstacle {
  readonly unavailable: Unavailable;
  readonly why: string;
}

/**
 * Orders the providers for one new attempt. Hard filters first (never, then operator, then health), then approval rate
 * times health. An order, not a lottery: the same inputs and draws give the same answer.
 */
export function choose(input: { now: number; random: Random; contenders: readonly Contender[] }): Decision {
  const { now, random, contenders } = input;
  const onlyOthers = onlyAmong(contenders);
  const judged = contenders.map((one) => ({ one, obstacle: obstacleFor(one, onlyOthers) ?? gateObstacle(one) }));
  const usable = judged.filter(({ obstacle }) => obstacle === null).map(({ one }) => one);
  const othersCanServe = usable.some((one) => !needsProbe(one));

  const scored = judged.map(({ one, obstacle }): Ranked => {
    if (obstacle) return { one, candidate: ineligible(one, obstacle) };
    // One draw per arrival and provider, taken whatever its use, keeps replays of a seed aligned.
    const draw = random();
    if (!needsProbe(one)) return { one, candidate: healthy(one, now, draw) };
    if (othersCanServe && !drawsProbe(one.gate, now, draw)) return { one, candidate: ineligible(one, NOT_THIS_PROBE) };
    return { one, candidate: probing(one) };
  });
  const ranked = scored.filter(({ candidate }) => candidate.eligible).sort(bestFirst);
  const candidates = scored.map(({ candidate }) => candidate);
  return { order: ranked.map(({ one }) => one.provider), candidates, reason: reasonOf(ranked, candidates) };
}

/** Providers with `only`, among the configured ones; null when there is none. Several: all of them. */
export function onlyAmong(contenders: readonly { provider: string; override: OverrideMode | null }[]): ReadonlySet<string> | null {
  const only = contenders.filter(({ override }) => override === "only").map(({ provider }) => provider);
  return only.length > 0 ? new Set(only) : null;
}

/**
 * What stands against a new attempt apart from health. Precedence: the charge's own limits, then `down` and `drain`, then
 * another provider's `only` (it beats `up`: `up` forgives bad health, it does not overrule a person), then the identity
 * check, which no override skips.
 */
export function obstacleFor(one: Omit<Contender, "gate" | "approval" | "priority">, only: ReadonlySet<string> | null): Obstacle | null {
  if (!one.hasToken) return never("the payment method has no token for it");
  if (one.excluded) return never("this charge may not go there again");
  if (!one.takesCurrency) return never("it does not take this currency");
  return operatorObstacle(one, only);
}

/** The part of `obstacleFor` that does not depend on the charge. */
export function operatorObstacle(
  one: Pick<Contender, "provider" | "override" | "unverified">,
  only: ReadonlySet<string> | null,
): Obstacle | null {
  if (one.override === "down") return forNow("an operator set it down");
  if (one.override === "drain") return forNow("an operator drains it");
  if (only && !only.has(one.provider)) return forNow(`an operator allows only ${[...only].join(", ")}`);
  if (one.unverified !== null) return forNow(`not verified: ${one.unverified}`);
  return null;
}

/** Health's part: null when the gate, or an operator's `up`, lets a new attempt pass, at least as a probe. */
export function gateObstacle(one: Pick<Contender, "override" | "gate">): Obstacle | null {
  if (one.override === "up" || one.gate.state === "closed") return null;
  if (one.gate.state === "open") return forNow(`open: ${one.gate.reason}`);
  return freeProbes(one.gate) > 0 ? null : forNow(`half open, all probes are out: ${one.gate.reason}`);
}

interface Ranked {
  readonly one: Contender;
  readonly candidate: Candidate;
}

const NOT_THIS_PROBE: Obstacle = { unavailable: "for_now", why: "half open, and this charge does not probe it" };

function never(why: string): Obstacle {
  return { unavailable: "never", why };
}

function forNow(why: string): Obstacle {
  return { unavailable: "for_now", why };
}

function needsProbe(one: Contender): boolean {
  return one.override !== "up" && one.gate.state === "half_open";
}

function ineligible(one: Contender, obstacle: Obstacle): Candidate {
  return { provider: one.provider, eligible: false, probe: false, score: null, ...obstacle };
}

/**
 * While a provider ramps, `weight` of the arrivals see it at its full score and the others at a fraction of it. A factor
 * alone would keep all of them away and then let all of them in.
 */
function healthy(one: Contender, now: number, draw: number): Candidate {
  const ignoresGate = one.override === "up";
  const weight = ignoresGate ? 1 : rampWeight(one.gate, now);
  const held = draw >= weight;
  const health = ignoresGate ? 1 : 1 - techFaultRate(one.gate, now);
  const { rate, spread } = one.approval;
  const score = (rate + OPTIMISM * spread) * health * (held ? weight : 1);
  const parts = [`approval ${percent(rate)} ± ${(100 * spread).toFixed(1)} from ${Math.round(one.approval.outcomes)} outcomes`];
  if (ignoresGate) parts.push("an operator set it up: health is ignored");
  else parts.push(`health ${percent(health)}`);
  if (weight < 1) parts.push(`back since shortly, ${percent(weight)} of its traffic, ${held ? "not this one" : "this one"}`);
  return eligible(one, score, false, parts.join(", "));
}

function probing(one: Contender): Candidate {
  return eligible(one, one.approval.rate, true, `half open: this attempt tests it, approval ${percent(one.approval.rate)}`);
}

function eligible(one: Contender, score: number, probe: boolean, why: string): Candidate {
  return { provider: one.provider, eligible: true, probe, score: Math.round(score * 1e6) / 1e6, why, unavailable: null };
}

/** A probe goes first, or it would never happen: a failed prepare moves no money, and the next provider follows at once. */
function bestFirst(a: Ranked, b: Ranked): number {
  if (a.candidate.probe !== b.candidate.probe) return a.candidate.probe ? -1 : 1;
  return (b.candidate.score ?? 0) - (a.candidate.score ?? 0) || a.one.priority - b.one.priority;
}

function reasonOf(ranked: readonly Ranked[], candidates: readonly Candidate[]): string {
  const [first, second] = ranked;
  if (!first) return candidates.map(({ provider, why }) => `${provider}: ${why}`).join("; ") || "no provider is configured";
  const { provider, probe, score, why } = first.candidate;
  if (probe) return `${provider}: ${why}`;
  if (!second) return `${provider} is the only one that can be used: ${why}`;
  const rival = `${second.candidate.provider} ${percent(second.candidate.score ?? 0)}`;
  return `${provider} has the best score, ${percent(score ?? 0)} against ${rival}: ${why}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
