import { type Gates, NOBODY } from "./policy.ts";
import type { World } from "./world.ts";

/** What one policy made of one world. */
export interface Score {
  /** Percentage points of the charges: the mean distance between the best true probability of success and the chosen one. */
  readonly regret: number;
  readonly charges: number;
  /** Charges sent to a provider while it was hard down. */
  readonly sentDown: number;
  /** Of the arrivals 5 to 10 s after the onset of a hard outage, the share sent to it; null: no outage, or no arrivals. */
  readonly shareAfter5s: number | null;
  /** Seconds from the end of the outage until the provider has 90 % of its share again, or until the run ended; null: it cannot be said. */
  readonly restoredS: number | null;
  /** Charges for which the policy had nobody. */
  readonly unsent: number;
  /** null: it has no gates. */
  readonly openings: { readonly fleet: number; readonly alone: number } | null;
  /** Seconds from the end of the outage until a gate closed again, from where its weight ramps; null: none did, or needed to. */
  readonly closedS: number | null;
  /** The sequence of choices, for comparing runs. */
  readonly digest: number;
}

const SHARE_FROM_MS = 5_000;
const SHARE_TO_MS = 10_000;
/** The provider that the outages of all scenarios with one outage are about. */
const PROVIDER = 0;
/** Its share is that of so much time before the outage, and back when it has 90 % of it over the second time. */
const BEFORE_MS = 120_000;
const AGAIN_MS = 10_000;
const RESTORED_SHARE = 0.9;
/** Fewer arrivals before the outage say nothing; a smaller share was not its own. */
const MIN_BEFORE = 1_000;
const MIN_SHARE = 0.5;
/** A run that ends sooner after the outage says nothing. */
const MIN_AFTER_MS = 120_000;

export class Tally {
  readonly #world: World;
  readonly #chosen: Int8Array;
  #lost = 0;
  #sentDown = 0;
  #unsent = 0;
  #digest = 0;

  constructor(world: World) {
    this.#world = world;
    this.#chosen = new Int8Array(world.charges).fill(NOBODY);
  }

  add(charge: number, provider: number): void {
    const { providers, success, isDown } = this.#world;
    const first = charge * providers;
    let best = 0;
    for (let i = first; i < first + providers; i++) best = Math.max(best, success[i]!);
    this.#chosen[charge] = provider;
    this.#lost += best - (provider === NOBODY ? 0 : success[first + provider]!);
    this.#unsent += provider === NOBODY ? 1 : 0;
    this.#sentDown += provider !== NOBODY && isDown[first + provider] === 1 ? 1 : 0;
    this.#digest = (Math.imul(this.#digest, 31) + provider + 1) | 0;
  }

  score(gates: Gates | null): Score {
    const { charges, outageMs } = this.#world;
    const closedAt = outageMs && gates?.closedAt.find((at) => at >= outageMs.to);
    return {
      regret: (100 * this.#lost) / Math.max(1, charges),
      charges,
      sentDown: this.#sentDown,
      shareAfter5s: this.#shareAfter5s(),
      restoredS: this.#restoredS(),
      unsent: this.#unsent,
      openings: gates && { fleet: gates.openings, alone: gates.openingsAlone },
      closedS: typeof closedAt === "number" && outageMs ? (closedAt - outageMs.to) / 1_000 : null,
      digest: this.#digest,
    };
  }

  #shareAfter5s(): number | null {
    const { outageMs, isDown, providers } = this.#world;
    if (!outageMs) return null;
    const { share } = this.#between(outageMs.from + SHARE_FROM_MS, outageMs.from + SHARE_TO_MS, (charge) => {
      const provider = this.#chosen[charge]!;
      return provider !== NOBODY && isDown[charge * providers + provider] === 1;
    });
    return Number.isNaN(share) ? null : share;
  }

  #restoredS(): number | null {
    const { outageMs, at, charges } = this.#world;
    if (!outageMs || charges === 0 || at[charges - 1]! < outageMs.to + MIN_AFTER_MS) return null;
    const there = (charge: number): boolean => this.#chosen[charge] === PROVIDER;
    const before = this.#between(outageMs.from - BEFORE_MS, outageMs.from, there);
    if (before.arrivals < MIN_BEFORE || before.share < MIN_SHARE) return null;
    let oldest = this.#firstFrom(outageMs.to);
    let back = 0;
    for (let charge = oldest; charge < charges; charge++) {
      back += there(charge) ? 1 : 0;
      for (; at[oldest]! <= at[charge]! - AGAIN_MS; oldest++) back -= there(oldest) ? 1 : 0;
      const full = at[charge]! >= outageMs.to + AGAIN_MS;
      if (full && back / (charge - oldest + 1) >= RESTORED_SHARE * before.share) return (at[charge]! - outageMs.to) / 1_000;
    }
    return (at[charges - 1]! - outageMs.to) / 1_000;
  }

  #between(fromMs: number, toMs: number, counts: (charge: number) => boolean): { arrivals: number; share: number } {
    const [first, end] = [this.#firstFrom(fromMs), this.#firstFrom(toMs)];
    let counted = 0;
    for (let charge = first; charge < end; charge++) counted += counts(charge) ? 1 : 0;
    return { arrivals: end - first, share: counted / (end - first) };
  }

  #firstFrom(ms: number): number {
    const found = this.#world.at.findIndex((at) => at >= ms);
    return found === -1 ? this.#world.charges : found;
  }
}
