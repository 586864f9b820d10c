import type { Acceptance } from "../../gateway/store/accept-charges.ts";
import type { Transition } from "../../gateway/store/write-transitions.ts";
import type { World } from "./world.ts";

/** What a turn read of an instrument may be as old as the turn: a lease. */
const BLIND_MS = 60_000;
/** A ban lasts 30 days; clocks may differ, and may be set back. */
const SURE_MS = 29 * 24 * 3_600_000;

/** Cards that an issuer will never approve, against the attempts that are begun with them. */
export class Bans {
  readonly #world: World;
  readonly #tokens = new Map<string, readonly string[]>();
  /** When each token was declined for good. */
  readonly #banned = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  accepted({ id, payment_method, attempt }: Acceptance): void {
    const { tokens } = payment_method as { tokens: Readonly<Record<string, unknown>> };
    this.#tokens.set(
      id,
      Object.entries(tokens).map((entry) => JSON.stringify(entry)),
    );
    if (attempt) this.#begun(id, attempt.id);
  }

  written({ id, attempt, next_attempt: next }: Transition): void {
    if (next) this.#begun(id, next.id);
    const { advice, decline } = (attempt?.detail ?? {}) as { advice?: string; decline?: { advice: string } | null };
    if (!attempt || attempt.live || (advice ?? decline?.advice) !== "never") return;
    for (const token of this.#tokens.get(id) ?? []) if (!this.#banned.has(token)) this.#banned.set(token, this.#world.now);
  }

  #begun(chargeId: string, attemptId: string): void {
    for (const token of this.#tokens.get(chargeId) ?? []) {
      const ageMs = this.#world.now - (this.#banned.get(token) ?? Number.POSITIVE_INFINITY);
      if (ageMs > BLIND_MS && ageMs < SURE_MS)
        this.#world.violate("retry discipline", `${attemptId} was begun with a card that was declined for good`, [chargeId]);
    }
  }
}
