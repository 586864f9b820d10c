import type { Decaying } from "../../routing/decay.ts";
import type { Limits } from "../../routing/rules.ts";
import { type Bucket, counted, fullBucket, hasToken, refilled, withoutToken, wouldExceed } from "../../routing/volume-limits.ts";

export interface VolumeStanding {
  /** Attempts per second of the fleet, when this instance's part of them is used up; else null. */
  readonly limitReached: number | null;
  readonly overShare: boolean;
}

/** A provider's limits by the rules, and how many instances share them. */
interface Allowance {
  readonly limits: Limits | undefined;
  readonly instances: number;
}

const UNLIMITED: VolumeStanding = { limitReached: null, overShare: false };
const NONE: Decaying = { value: 0, at: 0 };

/**
 * The attempts that this instance chose its providers for, against the limits of the rules. Counted when a provider is
 * chosen, not when it is asked: between them lies a commit, in which others choose. Looking changes nothing. `now` is the
 * monotonic clock's: this book is shared with nobody, and a clock that is set back refills nothing.
 */
export class VolumeBook {
  #all = NONE;
  readonly #chosen = new Map<string, Decaying>();
  readonly #buckets = new Map<string, Bucket>();

  standing(provider: string, { limits, instances }: Allowance, now: number): VolumeStanding {
    if (limits === undefined) return UNLIMITED;
    const { per_second, share } = limits;
    return {
      limitReached: per_second !== undefined && !hasToken(this.#bucket(provider, per_second / instances, now)) ? per_second : null,
      overShare: share !== undefined && wouldExceed(share, this.#chosen.get(provider) ?? NONE, this.#all, now),
    };
  }

  /** One more attempt was given to it. */
  count(provider: string, { limits, instances }: Allowance, now: number): void {
    this.#all = counted(this.#all, now);
    this.#chosen.set(provider, counted(this.#chosen.get(provider) ?? NONE, now));
    if (limits?.per_second === undefined) this.#buckets.delete(provider);
    else this.#buckets.set(provider, withoutToken(this.#bucket(provider, limits.per_second / instances, now)));
  }

  #bucket(provider: string, perSecond: number, now: number): Bucket {
    const known = this.#buckets.get(provider);
    return known ? refilled(known, perSecond, now) : fullBucket(perSecond, now);
  }
}
