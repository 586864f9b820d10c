import type { Dice } from "./dice.ts";
import { Issuer } from "./issuer.ts";
import type { Ledger } from "./ledger.ts";
import type { ErrorCode, Manner, Payment, Reply } from "./payment.ts";
import type { Psp } from "./weather.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
const RETENTION_MS = {
  stripe: { prepare: 24 * HOUR_MS, commit: 24 * HOUR_MS, refund: 24 * HOUR_MS },
  paypal: { prepare: 6 * HOUR_MS, commit: 45 * 24 * HOUR_MS, refund: 45 * 24 * HOUR_MS },
} as const;

interface Kept {
  readonly at: number;
  /** null while it runs. */
  answer: "ok" | "server_error" | ErrorCode | null;
  readonly payment: string | null;
}

/**
 * One processor: objects, keys, the books. `stripe` can cancel, stores its 500s and finds objects by list; `paypal` cannot cancel, knows
 * invoice ids, and answers a replayed key with the state of now.
 */
export class Processor {
  readonly psp: Psp;
  readonly payments = new Map<string, Payment>();
  readonly #keys = new Map<string, Kept>();
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #dice: Dice;
  readonly #treachery: boolean;
  readonly #issuer: Issuer;
  #serial = 0;

  constructor(psp: Psp, world: World, ledger: Ledger, treachery: boolean) {
    this.#treachery = treachery;
    this.psp = psp;
    this.#world = world;
    this.#ledger = ledger;
    this.#dice = world.dice(psp);
    this.#issuer = new Issuer(psp, world, (payment) => this.#capture(payment));
  }

  create(
    key: string,
    ask: Pick<Payment, "attemptId" | "chargeId" | "amount" | "currency" | "card">,
    manner: Manner,
    reply: (reply: Reply) => void,
  ): void {
    this.#post(
      "prepare",
      key,
      null,
      manner,
      () => null,
      reply,
      () => {
        this.#serial += 1;
        const payment: Payment = {
          ...ask,
          id: `${this.psp === "stripe" ? "pi" : "order"}_${this.#serial}`,
          createdAt: this.#world.now,
          status: "created",
          declined: null,
          locked: false,
          refund: null,
        };
        this.payments.set(payment.id, payment);
        return payment;
      },
    );
  }

  commit(key: string, id: string, manner: Manner, reply: (reply: Reply) => void): void {
    const payment = this.payments.get(id);
    if (!payment) {
      reply({ kind: "error", code: "not_found" });
      return;
    }
    const refuses = (): ErrorCode | null => {
      if (payment.locked) return "in_progress";
      if (this.#treachery && payment.status === "canceled" && payment.card === "good") {
        this.#ledger.betrayed.set(payment.attemptId, payment.chargeId);
        return null;
      }
      if (this.psp === "stripe") return ["created", "declined"].includes(payment.status) ? null : "unexpected_state";
      if (payment.status === "requires_action") return null;
      if (!["created", "payer_approved"].includes(payment.status)) return "already_captured";
      return this.#invoiceTaken(payment) ? "duplicate_invoice" : null;
    };
    this.#post("commit", key, payment, manner, refuses, reply, () => {
      this.#issuer.decide(payment);
      return payment;
    });
  }

  /** stripe only. */
  cancel(id: string): Reply {
    const payment = this.payments.get(id);
    if (!payment) return { kind: "error", code: "not_found" };
    if (payment.locked) return { kind: "error", code: "in_progress" };
    if (payment.status === "succeeded" || payment.status === "processing" || payment.status === "canceled")
      return { kind: "error", code: "unexpected_state" };
    payment.status = "canceled";
    this.#world.tell(this.psp, `${id} is canceled`);
    return this.#show(payment, false);
  }

  refund(key: string, id: string, manner: Manner, reply: (reply: Reply) => void): void {
    const payment = this.payments.get(id);
    if (!payment) {
      reply({ kind: "error", code: "not_found" });
      return;
    }
    const refuses = (): ErrorCode | null =>
      payment.status !== "succeeded" ? "not_refundable" : payment.refund ? "already_refunded" : null;
    this.#post("refund", key, payment, manner, refuses, reply, () => {
      this.#serial += 1;
      const refund = { id: `re_${this.#serial}`, status: this.#dice.chance(0.3) ? "pending" : "succeeded" } as NonNullable<
        Payment["refund"]
      >;
      payment.refund = refund;
      const pay = () =>
        this.#ledger.add({
          psp: this.psp,
          type: "refund",
          attemptId: payment.attemptId,
          chargeId: payment.chargeId,
          object: id,
          reference: refund.id,
          amount: payment.amount,
        });
      if (refund.status === "succeeded") pay();
      else
        this.#world.after(this.#dice.between(1_000, 3_600_000), null, "refund settles", () => {
          refund.status = "succeeded";
          pay();
        });
      return payment;
    });
  }

  get(id: string): Reply {
    const payment = this.payments.get(id);
    return payment ? this.#show(payment, false) : { kind: "error", code: "not_found" };
  }

  /** stripe only; lists lag behind. */
  find(attemptId: string): Reply {
    for (const payment of this.payments.values()) {
      if (payment.attemptId === attemptId && this.#world.now - payment.createdAt > 2_000) return this.#show(payment, false);
    }
    return { kind: "error", code: "not_found" };
  }

  /** What the money of this payment is known by. */
  referenceOf(payment: Pick<Payment, "id">): string {
    return this.psp === "stripe" ? payment.id : `cap_${payment.id}`;
  }

  /** Whether a commit that arrives now could move money. */
  couldPay(id: string): boolean {
    const payment = this.payments.get(id);
    return payment !== undefined && ["created", "payer_approved", "declined", "requires_action", "processing"].includes(payment.status);
  }

  /** Another copy of a request with this key would get the stored answer. */
  remembers(key: string): boolean {
    return this.#keys.get(key)?.answer != null;
  }

  #post(
    step: keyof (typeof RETENTION_MS)[Psp],
    key: string,
    payment: Payment | null,
    manner: Manner,
    refuses: () => ErrorCode | null,
    reply: (reply: Reply) => void,
    execute: () => Payment,
  ): void {
    const kept = this.#keys.get(key);
    if (kept && this.#world.now - kept.at < RETENTION_MS[this.psp][step]) {
      reply(this.#again(kept));
      return;
    }
    const refusal = refuses();
    if (refusal) {
      reply({ kind: "error", code: refusal });
      return;
    }
    if (manner.fails === "before" && this.psp === "paypal") {
      reply({ kind: "server_error", replayed: false });
      return;
    }
    const at = this.#world.now;
    this.#keys.set(key, { at, answer: null, payment: payment?.id ?? null });
    if (payment) payment.locked = true;
    const work = (): void => {
      if (payment) payment.locked = false;
      const done = manner.fails === "before" ? null : execute();
      const id = done?.id ?? payment?.id ?? null;
      // Stripe stores a failure under the key for a day; PayPal remembers what it did.
      const failed = manner.fails === "before" || (manner.fails === "after" && this.psp === "stripe");
      this.#keys.set(key, { at, answer: failed ? "server_error" : "ok", payment: id });
      this.#world.tell(
        this.psp,
        `${step} ${key} -> ${manner.fails ? `500 (${manner.fails})` : ""} ${done ? `${done.id} is ${done.status}` : "not executed"}`,
      );
      reply(manner.fails || !done ? { kind: "server_error", replayed: false } : this.#show(done, false));
    };
    if (manner.workMs > 0) this.#world.after(manner.workMs, null, `${this.psp} works`, work);
    else work();
  }

  #again(kept: Kept): Reply {
    if (kept.answer === null) return { kind: "error", code: "in_progress" };
    if (kept.answer === "server_error") return { kind: "server_error", replayed: true };
    const payment = kept.payment === null ? undefined : this.payments.get(kept.payment);
    if (kept.answer !== "ok" || !payment) return { kind: "error", code: "not_found" };
    // The payer has approved meanwhile: the same key captures now.
    if (this.psp === "paypal" && payment.status === "payer_approved" && !payment.locked) {
      if (this.#invoiceTaken(payment)) return { kind: "error", code: "duplicate_invoice" };
      this.#issuer.decide(payment);
    }
    return this.#show(payment, true);
  }

  #capture(payment: Payment): void {
    payment.status = "succeeded";
    const { attemptId, chargeId, amount, id } = payment;
    this.#ledger.add({ psp: this.psp, type: "capture", attemptId, chargeId, object: id, reference: this.referenceOf(payment), amount });
  }

  #invoiceTaken(payment: Payment): boolean {
    for (const other of this.payments.values()) {
      if (other !== payment && other.chargeId === payment.chargeId && other.status === "succeeded") return true;
    }
    return false;
  }

  #show(payment: Payment, replayed: boolean): Reply {
    return { kind: "ok", payment: { ...payment, refund: payment.refund && { ...payment.refund } }, replayed };
  }
}
