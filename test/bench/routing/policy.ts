import type { Clock, Random } from "../../../providers/contract/clock.ts";

/** One way to choose a provider. Providers are numbers in configured order; times are milliseconds since the run began. */
export interface Policy {
  /** The provider for this charge; `NOBODY`: it is not sent. */
  choose(charge: Charge, now: number): number;
  /** The answer arrives, after its latency. A promise: nothing else happens before it has ended. */
  answered(charge: Charge, provider: number, answer: Answer, now: number): void | Promise<void>;
  close?(): void;
}

/** What a policy may see of a charge. */
export interface Charge {
  /** Counted from 0 in order of arrival. */
  readonly number: number;
  /** Index of one of the world's segments. */
  readonly segment: number;
}

export const NOBODY = -1;

/** A technical fault says nothing about approval; policies that know no difference take it as a failure, like a decline. */
export type Answer = "approved" | "declined" | "fault";

export interface PolicyWorld {
  readonly providers: number;
  readonly random: Random;
  /** Passes with the events of the run. */
  readonly clock: Clock;
  /** For the oracle alone. */
  trueSuccess(charge: number, provider: number): number;
}

export interface NamedPolicy {
  readonly name: string;
  make(world: PolicyWorld): Policy;
}
