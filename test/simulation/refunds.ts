import type { Transition } from "../../gateway/store/write-transitions.ts";
import type { Movement } from "./ledger.ts";
import type { World } from "./world.ts";

interface Intent {
  readonly id: string;
  readonly attemptId: string;
  readonly chargeId: string;
  /** null: not told with its intent. */
  readonly provider: string | null;
  readonly amount: bigint;
  readonly compensates: boolean;
}

interface Opened {
  readonly id: string;
  readonly attempt_id: string;
  readonly charge_id: string;
  readonly provider: string;
  readonly provider_key: string;
  readonly amount: bigint;
}

/** What goes back against what was committed: each refund by its own key, and once. */
export class Refunds {
  readonly #world: World;
  /** By each key that was committed for it. */
  readonly #intents = new Map<string, Intent>();
  /** What a caller may be told of each: every state that was committed. */
  readonly #committed = new Set<string>();
  readonly #paid = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
  }

  opened(rows: readonly object[]): void {
    for (const { id, attempt_id, charge_id, provider, provider_key, amount } of rows as readonly Opened[]) {
      this.#intents.set(provider_key, { id, attemptId: attempt_id, chargeId: charge_id, provider, amount, compensates: false });
      this.#committed.add(`${id} processing`);
      this.#world.tell("database", `${id} is to give back ${amount} of ${charge_id}`);
    }
  }

  /** A compensation. */
  intended({ id, operation }: Transition): void {
    if (operation?.kind !== "compensate") return;
    const { id: own, attempt_id, provider_key, amount } = operation;
    // Unique per attempt: another one is not inserted.
    if (this.#intents.has(provider_key)) return;
    const intent = { id: own, attemptId: attempt_id, chargeId: id, provider: null, amount: BigInt(amount), compensates: true };
    this.#intents.set(provider_key, intent);
  }

  /** A claim may have committed another key. */
  claimed(rows: readonly object[]): void {
    for (const { id, provider_key } of rows as readonly Opened[]) this.#keyed(id, provider_key);
  }

  /** `write` as the statement has it. */
  written(
    id: string,
    write: { readonly state: string; readonly provider_key: string; readonly taken?: { readonly amount: string } },
  ): void {
    this.#committed.add(`${id} ${write.state}`);
    this.#keyed(id, write.provider_key);
    const intent = this.#intents.get(write.provider_key);
    if (write.taken && intent) this.#intents.set(write.provider_key, { ...intent, amount: BigInt(write.taken.amount) });
    this.#world.tell("database", `${id} is ${write.state}`);
  }

  #keyed(id: string, key: string): void {
    const intent = [...this.#intents.values()].find((one) => one.id === id);
    if (intent) this.#intents.set(key, intent);
  }

  /** Law 7. */
  answered(id: string, state: string): void {
    if (!this.#committed.has(`${id} ${state}`))
      this.#world.violate("law 7", `${id} is said to be ${state}, and that was never committed`, [id]);
  }

  sent(psp: string, key: string, attemptId: string, amount: bigint): void {
    const intent = this.#intents.get(key);
    if (!intent) {
      this.#world.violate("law 2", `a refund of ${attemptId} was sent with ${key}, which was never committed`, [attemptId]);
      return;
    }
    if (intent.attemptId !== attemptId || intent.amount !== amount || (intent.provider ?? psp) !== psp)
      this.#world.violate("law 2", `the refund ${intent.id} was sent other than it was committed`, [intent.chargeId, intent.id]);
  }

  /** By the books. */
  paid({ key = "", chargeId, amount, reference }: Movement): void {
    const intent = this.#intents.get(key);
    if (!intent) return;
    const before = this.#paid.get(intent.id);
    this.#paid.set(intent.id, reference);
    if (before !== undefined)
      this.#world.violate("never twice", `${amount} of ${chargeId} went back twice for ${intent.id}: ${before}, ${reference}`, [
        chargeId,
        intent.id,
      ]);
  }
}
