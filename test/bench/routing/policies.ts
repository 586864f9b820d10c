import { bySegment } from "./baselines/by-segment.ts";
import { discountedThompson } from "./baselines/discounted-thompson.ts";
import { epsilonGreedy } from "./baselines/epsilon-greedy.ts";
import { juspay } from "./baselines/juspay.ts";
import { oracle } from "./baselines/oracle.ts";
import { discountedUcb, slidingWindowUcb } from "./baselines/upper-confidence.ts";
import { roundRobin, staticOrder } from "./baselines/with-breaker.ts";
import type { NamedPolicy } from "./policy.ts";
import { switchyard, switchyardLocal, switchyardShared, switchyardShuffled } from "./product.ts";

export const PRODUCT: readonly NamedPolicy[] = [switchyard, switchyardShuffled];

const JUSPAY = juspay(200, 0.01);

export const BASELINES: readonly NamedPolicy[] = [
  JUSPAY,
  bySegment(JUSPAY),
  juspay(125, 0.05),
  epsilonGreedy(0.05, 200),
  discountedThompson(0.998),
  discountedUcb(0.999),
  slidingWindowUcb(1_000),
  staticOrder,
  roundRobin,
];

export const POLICIES: readonly NamedPolicy[] = [...PRODUCT, ...BASELINES, oracle];
/** For the tables that take long. */
export const FEWER_POLICIES: readonly NamedPolicy[] = [switchyard, ...BASELINES];
/** What sharing is worth: one instance that sees everything, and several. */
export const INSTANCE_POLICIES: readonly NamedPolicy[] = [switchyard, switchyardShared, switchyardLocal];
