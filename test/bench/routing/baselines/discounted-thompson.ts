import type { Random } from "../../../../providers/contract/clock.ts";
import type { Answer, NamedPolicy, Policy, PolicyWorld } from "../policy.ts";
import { argmax } from "./argmax.ts";

/** dTS of Raj and Kalyani (arXiv 1707.09727): Beta(1 + S, 1 + F), where all counts shrink by `gamma` with each outcome. */
export function discountedThompson(gamma: number): NamedPolicy {
  return { name: `discounted Thompson ${gamma}`, make: (world) => new DiscountedThompson(world, gamma) };
}

class DiscountedThompson implements Policy {
  readonly #world: PolicyWorld;
  readonly #gamma: number;
  readonly counts: { successes: number; failures: number }[];

  constructor(world: PolicyWorld, gamma: number) {
    this.#world = world;
    this.#gamma = gamma;
    this.counts = Array.from({ length: world.providers }, () => ({ successes: 0, failures: 0 }));
  }

  choose(): number {
    const { random } = this.#world;
    return argmax(
      this.counts.map(({ successes, failures }) => drawBeta(1 + successes, 1 + failures, random)),
      random,
    );
  }

  answered(_: unknown, provider: number, answer: Answer): void {
    for (const count of this.counts) {
      count.successes *= this.#gamma;
      count.failures *= this.#gamma;
    }
    this.counts[provider]![answer === "approved" ? "successes" : "failures"] += 1;
  }
}

/** `a`, `b` >= 1. */
export function drawBeta(a: number, b: number, random: Random): number {
  const x = drawGamma(a, random);
  return x / (x + drawGamma(b, random));
}

/** Marsaglia and Tsang 2000, for shapes of at least 1. */
function drawGamma(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
