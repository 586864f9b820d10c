import type { Answer, NamedPolicy, Policy, PolicyWorld } from "../policy.ts";
import { argmax } from "./argmax.ts";
import { OutcomeWindow } from "./window.ts";

/** The best mean of the last `window` outcomes each; with probability epsilon any provider. An unknown one goes first. */
export function epsilonGreedy(epsilon: number, window: number): NamedPolicy {
  return { name: `epsilon-greedy ${100 * epsilon} %, window ${window}`, make: (world) => new EpsilonGreedy(world, epsilon, window) };
}

class EpsilonGreedy implements Policy {
  readonly #world: PolicyWorld;
  readonly #epsilon: number;
  readonly #windows: OutcomeWindow[];

  constructor(world: PolicyWorld, epsilon: number, window: number) {
    this.#world = world;
    this.#epsilon = epsilon;
    this.#windows = Array.from({ length: world.providers }, () => new OutcomeWindow(window, null));
  }

  choose(): number {
    const { providers, random } = this.#world;
    if (random() < this.#epsilon) return Math.floor(random() * providers);
    return argmax(
      this.#windows.map(({ mean }) => mean ?? Number.MAX_VALUE),
      random,
    );
  }

  answered(_: unknown, provider: number, answer: Answer): void {
    this.#windows[provider]!.add(answer === "approved");
  }
}
