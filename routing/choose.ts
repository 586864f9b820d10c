import type { Random } from "../providers/contract/clock.ts";
import type { ApprovalEstimate } from "./approval.ts";
import { compareRanks, type Entrant } from "./first-place.ts";
import { drawsProbe, freeProbes, type Gate, PROBE_PATIENCE_MS, PROBE_SHARE, rampWeight } from "./health-gate.ts";
import { type ObstacleCode, obstacleWords } from "./obstacle-words.ts";
import {
  accepts,
  mayExplore,
  NO_RULES,
  type PolicyInForce,
  policyFor,
  type RoutedCharge,
  type RulesInForce,
  type Strategy,
} from "./rules.ts";
import { chancesOfHealthy, type Facts, type Ground, rounded, type Standing, standHealthy, standProbing } from "./standing.ts";

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
  /** Attempts per second that its rules allow, when they are used up for now; else null. */
  readonly limitReached: number | null;
  /** One more attempt would exceed its share of the volume. */
  readonly overShare: boolean;
}

/** Stored with the attempt: plain JSON, codes and numbers. `decision-words.ts` tells it to people. */
export interface Decision {
  /** Providers that may be tried now, best first. Empty: none. */
  readonly order: readonly string[];
  readonly strategy: Strategy;
  /** The rule that fitted; null: the defaults. */
  readonly rule: string | null;
  /** Of the rules; 0: none were ever set. */
  readonly version: number;
  /** The first was drawn by lot among the healthy ones. */
  readonly explored: boolean;
  readonly candidates: readonly Candidate[];
}

export interface Candidate {
  readonly provider: string;
  readonly eligible: boolean;
  /** Its gate is half open and this attempt tests it. */
  readonly probe: boolean;
  /** Share of successes that is still likely (expected and spread, so it may pass 1), or profit in minor units. null: not eligible. */
  readonly score: number | null;
  /** How likely such a charge, in this state and under these rules, went here first: over all coins, lots and charge ids. */
  readonly propensity: number;
  readonly obstacle: { readonly code: ObstacleCode; readonly detail: string | null } | null;
  /** null: eligible. */
  readonly unavailable: Unavailable | null;
  /** null: not eligible. */
  readonly facts: Facts | null;
}

/** `for_now`: worth waiting for. `by_rule`: not while the rules say so. `never`: not for this charge. */
export type Unavailable = "for_now" | "by_rule" | "never";

interface Obstacle {
  readonly unavailable: Unavailable;
  readonly code: ObstacleCode;
  readonly detail: string | null;
  /** In words. */
  readonly why: string;
}

export interface ChoiceInput {
  readonly now: number;
  readonly random: Random;
  readonly contenders: readonly Contender[];
  readonly charge: RoutedCharge;
  /** Default: none. */
  readonly rules?: RulesInForce;
}

/**
 * Orders the providers for one new attempt. Hard filters first (never, then rules, operator, health, limits), then by the
 * strategy in force. Not a lottery, but for what rules explore: the same inputs and draws give the same answer.
 */
export function choose(input: ChoiceInput): Decision {
  const { now, random, contenders, charge } = input;
  const { version, rules } = input.rules ?? NO_RULES;
  const policy = policyFor(rules, charge);
  const ground: Ground = { now, rules, policy, charge };
  const onlyOthers = onlyAmong(contenders);
  const judged = contenders.map(
    (one): Judged => ({ one, obstacle: obstacleFor(one, onlyOthers, policy, ground), standing: null, propensity: 0 }),
  );
  const othersCanServe = judged.some(({ one, obstacle }) => obstacle === null && !needsProbe(one));

  for (const each of judged) {
    if (each.obstacle) continue;
    // One draw per arrival and provider, taken whatever its use, keeps replays of a seed aligned.
    const draw = random();
    if (!needsProbe(each.one)) each.standing = standHealthy(each.one, each.one.override === "up", draw, ground);
    else if (!othersCanServe || drawsProbe(each.one.gate, now, draw))
      each.standing = standProbing(each.one, othersCanServe ? probeChance(each.one.gate, now) : 1, ground);
    else each.obstacle = NOT_THIS_PROBE;
  }
  const explorable = mayExplore(rules.exploration, charge) ? judged.filter((each) => canExplore(each, now)) : [];
  const share = explorable.length > 1 ? (rules.exploration?.share ?? 0) : 0;
  const lot = share > 0 && random() < share ? explorable[Math.floor(random() * explorable.length)] : undefined;
  const ranked = judged.filter(({ standing }) => standing !== null).sort((a, b) => bestFirst(a, b, lot));
  setPropensities(judged, ground, share > 0 ? { share, among: explorable } : null);
  return {
    order: ranked.map(({ one }) => one.provider),
    strategy: policy.strategy,
    rule: policy.rule,
    version,
    explored: lot !== undefined && ranked[0] === lot,
    candidates: judged.map(candidate),
  };
}

/** Providers with `only`, among the configured ones; null when there is none. Several: all of them. */
export function onlyAmong(contenders: readonly { provider: string; override: OverrideMode | null }[]): ReadonlySet<string> | null {
  const only = contenders.filter(({ override }) => override === "only").map(({ provider }) => provider);
  return only.length > 0 ? new Set(only) : null;
}

/**
 * What stands against an operator's or a provider's new attempts, whatever the charge. Precedence: `down` and `drain`, then
 * another provider's `only` (it beats `up`: `up` forgives bad health, it does not overrule a person), then the identity
 * check, which no override skips.
 */
export function operatorObstacle(
  one: Pick<Contender, "provider" | "override" | "unverified">,
  only: ReadonlySet<string> | null,
): Obstacle | null {
  if (one.override === "down") return obstacle("for_now", "down");
  if (one.override === "drain") return obstacle("for_now", "drain");
  if (only && !only.has(one.provider)) return obstacle("for_now", "only", [...only].join(", "));
  if (one.unverified !== null) return obstacle("for_now", "unverified", one.unverified);
  return null;
}

/** Health's part: null when the gate, or an operator's `up`, lets a new attempt pass, at least as a probe. */
export function gateObstacle(one: Pick<Contender, "override" | "gate">): Obstacle | null {
  if (one.override === "up" || one.gate.state === "closed") return null;
  if (one.gate.state === "open") return obstacle("for_now", "open", one.gate.reason);
  return freeProbes(one.gate) > 0 ? null : obstacle("for_now", "probes_out", one.gate.reason);
}

interface Judged {
  readonly one: Contender;
  obstacle: Obstacle | null;
  /** null: not eligible. */
  standing: Standing | null;
  propensity: number;
}

/** What is for good first: a charge must not wait for a provider that it may never use. */
function obstacleFor(one: Contender, only: ReadonlySet<string> | null, policy: PolicyInForce, ground: Ground): Obstacle | null {
  if (!one.hasToken) return obstacle("never", "no_token");
  if (one.excluded) return obstacle("never", "excluded");
  if (!one.takesCurrency) return obstacle("never", "currency");
  if (policy.allowed && !policy.allowed.includes(one.provider)) return obstacle("by_rule", "rule", policy.rule);
  if (!accepts(ground.rules, one.provider, ground.charge)) return obstacle("by_rule", "not_accepted");
  const standing = operatorObstacle(one, only) ?? gateObstacle(one);
  if (standing !== null || one.limitReached === null) return standing;
  return obstacle("for_now", "rate_limit", String(one.limitReached));
}

function obstacle(unavailable: Unavailable, code: ObstacleCode, detail: string | null = null): Obstacle {
  return { unavailable, code, detail, why: obstacleWords(code, detail) };
}

const NOT_THIS_PROBE = obstacle("for_now", "no_probe");

function needsProbe(one: Contender): boolean {
  return one.override !== "up" && one.gate.state === "half_open";
}

/** Of an arrival that others could serve: what `drawsProbe` grants. */
function probeChance(gate: Gate, now: number): number {
  return now - gate.since >= PROBE_PATIENCE_MS ? 1 : PROBE_SHARE;
}

/** Healthy, back in full, and within its share: the lot must not send a provider more than it may have. */
function canExplore({ one, standing }: Judged, now: number): boolean {
  return standing !== null && !needsProbe(one) && !one.overShare && (one.override === "up" || rampWeight(one.gate, now) === 1);
}

/** A probe goes first, or it would never happen: a failed prepare moves no money, and the next provider follows at once. */
function bestFirst(a: Judged, b: Judged, lot: Judged | undefined): number {
  const group = (each: Judged): number => (needsProbe(each.one) ? 0 : each === lot ? 1 : 2);
  return group(a) - group(b) || compareRanks(a.standing!.rank, b.standing!.rank);
}

/** Probes by their coins, best first; what they leave goes by lot, and what that leaves by the strategy. */
function setPropensities(judged: readonly Judged[], ground: Ground, lots: { share: number; among: readonly Judged[] } | null): void {
  const healthy = judged.filter(({ one, standing }) => standing !== null && !needsProbe(one));
  let left = 1;
  for (const { each, entrant } of probesOf(judged, healthy.length > 0, ground)) {
    each.propensity = left * entrant.chance;
    left *= 1 - entrant.chance;
  }
  const byStrategy = chancesOfHealthy(healthy.map(({ standing }) => standing!));
  const chosen = left * (1 - (lots?.share ?? 0));
  for (let i = 0; i < healthy.length; i++) healthy[i]!.propensity = chosen * byStrategy[i]!;
  for (const each of lots?.among ?? []) each.propensity += (left * lots!.share) / lots!.among.length;
}

/** All that this charge might have tested, also those that its coin spared, best first. */
function probesOf(judged: readonly Judged[], othersCanServe: boolean, ground: Ground): { each: Judged; entrant: Entrant }[] {
  const testable = judged.filter(({ one, obstacle }) => needsProbe(one) && (obstacle === null || obstacle === NOT_THIS_PROBE));
  const places = testable.map((each) => {
    const chance = othersCanServe ? probeChance(each.one.gate, ground.now) : 1;
    return { each, entrant: (each.standing ?? standProbing(each.one, chance, ground)).entrant };
  });
  return places.sort((a, b) => compareRanks(a.entrant.rank, b.entrant.rank));
}

function candidate({ one, obstacle, standing, propensity }: Judged): Candidate {
  return {
    provider: one.provider,
    eligible: standing !== null,
    probe: standing !== null && needsProbe(one),
    score: standing?.score ?? null,
    propensity: rounded(propensity),
    obstacle: obstacle && { code: obstacle.code, detail: obstacle.detail },
    unavailable: obstacle?.unavailable ?? null,
    facts: standing?.facts ?? null,
  };
}
