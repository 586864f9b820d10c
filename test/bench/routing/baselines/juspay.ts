import type { Answer, NamedPolicy, Policy, PolicyWorld } from "../policy.ts";
import { argmax } from "./argmax.ts";
import { OutcomeWindow } from "./window.ts";

/** Of the elimination score: one failure, one success, and what a provider below the threshold is divided by. */
const AFTER_FAILURE = 0.95;
const AFTER_SUCCESS = 1.0526;
const DIVISOR = 5;
/** The value in code; sample settings have 0.35. */
const THRESHOLD = 0.05;

/**
 * The rule of Juspay's decision-engine, as its code has it in 2025: the last outcomes per provider, seeded with ones, whose mean is the
 * score; with the hedge's probability another one than the leader; an elimination score against outages. A fault is a
 * failure like a decline. (A pending charge becomes a failure after 300 s: every answer here is sooner.)
 */
export function juspay(window: number, hedge: number): NamedPolicy {
  return { name: `Juspay rule, window ${window}, hedge ${100 * hedge} %`, make: (world) => new Juspay(world, window, hedge) };
}

class Juspay implements Policy {
  readonly #world: PolicyWorld;
  readonly #hedge: number;
  readonly #windows: OutcomeWindow[];
  readonly #elimination: number[];

  constructor(world: PolicyWorld, window: number, hedge: number) {
    this.#world = world;
    this.#hedge = hedge;
    this.#windows = Array.from({ length: world.providers }, () => new OutcomeWindow(window, 1));
    this.#elimination = this.#windows.map(() => 1);
  }

  choose(): number {
    const { providers, random } = this.#world;
    const leader = argmax(this.scores(), random);
    if (providers < 2 || random() >= this.#hedge) return leader;
    const other = Math.floor(random() * (providers - 1));
    return other < leader ? other : other + 1;
  }

  answered(_: unknown, provider: number, answer: Answer): void {
    const success = answer === "approved";
    this.#windows[provider]!.add(success);
    this.#elimination[provider] = Math.min(1, this.#elimination[provider]! * (success ? AFTER_SUCCESS : AFTER_FAILURE));
  }

  scores(): number[] {
    return this.#windows.map(({ mean }, i) => (this.#elimination[i]! < THRESHOLD ? mean! / DIVISOR : mean!));
  }
}
