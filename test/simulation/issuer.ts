import type { Dice } from "./dice.ts";
import type { Payment } from "./payment.ts";
import type { Psp } from "./weather.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;

/** Behind the processor: the card's bank, a review that takes its time, a customer who authenticates or does not. */
export class Issuer {
  readonly #psp: Psp;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #capture: (payment: Payment) => void;

  constructor(psp: Psp, world: World, capture: (payment: Payment) => void) {
    this.#psp = psp;
    this.#world = world;
    this.#dice = world.dice(`issuer ${psp}`);
    this.#capture = capture;
  }

  decide(payment: Payment): void {
    if (this.#psp === "paypal" && payment.status === "requires_action") return;
    switch (payment.status === "payer_approved" ? "good" : payment.card) {
      case "good":
        this.#capture(payment);
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
        this.#world.after(
          this.#dice.chance(0.8) ? this.#dice.between(2_000, 300_000) : this.#dice.between(300_000, 3 * HOUR_MS),
          null,
          "a review ends",
          () => {
            if (payment.status !== "processing") return;
            if (payment.card === "pending_good") {
              this.#capture(payment);
              return;
            }
            payment.status = "declined";
            payment.declined = "declined_never";
          },
        );
        return;
      case "action":
      case "action_never":
        payment.status = "requires_action";
        if (payment.card === "action")
          this.#world.after(this.#dice.between(2_000, 600_000), null, "the customer acts", () => this.#authenticate(payment));
    }
  }

  #authenticate(payment: Payment): void {
    if (payment.status !== "requires_action" || payment.locked) return;
    this.#world.tell("customer", `authenticates ${payment.id}`);
    if (this.#psp === "stripe") this.#capture(payment);
    else payment.status = "payer_approved";
  }
}
