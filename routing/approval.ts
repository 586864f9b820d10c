import { halved } from "./decay.ts";
import { Replica } from "./replica.ts";

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
/** 1,000 segments at 12 providers, about 5 MB. The one unused for the longest goes first. */
export const MAX_SEGMENTS = 12_000;

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

/** One issuer's answer. */
export interface ApprovalEvent {
  readonly at: number;
  readonly approved: boolean;
}

export type ApprovalReplica = Replica<ApprovalCounts, ApprovalEvent>;

/** The name of the counts of all providers together; no provider can be called so. */
export const EVERYONE = "*";

/** The counts of all providers and segments, in bounded memory; each is a replica of what the fleet shares. */
export class ApprovalBook {
  readonly #everyone: ApprovalReplica;
  readonly #providers = new Map<string, ApprovalReplica>();
  /** In the order of last use: a Map iterates by insertion, and each use inserts again. */
  readonly #segments = new Map<string, ApprovalReplica>();
  readonly #decay: Decay;
  readonly #maxSegments: number;

  constructor(options: { decay?: Decay; maxSegments?: number } = {}) {
    this.#decay = options.decay ?? APPROVAL_DECAY;
    this.#maxSegments = options.maxSegments ?? MAX_SEGMENTS;
    this.#everyone = counting({ ...this.#decay, perOutcome: LEVEL_PER_OUTCOME });
  }

  get segments(): number {
    return this.#segments.size;
  }

  /** The names of the counts that it changed. */
  record(provider: string, segment: Segment, approved: boolean, now: number): readonly string[] {
    const names = [EVERYONE, provider, inSegment(provider, segmentName(segment))];
    for (const name of names) this.replica(name).add({ at: now, approved });
    return names;
  }

  /** By the name that `record` gave, made where there is none; used just now. */
  replica(name: string): ApprovalReplica {
    if (name === EVERYONE) return this.#everyone;
    const ofSegment = isOfSegment(name);
    const book = ofSegment ? this.#segments : this.#providers;
    const found = book.get(name) ?? counting(this.#decay);
    if (ofSegment) book.delete(name);
    book.set(name, found);
    if (this.#segments.size > this.#maxSegments) {
      for (const oldest of this.#segments.keys()) {
        this.#segments.delete(oldest);
        break;
      }
    }
    return found;
  }

  /** The segment's rate (`segmentName`), backed off to the provider's, backed off to that of all. null: the whole provider. */
  estimate(provider: string, segment: string | null, priority: number, now: number): ApprovalEstimate {
    const whole = decayedTo(this.#providers.get(provider)?.view ?? NOTHING, now, this.#decay);
    const inThis = segment === null ? undefined : this.#segments.get(inSegment(provider, segment));
    const own = decayedTo(inThis?.view ?? NOTHING, now, this.#decay);
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
    const level = posteriorMean(decayedTo(this.#everyone.view, now, this.#decay), PRIOR_APPROVAL_RATE, PRIOR_OUTCOMES);
    return Math.max(0, level - PRIOR_PER_PRIORITY * priority);
  }
}

function counting(decay: Decay): ApprovalReplica {
  return new Replica(NOTHING, (counts: ApprovalCounts, { approved, at }: ApprovalEvent) => withOutcome(counts, approved, at, decay));
}

/** Made once per decision: it is asked for at every provider. */
export function segmentName({ country, type, currency, brand }: Segment): string {
  return JSON.stringify([country, type, currency, brand]);
}

export function isOfSegment(name: string): boolean {
  return name.startsWith("[");
}

/** Begins with a bracket: no provider's id does. */
function inSegment(provider: string, name: string): string {
  return `[${provider}]${name}`;
}
