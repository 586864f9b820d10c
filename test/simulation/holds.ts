import { CAPABILITIES } from "./capabilities.ts";
import type { Dice } from "./dice.ts";
import type { KeptKeys } from "./kept-keys.ts";
import type { Ledger } from "./ledger.ts";
import type { ErrorCode, Manner, Payment, Reply } from "./payment.ts";
import type { Psp } from "./weather.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
/** Somebody works at it as it would lapse: right after that. */
const LAPSE_AGAIN_MS = 1_000;
/** Of the captures of such a card. */
const REFUSED = 0.6;
/** Of the captures that are reviewed, so many are declined in the end. */
const DECLINED_LATE = 0.25;

/** What a processor holds and has not taken: captured once, whole or in part; or released; or it lapses. */
export class Holds {
  readonly #psp: Psp;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #keys: KeptKeys;
  readonly #dice: Dice;
  readonly #take: (payment: Payment, amount: bigint) => void;

  constructor(psp: Psp, world: World, ledger: Ledger, keys: KeptKeys, take: (payment: Payment, amount: bigint) => void) {
    this.#psp = psp;
    this.#world = world;
    this.#ledger = ledger;
    this.#keys = keys;
    this.#dice = world.dice(`holds ${psp}`);
    this.#take = take;
  }

  /** `short`: it lapses long before the time that the adapter declares, and says so. */
  hold(payment: Payment, short: number): void {
    const ms = this.#dice.chance(short) ? this.#dice.between(6 * HOUR_MS, 60 * HOUR_MS) : CAPABILITIES[this.#psp].holdMs;
    payment.status = "held";
    payment.heldAt = this.#world.now;
    payment.heldUntil = this.#world.now + ms;
    this.#book("authorize", payment);
    this.#lapseIn(ms, payment);
  }

  /** `key` null: not one of ours, as the replay to a processor where the object itself is captured once. */
  capture(key: string | null, payment: Payment, amount: bigint, manner: Manner, reply: (reply: Reply) => void): void {
    const execute = (): Payment => {
      if (payment.card === "capture_refused" && this.#dice.chance(REFUSED)) return payment;
      if (payment.card === "capture_pending" && this.#psp === "paypal") this.#review(payment, amount);
      else this.#take(payment, amount);
      return payment;
    };
    this.#keys.post({ step: "capture", key, payment, manner, refuses: () => this.#refusal(payment, amount), execute }, reply);
  }

  release(payment: Payment): void {
    payment.status = "canceled";
    this.#book("void", payment);
  }

  #refusal(payment: Payment, amount: bigint): ErrorCode | null {
    if (payment.locked) return "in_progress";
    if (payment.status === "held") return amount > payment.amount ? "too_much_captured" : null;
    if (this.#psp === "stripe") return "unexpected_state";
    return payment.status === "canceled" ? "hold_gone" : "already_captured";
  }

  #review(payment: Payment, amount: bigint): void {
    payment.status = "processing";
    this.#world.after(this.#dice.between(2_000, 3 * HOUR_MS), null, "a review of a capture ends", () => {
      if (payment.status !== "processing") return;
      payment.reviewedAt = this.#world.now;
      if (!this.#dice.chance(DECLINED_LATE)) {
        this.#take(payment, amount);
        return;
      }
      payment.status = "held";
      const left = (payment.heldUntil ?? 0) - this.#world.now;
      this.#lapseIn(left, payment);
    });
  }

  #lapseIn(ms: number, payment: Payment): void {
    this.#world.after(ms, null, "a hold lapses", () => {
      if (payment.status !== "held") return;
      if (payment.locked) {
        this.#lapseIn(LAPSE_AGAIN_MS, payment);
        return;
      }
      this.#world.tell(this.#psp, `${payment.id} lapses`);
      this.#ledger.onLapse();
      this.release(payment);
    });
  }

  #book(type: "authorize" | "void", { attemptId, chargeId, id, amount }: Payment): void {
    const reference = holdOf(this.#psp, id);
    this.#ledger.add({ psp: this.#psp, type, attemptId, chargeId, object: id, reference, amount });
  }
}

/** What the hold of an object is known by. */
export function holdOf(psp: string, id: string): string {
  return psp === "stripe" ? id : `auth_${id}`;
}

/** What the money of an object is known by. */
export function captureOf(psp: string, id: string): string {
  return psp === "stripe" ? id : `cap_${id}`;
}
