import { expect, it } from "vitest";
import { type Contender, choose } from "../../routing/choose.ts";
import type { RoutingRules } from "../../routing/rules.ts";
import { CHARGE, contender, justClosed, NOW } from "./contenders.ts";

/** Ids come from a configuration file and from rules, and every object has these names already. */
const INHERITED = ["constructor", "toString", "hasOwnProperty"];

const RULES: readonly [string, RoutingRules][] = [
  ["a volume split", { strategy: "weights", weights: { b: 1 } }],
  ["an order", { strategy: "order", order: ["b"] }],
  ["fees of others", { objective: { kind: "profit", margin: 0.5 }, providers: { b: { fees: { usd: { fixed: 30 } } } } }],
  ["conditions and limits of others", { providers: { b: { accepts: [{ currencies: ["eur"] }], limits: { per_second: 1 } } } }],
  ["an exploration by currency", { exploration: { share: 1, up_to: { eur: 1 } } }],
];

it.each(INHERITED.flatMap((id) => RULES.map(([words, rules]) => [id, words, rules] as const)))(
  "a provider called %s is treated like any other that the rules do not name: %s",
  (id, _, rules) => {
    const decided = (name: string, more: Partial<Contender>) => {
      const contenders = [contender(name, { priority: 0, ...more }), contender("b", { priority: 1 })];
      const decision = choose({ now: NOW, random: () => 0.5, contenders, charge: CHARGE, rules: { version: 1, rules } });
      return JSON.parse(JSON.stringify(decision).replaceAll(`"${name}"`, '"it"')) as unknown;
    };
    for (const more of [{}, { gate: justClosed() }]) expect(decided(id, more)).toEqual(decided("other", more));
  },
);
