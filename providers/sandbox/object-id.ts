import { randomBytes } from "node:crypto";

/** Makes object ids that stay unique over restarts: a random start, then a counter. Alphanumeric, as the real ones. */
export class ObjectIds {
  readonly #start = randomBytes(6).toString("hex");
  #next = 0;

  /** Stripe's shape: `pi_3f0c9a1b2c3d00000001`. */
  stripe(prefix: string): string {
    return `${prefix}_${this.#start}${this.#counter(8)}`;
  }

  /** PayPal's shape: 17 upper case characters. */
  paypal(): string {
    return `${this.#start.slice(0, 9)}${this.#counter(8)}`.toUpperCase();
  }

  #counter(width: number): string {
    this.#next += 1;
    return this.#next.toString(36).padStart(width, "0");
  }
}
