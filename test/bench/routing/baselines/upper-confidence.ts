import type { Answer, NamedPolicy, Policy, PolicyWorld } from "../policy.ts";
import { argmax } from "./argmax.ts";

/** Of the paper's simulations; rewards lie between 0 and B = 1. */
const XI = 0.6;

/** SW-UCB of Garivier and Moulines (arXiv 0805.3415): UCB over the last `window` outcomes of all providers together. */
export function slidingWindowUcb(window: number): NamedPolicy {
  return { name: `SW-UCB, window ${window}`, make: (world) => new SlidingWindowUcb(world, window) };
}

/** D-UCB of the same paper: all counts shrink by `gamma` with each outcome; the bonus has twice the width. */
export function discountedUcb(gamma: number): NamedPolicy {
  return { name: `D-UCB ${gamma}`, make: (world) => new DiscountedUcb(world, gamma) };
}

class SlidingWindowUcb implements Policy {
  readonly #world: PolicyWorld;
  readonly #size: number;
  readonly #ring: { provider: number; reward: number }[] = [];
  readonly #plays: number[];
  readonly #rewards: number[];
  #next = 0;

  constructor(world: PolicyWorld, size: number) {
    this.#world = world;
    this.#size = size;
    this.#plays = Array.from({ length: world.providers }, () => 0);
    this.#rewards = [...this.#plays];
  }

  choose(): number {
    return argmax(this.indices(), this.#world.random);
  }

  answered(_: unknown, provider: number, answer: Answer): void {
    const forgotten = this.#ring[this.#next];
    if (forgotten) this.#count(forgotten.provider, -1, -forgotten.reward);
    const reward = answer === "approved" ? 1 : 0;
    this.#ring[this.#next] = { provider, reward };
    this.#next = (this.#next + 1) % this.#size;
    this.#count(provider, 1, reward);
  }

  /** Mean + B sqrt(xi ln(min(t, window)) / n); without an outcome in the window a provider goes first. */
  indices(): number[] {
    const spread = XI * Math.log(this.#ring.length);
    return this.#plays.map((n, i) => (n === 0 ? Number.MAX_VALUE : this.#rewards[i]! / n + Math.sqrt(spread / n)));
  }

  #count(provider: number, plays: number, reward: number): void {
    this.#plays[provider]! += plays;
    this.#rewards[provider]! += reward;
  }
}

class DiscountedUcb implements Policy {
  readonly #world: PolicyWorld;
  readonly #gamma: number;
  readonly #plays: number[];
  readonly #rewards: number[];

  constructor(world: PolicyWorld, gamma: number) {
    this.#world = world;
    this.#gamma = gamma;
    this.#plays = Array.from({ length: world.providers }, () => 0);
    this.#rewards = [...this.#plays];
  }

  choose(): number {
    return argmax(this.indices(), this.#world.random);
  }

  answered(_: unknown, provider: number, answer: Answer): void {
    for (let i = 0; i < this.#plays.length; i++) {
      this.#plays[i]! *= this.#gamma;
      this.#rewards[i]! *= this.#gamma;
    }
    this.#plays[provider]! += 1;
    this.#rewards[provider]! += answer === "approved" ? 1 : 0;
  }

  /** Mean + 2 B sqrt(xi ln(sum of n) / n); a provider never asked goes first. */
  indices(): number[] {
    const spread =
      XI *
      Math.log(
        Math.max(
          1,
          this.#plays.reduce((sum, n) => sum + n, 0),
        ),
      );
    return this.#plays.map((n, i) => (n === 0 ? Number.MAX_VALUE : this.#rewards[i]! / n + 2 * Math.sqrt(spread / n)));
  }
}
