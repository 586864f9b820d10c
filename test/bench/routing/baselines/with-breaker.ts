import type { Answer, NamedPolicy } from "../policy.ts";
import { NOBODY, type Policy } from "../policy.ts";
import { PlainBreaker } from "./plain-breaker.ts";

/** The first in configured order whose breaker is not open. */
export const staticOrder: NamedPolicy = { name: "static order + breaker", make: ({ providers }) => new WithBreaker(providers, 0) };

/** Each in turn, past those whose breaker is open. */
export const roundRobin: NamedPolicy = { name: "round robin + breaker", make: ({ providers }) => new WithBreaker(providers, 1) };

class WithBreaker implements Policy {
  readonly #breakers: PlainBreaker[];
  readonly #step: number;
  #from = 0;

  constructor(providers: number, step: number) {
    this.#breakers = Array.from({ length: providers }, () => new PlainBreaker());
    this.#step = step;
  }

  choose(_: unknown, now: number): number {
    const from = this.#from;
    this.#from += this.#step;
    for (let i = 0; i < this.#breakers.length; i++) {
      const provider = (from + i) % this.#breakers.length;
      const breaker = this.#breakers[provider]!;
      if (!breaker.admits(now)) continue;
      breaker.fired(now);
      return provider;
    }
    return NOBODY;
  }

  answered(_: unknown, provider: number, answer: Answer, now: number): void {
    this.#breakers[provider]!.ended(answer === "fault", now);
  }
}
