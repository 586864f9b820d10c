import type { Movement } from "../ledger.ts";
import type { World } from "../processor.ts";
import type { Table } from "../table.ts";
import { toMinorUnits } from "./amount.ts";
import { type Dispute, disputeBy, showDispute } from "./dispute.ts";
import { newEvent } from "./event.ts";
import { type Charge, type Intent, type Refund, showCharge, showIntent, showRefund } from "./intent.ts";
import { type MethodState, untouched } from "./payment-method.ts";

const MAX_ROWS = 200_000;
const HOLD_MS = 7 * 24 * 3_600_000; // what the card networks let Stripe hold

/** The fake Stripe's objects. */
export class StripeStore {
  readonly world: World;
  readonly intents: Table<Intent>;
  readonly charges: Table<Charge>;
  readonly refunds: Table<Refund>;
  readonly disputes: Table<Dispute>;
  readonly #methods: Table<MethodState>;

  constructor(world: World) {
    this.world = world;
    this.intents = world.tables.create(
      "stripe.intents",
      MAX_ROWS,
      (intent) => intent.status === "succeeded" || intent.status === "canceled",
    );
    this.charges = world.tables.create("stripe.charges", MAX_ROWS, (charge) => charge.status !== "pending");
    this.refunds = world.tables.create("stripe.refunds", MAX_ROWS, (refund) => refund.status !== "pending");
    this.disputes = world.tables.create("stripe.disputes", MAX_ROWS);
    this.#methods = world.tables.create("stripe.methods", MAX_ROWS);
  }

  /** Stripe's time: whole seconds. */
  seconds(): number {
    return Math.floor(this.world.now() / 1000);
  }

  /** The account's own intent, brought up to date; another account's does not exist. */
  intent(id: string, account: string): Intent | null {
    const intent = this.intents.get(id);
    if (!intent || intent.account !== account) return null;
    if (intent.status === "requires_capture" && this.world.now() >= (intent.holdUntilMs ?? Infinity)) this.#lapse(intent);
    else this.#settle(intent);
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

  showRefund(refund: Refund, expandCharge = false): Record<string, unknown> {
    const shown = showRefund(refund);
    const charge = this.charges.get(refund.charge);
    const intent = this.intents.get(refund.intent);
    return expandCharge && charge && intent ? { ...shown, charge: showCharge(charge, intent) } : shown;
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

  method(account: string, token: string): MethodState {
    return this.#methods.get(`${account} ${token}`) ?? untouched();
  }

  changeMethod(account: string, token: string, state: MethodState): void {
    this.#methods.put(`${account} ${token}`, state);
  }

  /** Tells the account's webhook endpoint. */
  tell(account: string, type: string, show: () => unknown): void {
    this.world.emit(account, () => newEvent(this.world.ids.stripe("evt"), type, this.seconds(), show()));
  }

  tellOf(intent: Intent, type: string): void {
    this.tell(intent.account, type, () => this.show(intent));
  }

  tellOfCharge(intent: Intent, charge: Charge, type: string): void {
    this.tell(intent.account, type, () => showCharge(charge, intent));
  }

  /** The charge went through (or is held, for manual capture). */
  paid(intent: Intent, charge: Charge): void {
    charge.status = "succeeded";
    intent.settle = null;
    intent.lastError = null;
    if (intent.captureMethod === "manual") {
      intent.status = "requires_capture";
      intent.amountCapturable = intent.amount;
      intent.holdUntilMs = this.world.now() + HOLD_MS;
      this.moved("authorize", intent, intent.amount);
    } else {
      intent.status = "succeeded";
      intent.amountReceived = intent.amount;
      charge.captured = true;
      charge.amountCaptured = intent.amount;
      this.moved("capture", intent, intent.amount);
    }
    this.save(intent, charge);
    this.tellOfCharge(intent, charge, "charge.succeeded");
    this.tellOf(intent, charge.captured ? "payment_intent.succeeded" : "payment_intent.amount_capturable_updated");
    if (charge.captured) this.dispute(intent, charge);
  }

  /** Some cards are disputed as soon as they have paid. */
  dispute(intent: Intent, charge: Charge): void {
    const of = {
      account: intent.account,
      intent: intent.id,
      charge: charge.id,
      amount: charge.amountCaptured,
      currency: intent.currency,
    };
    const dispute = disputeBy(charge.paymentMethod, this.world.ids.stripe("du"), this.seconds(), of);
    if (!dispute) return;
    charge.disputed = true;
    this.disputes.put(dispute.id, dispute);
    this.save(intent, charge);
    this.tell(intent.account, "charge.dispute.created", () => showDispute(dispute));
  }

  /** It can never charge; what is held is released. */
  cancel(intent: Intent, reason: string | null): void {
    const held = intent.amountCapturable;
    const charge = this.charges.get(intent.latestCharge ?? "");
    intent.status = "canceled";
    intent.amountCapturable = 0;
    intent.canceledAt = this.seconds();
    intent.cancellationReason = reason;
    this.save(intent);
    if (held > 0) {
      this.moved("void", intent, held);
      if (charge) this.release(intent, charge, held);
    }
    this.tellOf(intent, "payment_intent.canceled");
  }

  /** Stripe books what was held and not captured as a refund of the charge, though nobody ever paid it. */
  release(intent: Intent, charge: Charge, amount: number): void {
    const { id, account, currency } = intent;
    const common = { account, intent: id, charge: charge.id, amount, currency, reason: null, metadata: {}, settle: null };
    const refund: Refund = { ...common, id: this.world.ids.stripe("re"), created: this.seconds(), status: "succeeded" };
    charge.released = amount;
    this.refunds.put(refund.id, refund);
    this.charges.put(charge.id, charge);
    this.tell(account, "refund.created", () => showRefund(refund));
    this.tellOfCharge(intent, charge, "charge.refunded");
  }

  /** All of them, whenever they are due. */
  lapseHolds(): void {
    for (const intent of this.intents.values()) if (intent.status === "requires_capture") this.#lapse(intent);
  }

  save(intent: Intent, charge: Charge | null = null): void {
    if (charge) this.charges.put(charge.id, charge);
    this.intents.put(intent.id, intent);
  }

  #lapse(intent: Intent): void {
    const charge = this.charges.get(intent.latestCharge ?? "");
    this.cancel(intent, "automatic");
    if (charge) this.tellOfCharge(intent, charge, "charge.expired");
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
    this.tellOfCharge(intent, charge, "charge.failed");
    this.tellOf(intent, "payment_intent.payment_failed");
  }

  #settleRefund(refund: Refund): void {
    if (!refund.settle || this.world.now() < refund.settle.atMs) return;
    const charge = this.charges.get(refund.charge);
    const intent = this.intents.get(refund.intent);
    const wasBack = refund.status === "succeeded";
    refund.status = refund.settle.succeeds ? "succeeded" : "failed";
    refund.settle = null;
    if (charge && refund.status === "failed") {
      charge.amountRefunded -= refund.amount;
      this.charges.put(charge.id, charge);
    }
    if (intent && refund.status === "succeeded") this.moved("refund", intent, refund.amount, refund.id);
    if (intent && refund.status === "failed" && wasBack) this.moved("refund", intent, -refund.amount, refund.id);
    this.refunds.put(refund.id, refund);
    for (const type of ["refund.updated", ...(refund.status === "failed" ? ["refund.failed"] : [])]) {
      this.tell(refund.account, type, () => showRefund(refund));
    }
  }
}
