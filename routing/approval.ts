import { halved } from "./decay.ts";

/** What approval rates are kept by. Lower case and upper case are the caller's business. */
export interface Segment {
  readonly country: string | null;
  /** `card`, ... */
  readonly type: string;
  readonly currency: string;
  readonly brand: string | null;
}

/** Issuer answers that forget: as of `at` (milliseconds). */
export interface ApprovalCounts {
  readonly approved: number;
  readonly declined: number;
  readonly at: number;
}

export interface Decay {
  /** Both counts shrink by this share with each outcome of their own: never more than 1 / share outcomes count. */
  readonly perOutcome: number;
  readonly halfLifeMs: number;
  /** Where fewer than `sparseBelow` outcomes count, memory is longer, or nothing would ever be known there. */
  readonly sparseHalfLifeMs: number;
  readonly sparseBelow: number;
}

export const APPROVAL_DECAY: Decay = { perOutcome: 1 / 400, halfLifeMs: 120_000, sparseHalfLifeMs: 1_800_000, sparseBelow: 30 };
/** A segment's own outcomes outweigh its provider's other ones from here on; fewer would chase the luck of single cards. */
export const SEGMENT_PRIOR_OUTCOMES = 60;
/** So many imagined outcomes say that a provider is like all of them together. More would hide from it what it never tried. */
export const PROVIDER_PRIOR_OUTCOMES = 40;
/** All providers together, before their first outcomes; so many imagined ones speak for it. */
export const PRIOR_APPROVAL_RATE = 0.87;
export const PRIOR_OUTCOMES = 20;
/** Each place in the configured order is worth so much approval until outcomes say otherwise. */
export const PRIOR_PER_PRIORITY = 0.01;
/** How fast the level of all providers together moves: it only has to be about right. */
const LEVEL_PER_OUTCOME = 1 / 2_000;
/** 250 countries of one brand and currency at 8 providers. The one unused for the longest goes first. */
export const MAX_SEGMENTS = 2_000;

export function decayedTo(counts: ApprovalCounts, now: number, decay: Decay): ApprovalCounts {
  const n = counts.approved + counts.declined;
  const elapsedMs = now - counts.at;
  if (elapsedMs <= 0 || n === 0) return { ...counts, at: Math.max(now, counts.at) };
  const fastForMs = n > decay.sparseBelow ? Math.min(elapsedMs, decay.halfLifeMs * Math.log2(n / decay.sparseBelow)) : 0;
  const left = halved(halved(1, fastForMs, decay.halfLifeMs), elapsedMs - fastForMs, decay.sparseHalfLifeMs);
  return { approved: counts.approved * left, declined: counts.declined * left, at: now };
}

export function withOutcome(counts: ApprovalCounts, approved: boolean, now: number, decay: Decay): ApprovalCounts {
  const before = decayedTo(counts, now, decay);
  const keep = 1 - decay.perOutcome;
  return {
    approved: before.approved * keep + (approved ? 1 : 0),
    declined: before.declined * keep + (approved ? 0 : 1),
    at: before.at,
  };
}

/** The mean of the posterior: `priorOutcomes` imagined outcomes at `priorRate`, and the real ones. */
export function posteriorMean(counts: ApprovalCounts, priorRate: number, priorOutcomes: number): number {
  return (priorOutcomes * priorRate + counts.approved) / (priorOutcomes + counts.approved + counts.declined);
}

export interface ApprovalEstimate {
  /** The expected share of approvals. */
  readonly rate: number;
  /** Standard deviation of what is believed about the provider's rate: large where little, or nothing of late, is known. */
  readonly spread: number;
  /** Outcomes behind it, of the whole provider, after decay. */
  readonly outcomes: number;
}

const NOTHING: ApprovalCounts = { approved: 0, declined: 0, at: 0 };

/** The counts of all providers and segments, in bounded memory. */
export class ApprovalBook {
  #everyone = NOTHING;
  readonly #providers = new Map<string, ApprovalCounts>();
  /** In the order of last use: a Map iterates by insertion, and each use inserts again. */
  readonly #segments = new Map<string, ApprovalCounts>();
  readonly #decay: Decay;
  readonly #levelDecay: Decay;
  readonly #maxSegments: number;

  constructor(options: { decay?: Decay; maxSegments?: number } = {}) {
    this.#decay = options.decay ?? APPROVAL_DECAY;
    this.#levelDecay = { ...this.#decay, perOutcome: LEVEL_PER_OUTCOME };
    this.#maxSegments = options.maxSegments ?? MAX_SEGMENTS;
  }

  get segments(): number {
    return this.#segments.size;
  }

  record(provider: string, segment: Segment, approved: boolean, now: number): void {
    const key = segmentKey(provider, segment);
    const ofProvider = this.#providers.get(provider) ?? NOTHING;
    const ofSegment = this.#segments.get(key) ?? NOTHING;
    this.#everyone = withOutcome(this.#everyone, approved, now, this.#levelDecay);
    this.#providers.set(provider, withOutcome(ofProvider, approved, now, this.#decay));
    this.#segments.delete(key);
    this.#segments.set(key, withOutcome(ofSegment, approved, now, this.#decay));
    if (this.#segments.size > this.#maxSegments) {
      for (const oldest of this.#segments.keys()) return void this.#segments.delete(oldest);
    }
  }

  /** The segment's rate, backed off to the provider's, backed off to that of all providers. null: the whole provider. */
  estimate(provider: string, segment: Segment | null, priority: number, now: number): ApprovalEstimate {
    const whole = decayedTo(this.#providers.get(provider) ?? NOTHING, now, this.#decay);
    const own = decayedTo((segment && this.#segments.get(segmentKey(provider, segment))) ?? NOTHING, now, this.#decay);
    // The segment's own outcomes are part of the whole; left in, they would count twice.
    const others = {
      approved: Math.max(0, whole.approved - own.approved),
      declined: Math.max(0, whole.declined - own.declined),
      at: now,
    };
    const ofOthers = posteriorMean(others, this.#priorRate(priority, now), PROVIDER_PRIOR_OUTCOMES);
    const rate = posteriorMean(own, ofOthers, SEGMENT_PRIOR_OUTCOMES);
    const outcomes = whole.approved + whole.declined;
    return { rate, spread: Math.sqrt((rate * (1 - rate)) / (PROVIDER_PRIOR_OUTCOMES + outcomes)), outcomes };
  }

  /** `priority` 0 is the provider configured first. */
  #priorRate(priority: number, now: number): number {
    const level = posteriorMean(decayedTo(this.#everyone, now, this.#levelDecay), PRIOR_APPROVAL_RATE, PRIOR_OUTCOMES);
    return Math.max(0, level - PRIOR_PER_PRIORITY * priority);
  }
}

function segmentKey(provider: string, segment: Segment): string {
  return JSON.stringify([provider, segment.country, segment.type, segment.currency, segment.brand]);
}
