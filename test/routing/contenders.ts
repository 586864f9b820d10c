import type { Currency } from "../../providers/contract/money.ts";
import type { Contender } from "../../routing/choose.ts";
import { advance, type Gate, newGate } from "../../routing/health-gate.ts";
import type { RoutedCharge } from "../../routing/rules.ts";
import { observe, passProbe, takeProbe } from "./gate-events.ts";

export const NOW = 100_000;
export const USD = "usd" as Currency;
export const CHARGE: RoutedCharge = { id: "ch_1", country: "US", type: "card", brand: "visa", currency: "usd", amount: 4200 };

/** Healthy, with 90 % approval; `a` is configured before `b`. */
export function contender(provider: string, more: Partial<Contender> = {}): Contender {
  return {
    provider,
    priority: provider.charCodeAt(0) - 97,
    hasToken: true,
    excluded: false,
    takesCurrency: true,
    unverified: null,
    override: null,
    gate: newGate(0),
    approval: { rate: 0.9, outcomes: 0, spread: 0 },
    limitReached: null,
    overShare: false,
    ...more,
  };
}

export function open(): Gate {
  let gate = newGate(NOW);
  while (gate.state === "closed") gate = observe(gate, { now: NOW, random: () => 0, generation: 0, fault: true });
  return gate;
}

export function halfOpen(): Gate {
  return { ...advance({ ...open(), openUntil: NOW } as Gate, NOW) };
}

export function justClosed(): Gate {
  let gate = halfOpen();
  while (gate.state === "half_open") {
    const taken = takeProbe(gate, NOW)!;
    gate = passProbe(taken.gate, { now: NOW, generation: gate.generation, id: taken.probe.id });
  }
  return gate;
}
