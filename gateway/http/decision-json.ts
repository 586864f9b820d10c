import { z } from "zod";
import type { Currency } from "../../providers/contract/money.ts";
import type { Decision } from "../../routing/choose.ts";
import { decisionWords } from "../../routing/decision-words.ts";

const number = z.number().nullable();

const candidateSchema = z.object({
  provider: z.string(),
  eligible: z.boolean(),
  unavailable: z.enum(["for_now", "by_rule", "never"]).nullable().meta({
    description: "null: eligible. `for_now`: worth waiting for. `by_rule`: not while the rules say so. `never`: not for this charge.",
  }),
  obstacle: z.string().nullable().meta({ description: "What stands against it, as a code; null: nothing" }),
  probe: z.boolean().meta({ description: "Its breaker is half open and this attempt tests it" }),
  score: number.meta({
    description: "Likely share of successes, its uncertainty and health included; with the objective profit: minor units",
  }),
  propensity: number.meta({ description: "The share of such charges that go there first, in this state and under these rules" }),
  approval: z.object({ rate: z.number(), spread: z.number(), outcomes: z.number() }).nullable(),
  health: number,
  ramp: number.meta({ description: "Below 1: it came back shortly, and gets this share of its traffic" }),
  weight: number.meta({ description: "Its part in a volume split" }),
  over_share: z.boolean(),
  fees: z
    .object({ gain: z.number(), per_attempt: z.number() })
    .nullable()
    .meta({ description: "With the objective profit, in minor units: what a success leaves, what an attempt costs" }),
  words: z.string(),
});

/** A decision with its words; `candidates` of decisions that an earlier version kept have words only. */
export const decisionSchema = z
  .object({
    strategy: z.string().nullable(),
    rule: z.string().nullable().meta({ description: "The rule that fitted; null: the defaults" }),
    rules_version: z.int().nullable(),
    explored: z.boolean(),
    order: z.array(z.string()).meta({ description: "Those that may be tried, best first" }),
    reason: z.string().meta({ description: "For people: why the first one, or why none" }),
    candidates: z.array(candidateSchema),
  })
  .meta({ id: "RoutingDecision" });

type DecisionJson = z.input<typeof decisionSchema>;

/** What is kept with an attempt; null where nothing is. */
export function storedDecisionJson(stored: unknown, currency: Currency): DecisionJson | null {
  if (typeof stored !== "object" || stored === null || !("candidates" in stored)) return null;
  return "reason" in stored ? wordsOnly(stored as unknown as DecisionOfOld) : decisionJson(stored as Decision, currency);
}

export function decisionJson(decision: Decision, currency: Currency): DecisionJson {
  const words = decisionWords(decision, currency);
  return {
    strategy: decision.strategy,
    rule: decision.rule,
    rules_version: decision.version,
    explored: decision.explored,
    order: [...decision.order],
    reason: words.reason,
    candidates: decision.candidates.map(({ facts, obstacle, ...one }) => ({
      ...one,
      obstacle: obstacle?.code ?? null,
      approval: facts && { rate: facts.rate, spread: facts.spread, outcomes: facts.outcomes },
      health: facts?.health ?? null,
      ramp: facts?.ramp ?? null,
      weight: facts?.weight ?? null,
      over_share: facts?.over_share ?? false,
      fees: facts?.gain === undefined ? null : { gain: facts.gain, per_attempt: facts.per_attempt ?? 0 },
      words: words.candidates[one.provider] ?? "",
    })),
  };
}

/** Before rules existed a decision was kept in sentences. */
interface DecisionOfOld {
  readonly order: readonly string[];
  readonly reason: string;
  readonly candidates: readonly {
    readonly provider: string;
    readonly eligible: boolean;
    readonly probe: boolean;
    readonly score: number | null;
    readonly why: string;
    readonly unavailable: "for_now" | "never" | null;
  }[];
}

function wordsOnly(old: DecisionOfOld): DecisionJson {
  const unknown = {
    obstacle: null,
    propensity: null,
    approval: null,
    health: null,
    ramp: null,
    weight: null,
    over_share: false,
    fees: null,
  };
  return {
    strategy: null,
    rule: null,
    rules_version: null,
    explored: false,
    order: [...old.order],
    reason: old.reason,
    candidates: old.candidates.map(({ why, ...one }) => ({ ...one, ...unknown, words: why })),
  };
}
