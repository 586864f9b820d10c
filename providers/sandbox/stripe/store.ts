import type { Movement } from "../ledger.ts";
import type { World } from "../processor.ts";
import type { Table } from "../table.ts";
import { toMinorUnits } from "./amount.ts";
import { type Charge, type Intent, type Refund, showIntent } from "./intent.ts";

const MAX_ROWS = 200_000;

/** The fake Stripe's objects. */
export class StripeStore {
  readonly world: World;
  readonly intents: Table<Intent>;
  readonly charges: Table<Charge>;
  readonly refunds: Table<Refund>;

  constructor(world: World) {
    this.world = world;
    this.intents = world.tables.create(
      "stripe.intents",
      MAX_ROWS,
      (intent) => intent.status === "succeeded" || intent.status === "canceled",
    );
    this.charges = world.tables.create("stripe.charges", MAX_ROWS, (charge) => charge.status !== "pending");
    this.refunds = world.tables.create("stripe.refunds", MAX_ROWS, (refund) => refund.status !== "pending");
  }

  /** Stripe's time: whole seconds. */
  seconds(): number {
    return Math.floor(this.world.now() / 1000);
  }

  /** The account's own intent, brought up to date; another account's does not exist. */
  intent(id: string, account: string): Intent | null {
    const intent = this.intents.get(id);
    if (!intent || intent.account !== account) return null;
    this.#settle(intent);
    return intent;
  }

  refund(id: string, account: string): Refund | null {
    const refund = this.refunds.get(id);
    if (!refund || refund.account !== account) return null;
    this.#settleRefund(refund);
    return refund;
  }

  show(intent: Intent, expandCharge = false): Record<string, unknown> {
    const charge = expandCharge && intent.latestCharge ? this.charges.get(intent.latestCharge) : undefined;
    return showIntent(intent, this.world.url(), charge ?? null);
  }

  moved(type: Movement["type"], intent: Intent, amount: number, reference = intent.id): void {
    this.world.ledger.add({
      provider: "stripe",
      type,
      chargeId: intent.metadata.charge_id ?? "",
      attemptId: intent.metadata.attempt_id ?? "",
      object: intent.id,
      reference,
      amount: toMinorUnits(amount, intent.currency),
      currency: intent.currency,
      at: this.world.now(),
    });
  }

  /** The charge went through (or is held, for manual capture). */
  paid(intent: Intent, charge: Charge): void {
    charge.status = "succeeded";
    intent.settle = null;
    intent.lastError = null;
    if (intent.captureMethod === "manual") {
      intent.status = "requires_capture";
      intent.amountCapturable = intent.amount;
      this.moved("authorize", intent, intent.amount);
    } else {
      intent.status = "succeeded";
      intent.amountReceived = intent.amount;
      charge.captured = true;
      charge.amountCaptured = intent.amount;
      this.moved("capture", intent, intent.amount);
    }
    this.save(intent, charge);
  }

  save(intent: Intent, charge: Charge | null = null): void {
    if (charge) this.charges.put(charge.id, charge);
    this.intents.put(intent.id, intent);
  }

  #settle(intent: Intent): void {
    if (intent.status !== "processing" || !intent.settle || this.world.now() < intent.settle.atMs) return;
    const charge = this.charges.get(intent.latestCharge ?? "");
    if (!charge) return;
    if (intent.settle.succeeds) {
      this.paid(intent, charge);
      return;
    }
    charge.status = "failed";
    intent.settle = null;
    intent.status = "requires_payment_method";
    intent.paymentMethod = null;
    intent.lastError = {
      type: "card_error",
      code: "card_declined",
      decline_code: "generic_decline",
      message: "Your card was declined.",
      charge: charge.id,
    };
    this.save(intent, charge);
  }

  #settleRefund(refund: Refund): void {
    if (!refund.settle || this.world.now() < refund.settle.atMs) return;
    const charge = this.charges.get(refund.charge);
    const intent = this.intents.get(refund.intent);
    refund.status = refund.settle.succeeds ? "succeeded" : "failed";
    refund.settle = null;
    if (charge && refund.status === "failed") {
      charge.amountRefunded -= refund.amount;
      this.charges.put(charge.id, charge);
    }
    if (intent && refund.status === "succeeded") this.moved("refund", intent, refund.amount, refund.id);
    this.refunds.put(refund.id, refund);
  }
}
