import type { ProviderName } from "./fault.ts";
import type { Table, Tables } from "./table.ts";

/** Money that moved (or was held, or released) at a processor: the truth that a gateway is measured against. */
export interface Movement {
  readonly provider: ProviderName;
  readonly type: "authorize" | "capture" | "refund" | "void";
  /** Stripe's `metadata.charge_id`, PayPal's `invoice_id`; "" when the caller sent none. */
  readonly chargeId: string;
  /** Stripe's `metadata.attempt_id`, PayPal's `custom_id`; "" when the caller sent none. */
  readonly attemptId: string;
  /** The PaymentIntent or order. */
  readonly object: string;
  /** What the money is known by: capture: PaymentIntent or PayPal capture; refund: the refund; authorize and void: PaymentIntent or authorization. */
  readonly reference: string;
  /** Minor units as in ISO 4217 (providers/contract/money.ts), whatever the processor's own convention is. Negative: a refund that came back. */
  readonly amount: bigint;
  /** Lower case. */
  readonly currency: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

type Row = Omit<Movement, "amount"> & { readonly amount: string };

const MAX_MOVEMENTS = 1_000_000;

/** In the order in which the money moved. */
export class Ledger {
  readonly #rows: Table<Row>;
  #next = 0;

  constructor(tables: Tables) {
    this.#rows = tables.create<Row>("ledger", MAX_MOVEMENTS);
  }

  /** Continues the numbering after a restart. */
  restored(): void {
    for (const [key] of this.#rows.entries()) this.#next = Math.max(this.#next, Number(key) + 1);
  }

  add(movement: Movement): void {
    this.#rows.put(String(this.#next), { ...movement, amount: movement.amount.toString() });
    this.#next += 1;
  }

  all(): Movement[] {
    return Array.from(this.#rows.values(), (row) => ({ ...row, amount: BigInt(row.amount) }));
  }
}
