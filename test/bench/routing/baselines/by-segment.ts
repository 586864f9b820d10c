import type { NamedPolicy, Policy } from "../policy.ts";

/** One policy of this kind for each segment, as one configures it by country: each learns alone. */
export function bySegment(of: NamedPolicy): NamedPolicy {
  return {
    name: `${of.name}, per segment`,
    make: (world) => {
      const policies = new Map<number, Policy>();
      const forSegment = (segment: number): Policy => {
        const policy = policies.get(segment) ?? of.make(world);
        policies.set(segment, policy);
        return policy;
      };
      return {
        choose: (charge, now) => forSegment(charge.segment).choose(charge, now),
        answered: (charge, provider, answer, now) => forSegment(charge.segment).answered(charge, provider, answer, now),
      };
    },
  };
}
