import { type Currency, exponentOf } from "../providers/contract/money.ts";
import type { Candidate, Decision } from "./choose.ts";
import { obstacleWords } from "./obstacle-words.ts";
import type { Facts } from "./standing.ts";

/** A decision as people read it. */
export interface DecisionWords {
  /** Why the first one, or why none. */
  readonly reason: string;
  /** What spoke for and against each, by provider. */
  readonly candidates: Readonly<Record<string, string>>;
}

export function decisionWords(decision: Decision, currency: Currency): DecisionWords {
  const candidates = Object.fromEntries(decision.candidates.map((one) => [one.provider, candidateWords(one, decision, currency)]));
  return { reason: reasonOf(decision, currency), candidates };
}

/** Why nobody can be used. */
export function obstaclesInWords(decision: Decision): string {
  const words = decision.candidates.flatMap(({ provider, obstacle }) =>
    obstacle ? [`${provider}: ${obstacleWords(obstacle.code, obstacle.detail)}`] : [],
  );
  return words.join("; ") || "no provider is configured";
}

function reasonOf(decision: Decision, currency: Currency): string {
  const [first, second] = decision.order.map((id) => decision.candidates.find(({ provider }) => provider === id)!);
  if (!first?.facts) return `No provider could be chosen. ${obstaclesInWords(decision)}.`;
  const { provider } = first;
  const because = `${provider} was chosen because`;
  const by = decision.rule === null ? "the routing rules" : `the rule ${JSON.stringify(decision.rule)}`;
  if (first.probe) return `${provider} was chosen to test whether it is well again: it is ${scoreWords(first, currency)}.`;
  if (!second) return `${because} it is the only one that can be used now; ${scoreWords(first, currency)}.`;
  if (decision.explored) return `${provider} was drawn by lot, to learn how it does: ${scoreWords(first, currency)}.`;
  const against = `${second.provider}: ${scoreWords(second, currency)}`;
  if (second.facts?.over_share && !first.facts.over_share && (second.score ?? 0) > (first.score ?? 0))
    return `${because} ${second.provider} has had its share of the volume; ${scoreWords(first, currency)}.`;
  switch (decision.strategy) {
    case "success_rate":
      return `${because} ${first.facts.gain === undefined ? "it has the best prospects" : "it leaves the most"}: ${scoreWords(first, currency)}; against ${against}.`;
    case "order":
      return `${because} ${by} put it before ${second.provider}; ${scoreWords(first, currency)}.`;
    case "weights":
      return first.facts.weight === undefined
        ? `${because} nobody with a part of the volume can be used now: ${scoreWords(first, currency)}; against ${against}.`
        : `${because} by ${by} this charge falls into its part of the volume, ${percent(first.propensity)} of such charges now.`;
  }
}

function candidateWords(one: Candidate, decision: Decision, currency: Currency): string {
  if (!one.facts) return one.obstacle ? obstacleWords(one.obstacle.code, one.obstacle.detail) : "not eligible";
  const { facts } = one;
  const parts = [
    `approval ${percent(facts.rate)} ± ${(100 * facts.spread).toFixed(1)} from ${facts.outcomes} outcomes`,
    healthWords(one, facts),
  ];
  if (facts.gain !== undefined)
    parts.push(`a success leaves ${money(facts.gain, currency)}, an attempt costs ${money(facts.per_attempt ?? 0, currency)}`);
  if (facts.weight !== undefined) parts.push(`part ${facts.weight} of the volume`);
  if (facts.ramp !== undefined) parts.push(`back since shortly, ${percent(facts.ramp)} of its traffic`);
  if (facts.held) parts.push("not for this charge yet");
  if (facts.over_share) parts.push("it has had its share of the volume");
  parts.push(`first choice for ${percent(one.propensity)} of such charges`);
  return `${decision.order[0] === one.provider ? "chosen; " : ""}${parts.join(", ")}`;
}

function healthWords({ probe }: Candidate, { health }: Facts): string {
  if (probe) return "half open: this attempt tests it";
  return health === null ? "an operator set it up: health is ignored" : `health ${percent(health)}`;
}

function scoreWords({ facts, score, probe }: Candidate, currency: Currency): string {
  if (!facts) return "not eligible";
  if (probe) return `half open, approval ${percent(facts.rate)}`;
  const approval = `expected approval ${percent(facts.rate)}, health ${facts.health === null ? "ignored" : percent(facts.health)}`;
  return facts.gain === undefined ? approval : `expected profit ${money(score ?? 0, currency)}, ${approval}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** `minor` may hold fractions of the smallest unit: an expectation. */
function money(minor: number, currency: Currency): string {
  const digits = exponentOf(currency);
  return `${(minor / 10 ** digits).toFixed(digits + 1)} ${currency}`;
}
