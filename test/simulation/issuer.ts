import type { Dice } from "./dice.ts";
import type { Payment } from "./payment.ts";
import type { Psp } from "./weather.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Where people are slow, so many are. */
const SLOW = 0.7;

/** Behind the processor: the card's bank, a review that takes its time, a customer who authenticates or does not. */
export class Issuer {
  readonly #psp: Psp;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #slowPeople: boolean;
  /** Takes the money, or only holds it. */
  readonly #approve: (payment: Payment) => void;

  constructor(psp: Psp, world: World, slowPeople: boolean, approve: (payment: Payment) => void) {
    this.#psp = psp;
    this.#world = world;
    this.#dice = world.dice(`issuer ${psp}`);
    this.#slowPeople = slowPeople;
    this.#approve = approve;
  }

  decide(payment: Payment): void {
    if (this.#psp === "paypal" && payment.status === "requires_action") return;
    switch (payment.status === "payer_approved" ? "good" : payment.card) {
      case "good":
      case "capture_refused":
      case "capture_pending":
        this.#approve(payment);
        break;
      case "declined_never":
        payment.declined = payment.card;
        if (this.#psp === "stripe") payment.status = "declined";
        return;
      case "declined_other":
      case "declined_later":
        payment.status = "declined";
        payment.declined = payment.card;
        return;
      case "pending_good":
      case "pending_bad":
        payment.status = "processing";
        this.#world.after(this.#reviewMs(), null, "a review ends", () => {
          if (payment.status !== "processing") return;
          payment.reviewedAt = this.#world.now;
          if (payment.card === "pending_good") {
            this.#approve(payment);
            return;
          }
          payment.status = "declined";
          payment.declined = "declined_never";
        });
        return;
      case "action":
      case "action_never":
        payment.status = "requires_action";
        if (payment.card === "action") this.#world.after(this.#actionMs(), null, "the customer acts", () => this.#authenticate(payment));
    }
  }

  #reviewMs(): number {
    const dice = this.#dice;
    if (this.#slowPeople && dice.chance(SLOW)) return dice.between(3 * DAY_MS, 6 * DAY_MS);
    return dice.chance(0.8) ? dice.between(2_000, 300_000) : dice.between(300_000, 3 * HOUR_MS);
  }

  #actionMs(): number {
    const dice = this.#dice;
    return this.#slowPeople && dice.chance(SLOW) ? dice.between(DAY_MS, 5 * DAY_MS) : dice.between(2_000, 600_000);
  }

  #authenticate(payment: Payment): void {
    if (payment.status !== "requires_action" || payment.locked) return;
    this.#world.tell("customer", `authenticates ${payment.id}`);
    if (this.#psp === "stripe") this.#approve(payment);
    else payment.status = "payer_approved";
  }
}
