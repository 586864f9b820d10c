import type { Clock, Random } from "../../../providers/contract/clock.ts";

/** One way to choose a provider. Providers are numbers in configured order; times are milliseconds since the run began. */
export interface Policy {
  /** The provider for this charge; `NOBODY`: it is not sent. */
  choose(charge: Charge, now: number): number;
  /** The answer arrives, after its latency. A promise: nothing else happens before it has ended. */
  answered(charge: Charge, provider: number, answer: Answer, now: number): void | Promise<void>;
  close?(): void;
  /** What its gates did; policies without gates have none. */
  gates?(): Gates;
}

export interface Gates {
  /** From closed to open for all instances; once, however many of them heard of it. */
  readonly openings: number;
  /** For one instance alone. */
  readonly openingsAlone: number;
  /** When the first provider's closed again, milliseconds since the run began, at each instance that heard of it. */
  readonly closedAt: readonly number[];
}

/** What a policy may see of a charge. */
export interface Charge {
  /** Counted from 0 in order of arrival. */
  readonly number: number;
  /** Index of one of the world's segments. */
  readonly segment: number;
  /** Which of `INSTANCES` it reaches. */
  readonly instance: number;
}

export const NOBODY = -1;

/** A technical fault says nothing about approval; policies that know no difference take it as a failure, like a decline. */
export type Answer = "approved" | "declined" | "fault";

export interface PolicyWorld {
  readonly providers: number;
  readonly random: Random;
  readonly store: StoreFate;
  /** Passes with the events of the run. */
  readonly clock: Clock;
  /** For the oracle alone. */
  trueSuccess(charge: number, provider: number): number;
}

/** What befalls the store that instances share; milliseconds since the run began. */
export interface StoreFate {
  readonly away: { readonly from: number; readonly to: number } | null;
  readonly emptiedAt: number | null;
}

export interface NamedPolicy {
  readonly name: string;
  /** It does something between charges that waits for promises. */
  readonly background?: boolean;
  make(world: PolicyWorld): Policy;
}
