import type { Dice } from "./dice.ts";
import { captureOf, Holds } from "./holds.ts";
import { Issuer } from "./issuer.ts";
import { KeptKeys, shown } from "./kept-keys.ts";
import type { Ledger } from "./ledger.ts";
import type { ErrorCode, Manner, Payment, Refund, Reply } from "./payment.ts";
import type { Psp } from "./weather.ts";
import type { World } from "./world.ts";

/** What is pending is looked at once an hour; a look may fail once. */
const REVIEW_SEEN_MS = 2 * 3_600_000;

/** A hold that should have lapsed is looked at once an hour. */
const LAPSE_SEEN_MS = 3 * 3_600_000;
/** Without the processor's word its end is counted from when the gateway learned of it. */
const UNTOLD_LAPSE_SEEN_MS = 72 * 3_600_000;
/** Of the holds, so many say until when they stand. */
const SAYS_UNTIL = 0.7;

/**
 * One processor: objects, keys, the books. `stripe` can cancel, stores its 500s and finds objects by list; `paypal` cannot cancel (but
 * can release a hold), knows invoice ids, and answers a replayed key with the state of now.
 */
export class Processor {
  readonly psp: Psp;
  readonly payments = new Map<string, Payment>();
  readonly #keys: KeptKeys;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #dice: Dice;
  readonly #treachery: boolean;
  readonly #issuer: Issuer;
  readonly #holds: Holds;
  readonly #lateRefunds: number;
  readonly #refundsFail: number;
  readonly #holdDice: Dice;
  #serial = 0;

  /** `lateRefunds`: how many of the refunds are pending at first; `slowPeople`: some take days; `shortHolds`: how many lapse early;
   *  `refundsFail`: how many of the pending refunds do in the end. */
  constructor(
    psp: Psp,
    world: World,
    ledger: Ledger,
    treachery: boolean,
    { lateRefunds = 0.3, slowPeople = false, shortHolds = 0.5, refundsFail = 0 } = {},
  ) {
    this.#treachery = treachery;
    this.#lateRefunds = lateRefunds;
    this.#refundsFail = refundsFail;
    this.psp = psp;
    this.#world = world;
    this.#ledger = ledger;
    this.#dice = world.dice(psp);
    this.#issuer = new Issuer(psp, world, slowPeople, (payment) => {
      if (payment.manual) this.#holds.hold(payment, payment.saysUntil ? shortHolds : 0);
      else this.#capture(payment, payment.amount);
    });
    this.#keys = new KeptKeys(psp, world, (payment) => this.#revive(payment));
    this.#holds = new Holds(psp, world, ledger, this.#keys, (payment, amount) => this.#capture(payment, amount));
    this.#holdDice = world.dice(`holds of ${psp}`);
  }

  create(
    key: string,
    ask: Pick<Payment, "attemptId" | "chargeId" | "amount" | "currency" | "card" | "manual">,
    manner: Manner,
    reply: (reply: Reply) => void,
  ): void {
    const execute = (): Payment => {
      this.#serial += 1;
      const payment: Payment = {
        ...ask,
        id: `${this.psp === "stripe" ? "pi" : "order"}_${this.#serial}`,
        createdAt: this.#world.now,
        status: "created",
        declined: null,
        locked: false,
        reviewedAt: null,
        heldUntil: null,
        heldAt: null,
        saysUntil: ask.manual && this.#holdDice.chance(SAYS_UNTIL),
        captured: 0n,
        refunds: [],
      };
      this.payments.set(payment.id, payment);
      return payment;
    };
    this.#keys.post({ step: "prepare", key, payment: null, manner, refuses: () => null, execute }, reply);
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
    const execute = (): Payment => {
      this.#issuer.decide(payment);
      return payment;
    };
    this.#keys.post({ step: "commit", key, payment, manner, refuses, execute }, reply);
  }

  /** Takes `amount` of what is held; `key` null: under none of ours. */
  capture(key: string | null, id: string, amount: bigint, manner: Manner, reply: (reply: Reply) => void): void {
    const payment = this.payments.get(id);
    if (payment?.manual) this.#holds.capture(key, payment, amount, manner, reply);
    else reply({ kind: "error", code: "not_found" });
  }

  /** The fence of stripe; of paypal the void of a hold. */
  cancel(id: string): Reply {
    const payment = this.payments.get(id);
    if (!payment) return { kind: "error", code: "not_found" };
    if (payment.locked) return { kind: "error", code: "in_progress" };
    if (payment.status === "held") {
      this.#holds.release(payment);
      return shown(payment, false);
    }
    if (this.psp === "paypal") return { kind: "error", code: payment.status === "canceled" ? "hold_gone" : "already_captured" };
    if (payment.status === "succeeded" || payment.status === "processing" || payment.status === "canceled")
      return { kind: "error", code: "unexpected_state" };
    payment.status = "canceled";
    this.#world.tell(this.psp, `${id} is canceled`);
    return shown(payment, false);
  }

  refund(key: string, id: string, amount: bigint, manner: Manner, reply: (reply: Reply) => void): void {
    const payment = this.payments.get(id);
    if (!payment) {
      reply({ kind: "error", code: "not_found" });
      return;
    }
    const refuses = (): ErrorCode | null => {
      if (payment.locked) return "in_progress";
      if (payment.status !== "succeeded") return "not_refundable";
      return payment.refunds.reduce((sum, refund) => (refund.status === "failed" ? sum : sum + refund.amount), amount) > payment.captured
        ? "too_much_refunded"
        : null;
    };
    const execute = (): Payment => {
      this.#giveBack(payment, key, amount);
      return payment;
    };
    this.#keys.post({ step: "refund", key, payment, manner, refuses, execute }, reply);
  }

  get(id: string): Reply {
    const payment = this.payments.get(id);
    return payment ? shown(payment, false) : { kind: "error", code: "not_found" };
  }

  /** stripe only; lists lag behind. */
  find(attemptId: string): Reply {
    for (const payment of this.payments.values()) {
      if (payment.attemptId === attemptId && this.#world.now - payment.createdAt > 2_000) return shown(payment, false);
    }
    return { kind: "error", code: "not_found" };
  }

  /** What the money of this payment is known by. */
  referenceOf(payment: Pick<Payment, "id">): string {
    return captureOf(this.psp, payment.id);
  }

  /** Whether a commit that arrives now could move money. */
  couldPay(id: string): boolean {
    const payment = this.payments.get(id);
    return payment !== undefined && ["created", "payer_approved", "declined", "requires_action", "processing"].includes(payment.status);
  }

  /** Also one that ended just now: nobody has to have seen it yet. */
  reviews(chargeId: string): boolean {
    const since = this.#world.now - REVIEW_SEEN_MS;
    return [...this.payments.values()].some(
      (payment) => payment.chargeId === chargeId && (payment.status === "processing" || (payment.reviewedAt ?? since) > since),
    );
  }

  ofAttempt(attemptId: string): Payment[] {
    return [...this.payments.values()].filter((payment) => payment.attemptId === attemptId);
  }

  /** What is held since before `since`. */
  heldSince(since: number): Payment[] {
    return [...this.payments.values()].filter(({ status, heldAt }) => status === "held" && heldAt !== null && heldAt <= since);
  }

  /** Something of this charge is held; or was until a moment ago, and nobody has to have seen it yet. */
  holds(chargeId: string): boolean {
    return [...this.payments.values()].some(
      ({ chargeId: of, status, heldUntil, saysUntil }) =>
        of === chargeId &&
        heldUntil !== null &&
        (status === "held" || heldUntil > this.#world.now - (saysUntil ? LAPSE_SEEN_MS : UNTOLD_LAPSE_SEEN_MS)),
    );
  }

  /** Another copy of a request with this key would get the stored answer. */
  remembers(key: string): boolean {
    return this.#keys.remembers(key);
  }

  /** The payer has approved meanwhile: the same key captures now. */
  #revive(payment: Payment): ErrorCode | null {
    if (payment.status !== "payer_approved" || payment.locked) return null;
    if (this.#invoiceTaken(payment)) return "duplicate_invoice";
    this.#issuer.decide(payment);
    return null;
  }

  #giveBack(payment: Payment, key: string, amount: bigint): void {
    this.#serial += 1;
    const late = this.#dice.chance(this.#lateRefunds);
    const refund: Refund = { id: `re_${this.#serial}`, key, amount, status: late ? "pending" : "succeeded" };
    payment.refunds.push(refund);
    const { attemptId, chargeId, id: object } = payment;
    const pay = () => this.#ledger.add({ psp: this.psp, type: "refund", attemptId, chargeId, object, reference: refund.id, amount, key });
    if (late) {
      this.#world.after(this.#dice.between(1_000, 3_600_000), null, "refund settles", () => {
        if (this.#holdDice.chance(this.#refundsFail)) {
          refund.status = "failed";
          return;
        }
        refund.status = "succeeded";
        pay();
      });
    } else pay();
  }

  #capture(payment: Payment, amount: bigint): void {
    payment.status = "succeeded";
    payment.captured = amount;
    const { attemptId, chargeId, id } = payment;
    this.#ledger.add({ psp: this.psp, type: "capture", attemptId, chargeId, object: id, reference: this.referenceOf(payment), amount });
  }

  /** Also by what is still under review. */
  #invoiceTaken(payment: Payment): boolean {
    for (const other of this.payments.values()) {
      const taken = other.status === "succeeded" || (other.status === "processing" && !other.manual);
      if (taken && other !== payment && other.chargeId === payment.chargeId) return true;
    }
    return false;
  }
}
