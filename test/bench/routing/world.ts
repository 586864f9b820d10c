import { Dice } from "../../simulation/dice.ts";
import type { Answer, StoreFate } from "./policy.ts";

/** The truth about the providers at each moment; what policies have to find out. Times are seconds since the run began. */
export interface Truth {
  readonly seconds: number;
  readonly providers: number;
  /** Probability that the issuer approves, given that the provider works. */
  approval(provider: number, segment: number, at: number): number;
  /** Probability of a technical fault, the background's included. */
  faults(provider: number, at: number): number;
  /** Hard down: every charge sent there is lost. */
  isDown(provider: number, at: number): boolean;
  /** Until a fault is noticed: an error's answer, or the deadline of a hanging call. null: errors come as fast as answers. */
  readonly faultLatencyMs: number | null;
  /** Charges per second at this time, as a multiple of the run's rate. */
  surge(at: number): number;
  /** When the one hard outage of the best provider begins and ends; null: there is none, or many. */
  readonly outage: { readonly from: number; readonly to: number } | null;
  /** No call of this instance reaches this provider, and fails at once. */
  isCutOff(instance: number, provider: number, at: number): boolean;
  readonly store: StoreFate;
}

/** Everything that chance and the scenario decide, before any policy is asked: all policies see the same world. */
export interface World {
  readonly charges: number;
  readonly providers: number;
  readonly outageMs: { readonly from: number; readonly to: number } | null;
  readonly store: StoreFate;
  /** Of arrival, milliseconds, ascending. */
  readonly at: Float64Array;
  readonly segment: Uint8Array;
  readonly instance: Uint8Array;
  /** The rest: at `charge * providers + provider`. */
  readonly answer: Uint8Array;
  readonly latencyMs: Float64Array;
  /** The true probability that this charge succeeds there. */
  readonly success: Float64Array;
  readonly isDown: Uint8Array;
}

export const ANSWERS: readonly Answer[] = ["approved", "declined", "fault"];
/** Charges are spread over so many at random; most policies are one and do not care. */
export const INSTANCES = 16;
/** Until a call that never gets out fails. */
const CUT_OFF_MS = 100;
export const MEDIAN_LATENCY_MS = 800;
/** Of the logarithm: p99 is then 2.5 times the median. */
const LATENCY_SIGMA = 0.4;
/** Five countries; what share of the charges each one has. */
export const SEGMENT_SHARES = [0.5, 0.2, 0.15, 0.1, 0.05];

export function makeWorld(truth: Truth, perSecond: number, seed: number): World {
  const at = arrivals(truth, perSecond, new Dice(seed, "arrivals"));
  const charges = at.length;
  const { providers } = truth;
  const world = {
    charges,
    providers,
    outageMs: truth.outage && { from: truth.outage.from * 1_000, to: truth.outage.to * 1_000 },
    store: truth.store,
    at,
    segment: new Uint8Array(charges),
    instance: new Uint8Array(charges),
    answer: new Uint8Array(charges * providers),
    latencyMs: new Float64Array(charges * providers),
    success: new Float64Array(charges * providers),
    isDown: new Uint8Array(charges * providers),
  };
  const [segments, instances] = [new Dice(seed, "segments"), new Dice(seed, "instances")];
  const [faults, approvals, latencies] = ["faults", "approvals", "latencies"].map((stream) => new Dice(seed, stream)) as [Dice, Dice, Dice];
  for (let charge = 0; charge < charges; charge++) {
    const seconds = at[charge]! / 1_000;
    const segment = drawSegment(segments.random());
    const instance = instances.whole(0, INSTANCES - 1);
    world.segment[charge] = segment;
    world.instance[charge] = instance;
    for (let provider = 0; provider < providers; provider++) {
      const i = charge * providers + provider;
      const cutOff = truth.isCutOff(instance, provider, seconds);
      const fault = cutOff ? 1 : truth.faults(provider, seconds);
      const approval = truth.approval(provider, segment, seconds);
      // Always all draws, whatever they are used for: a scenario changes outcomes, never the chance behind them.
      const [ofFault, ofApproval, latency] = [faults.random(), approvals.random(), lognormal(latencies)];
      world.success[i] = (1 - fault) * approval;
      world.isDown[i] = cutOff || truth.isDown(provider, seconds) ? 1 : 0;
      world.answer[i] = ofFault < fault ? 2 : ofApproval < approval ? 0 : 1;
      const faultMs = cutOff ? CUT_OFF_MS : truth.faultLatencyMs;
      world.latencyMs[i] = ofFault < fault && faultMs !== null ? faultMs : latency;
    }
  }
  return world;
}

/** Poisson arrivals with a rate that may change, by thinning. */
function arrivals(truth: Truth, perSecond: number, dice: Dice): Float64Array {
  let most = 1;
  for (let second = 0; second < truth.seconds; second++) most = Math.max(most, truth.surge(second));
  const at: number[] = [];
  let now = 0;
  for (;;) {
    now -= Math.log(1 - dice.random()) / (perSecond * most);
    if (now >= truth.seconds) return Float64Array.from(at);
    if (dice.random() * most < truth.surge(now)) at.push(now * 1_000);
  }
}

function drawSegment(draw: number): number {
  let left = draw;
  for (let segment = 0; segment < SEGMENT_SHARES.length; segment++) {
    left -= SEGMENT_SHARES[segment]!;
    if (left < 0) return segment;
  }
  return SEGMENT_SHARES.length - 1;
}

/** Box and Muller. */
function lognormal(dice: Dice): number {
  const normal = Math.sqrt(-2 * Math.log(1 - dice.random())) * Math.cos(2 * Math.PI * dice.random());
  return MEDIAN_LATENCY_MS * Math.exp(LATENCY_SIGMA * normal);
}
