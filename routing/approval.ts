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
/** 1,000 segments at 12 providers, about 8 MB (measured). The one unused for the longest goes first. */
export const MAX_SEGMENTS = 12_000;

export function decayedTo(counts: ApprovalCounts, now: number, decay: Decay): ApprovalCounts {
  const left = remaining(counts, now, decay);
  return { approved: counts.approved * left, declined: counts.declined * left, at: Math.max(now, counts.at) };
}

/** The share of both counts that is left. */
function remaining(counts: ApprovalCounts, now: number, decay: Decay): number {
  const n = counts.approved + counts.declined;
  const elapsedMs = now - counts.at;
  if (elapsedMs <= 0 || n === 0) return 1;
  const fastForMs = n > decay.sparseBelow ? Math.min(elapsedMs, decay.halfLifeMs * Math.log2(n / decay.sparseBelow)) : 0;
  return 2 ** (-fastForMs / decay.halfLifeMs - (elapsedMs - fastForMs) / decay.sparseHalfLifeMs);
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
function posteriorMean({ approved, declined }: ApprovalCounts, priorRate: number, priorOutcomes: number): number {
  return meanOf(approved, declined, priorRate, priorOutcomes);
}

function meanOf(approved: number, declined: number, priorRate: number, priorOutcomes: number): number {
  return (priorOutcomes * priorRate + approved) / (priorOutcomes + approved + declined);
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
  /** By name, in the order of last use: a Map iterates by insertion, and each use inserts again. */
  readonly #segments = new Map<string, ApprovalReplica>();
  /** The same by segment and provider, as a decision asks for them. */
  readonly #bySegment = new Map<string, Map<string, ApprovalReplica>>();
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
    const [provider, segment] = partsOf(name);
    if (segment === "") return made(this.#providers, name, this.#decay);
    const ofSegment = this.#bySegment.get(segment) ?? new Map<string, ApprovalReplica>();
    this.#bySegment.set(segment, ofSegment);
    const found = made(ofSegment, provider, this.#decay);
    this.#segments.delete(name);
    this.#segments.set(name, found);
    if (this.#segments.size > this.#maxSegments) this.#forgetOldest();
    return found;
  }

  /** For one decision: what each provider's rate is in this segment (`segmentName`; null: as a whole), and its place in the order. */
  estimates(segment: string | null, now: number): (provider: string, priority: number) => ApprovalEstimate {
    const everyone = decayedTo(this.#everyone.view, now, this.#decay);
    const level = posteriorMean(everyone, PRIOR_APPROVAL_RATE, PRIOR_OUTCOMES);
    const inThis = segment === null ? undefined : this.#bySegment.get(segment);
    return (provider, priority) => {
      const prior = Math.max(0, level - PRIOR_PER_PRIORITY * priority);
      return this.#estimate(this.#providers.get(provider)?.view ?? NOTHING, inThis?.get(provider)?.view ?? NOTHING, prior, now);
    };
  }

  /** The segment's rate, backed off to the provider's, backed off to that of all. */
  #estimate(whole: ApprovalCounts, own: ApprovalCounts, prior: number, now: number): ApprovalEstimate {
    const wholeLeft = remaining(whole, now, this.#decay);
    const ownLeft = remaining(own, now, this.#decay);
    const approved = own.approved * ownLeft;
    const declined = own.declined * ownLeft;
    // The segment's own outcomes are part of the whole; left in, they would count twice.
    const othersApproved = Math.max(0, whole.approved * wholeLeft - approved);
    const othersDeclined = Math.max(0, whole.declined * wholeLeft - declined);
    const others = meanOf(othersApproved, othersDeclined, prior, PROVIDER_PRIOR_OUTCOMES);
    const rate = meanOf(approved, declined, others, SEGMENT_PRIOR_OUTCOMES);
    const outcomes = (whole.approved + whole.declined) * wholeLeft;
    return { rate, spread: Math.sqrt((rate * (1 - rate)) / (PROVIDER_PRIOR_OUTCOMES + outcomes)), outcomes };
  }

  #forgetOldest(): void {
    for (const oldest of this.#segments.keys()) {
      this.#segments.delete(oldest);
      const [provider, segment] = partsOf(oldest);
      const ofSegment = this.#bySegment.get(segment);
      ofSegment?.delete(provider);
      if (ofSegment?.size === 0) this.#bySegment.delete(segment);
      return;
    }
  }
}

function made(book: Map<string, ApprovalReplica>, key: string, decay: Decay): ApprovalReplica {
  const found = book.get(key) ?? counting(decay);
  book.set(key, found);
  return found;
}

function counting(decay: Decay): ApprovalReplica {
  return new Replica(NOTHING, (counts: ApprovalCounts, { approved, at }: ApprovalEvent) => withOutcome(counts, approved, at, decay));
}

/** Made once per decision: it is asked for at every provider. */
export function segmentName({ country, type, currency, brand }: Segment): string {
  return JSON.stringify([country, type, currency, brand]);
}

/** A provider's counts in a segment. No provider's id has a bracket in it, and every segment's name begins with one. */
function inSegment(provider: string, segment: string): string {
  return provider + segment;
}

/** The segment is empty for a provider as a whole. */
function partsOf(name: string): [provider: string, segment: string] {
  const end = name.indexOf("[");
  return end === -1 ? [name, ""] : [name.slice(0, end), name.slice(end)];
}

export function providerOfCounts(name: string): string {
  return partsOf(name)[0];
}
