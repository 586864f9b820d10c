import { heldByAttempt } from "./judge.ts";
import type { Psp } from "./weather.ts";
import type { World } from "./world.ts";

/** Money that really moved, at a processor. */
export interface Movement {
  readonly at: number;
  readonly psp: Psp;
  /** `authorize`: held, and not moved. `void`: a hold was released, or has lapsed. */
  readonly type: "authorize" | "capture" | "void" | "refund";
  readonly attemptId: string;
  readonly chargeId: string;
  readonly object: string;
  /** What the money is known by. */
  readonly reference: string;
  readonly amount: bigint;
  /** A refund's. */
  readonly key?: string;
}

/** Both processors' own books. The judge believes nothing else about money. */
export class Ledger {
  readonly movements: Movement[] = [];
  /** Attempts that a processor took money for after it had confirmed a cancel; nobody can keep their charge (the value) from being paid twice. */
  readonly betrayed = new Map<string, string>();
  /** Of these, the ones that the product was told of by a late answer: from then on it has to make it good. */
  readonly evident = new Set<string>();
  readonly #world: World;
  onRefund: (movement: Movement) => void = () => {};
  onLapse: () => void = () => {};
  onCapture: (movement: Movement) => void = () => {};

  constructor(world: World) {
    this.#world = world;
  }

  add(movement: Omit<Movement, "at">): void {
    const whole = { ...movement, at: this.#world.now };
    this.movements.push(whole);
    this.#world.tell(
      movement.psp,
      `MONEY ${movement.type} ${movement.amount} ${movement.reference} (${movement.attemptId}, ${movement.chargeId})`,
    );
    const { captures, refunds } = this.ofAttempt(movement.attemptId);
    if (refunds > captures) this.#world.violate("law 8", `more went back than was taken for ${movement.attemptId}`, [movement.chargeId]);
    if (movement.type === "capture") this.onCapture(whole);
    if (movement.type === "refund") this.onRefund(whole);
  }

  isBetrayed(chargeId: string): boolean {
    return [...this.betrayed.values()].includes(chargeId);
  }

  /** Nothing that the gateway does by itself could know of it; reconciliation will. */
  isBetrayedUnseen(chargeId: string): boolean {
    return [...this.betrayed].some(([attemptId, of]) => of === chargeId && !this.evident.has(attemptId));
  }

  ofCharge(chargeId: string): Movement[] {
    return this.movements.filter((movement) => movement.chargeId === chargeId);
  }

  heldByCharge(chargeId: string): Map<string, bigint> {
    return heldByAttempt(this.ofCharge(chargeId));
  }

  ofAttempt(attemptId: string): { captures: bigint; refunds: bigint } {
    let captures = 0n;
    let refunds = 0n;
    for (const movement of this.movements) {
      if (movement.attemptId !== attemptId) continue;
      if (movement.type === "capture") captures += movement.amount;
      else if (movement.type === "refund") refunds += movement.amount;
    }
    return { captures, refunds };
  }
}
