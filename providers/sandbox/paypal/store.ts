import type { Movement } from "../ledger.ts";
import type { World } from "../processor.ts";
import type { Table } from "../table.ts";
import { type Amount, toMinorUnits } from "./amount.ts";
import { type Dispute, newDispute } from "./dispute.ts";
import type { Notifications } from "./notifications.ts";
import { type Authorization, type Capture, HOLD_MS, type Order, type Refund, showOrder } from "./order.ts";
import { Teller } from "./teller.ts";
import { disputeStage } from "./vault-token.ts";

const MAX_ROWS = 200_000;

/** The fake PayPal's objects. Another client's objects do not exist for a client. */
export class PaypalStore {
  readonly world: World;
  readonly orders: Table<Order>;
  readonly captures: Table<Capture>;
  readonly authorizations: Table<Authorization>;
  readonly refunds: Table<Refund>;
  readonly disputes: Table<Dispute>;
  readonly #paidInvoices: Table<string>;
  readonly #goneTokens: Table<true>;
  readonly tell: Teller;

  constructor(world: World, notifications: Notifications) {
    this.world = world;
    this.tell = new Teller(world, notifications);
    this.orders = world.tables.create("paypal.orders", MAX_ROWS, (order) => order.status === "COMPLETED" || order.status === "VOIDED");
    this.captures = world.tables.create("paypal.captures", MAX_ROWS, (capture) => capture.status !== "PENDING");
    this.authorizations = world.tables.create("paypal.authorizations", MAX_ROWS, (held) => held.status !== "CREATED");
    this.refunds = world.tables.create("paypal.refunds", MAX_ROWS, (refund) => refund.status !== "PENDING");
    this.disputes = world.tables.create("paypal.disputes", MAX_ROWS, (dispute) => dispute.status === "RESOLVED");
    this.#goneTokens = world.tables.create("paypal.gone_tokens", MAX_ROWS);
    this.#paidInvoices = world.tables.create("paypal.invoices", MAX_ROWS);
  }

  order(id: string, account: string): Order | null {
    const order = this.orders.get(id);
    if (!order || order.account !== account) return null;
    for (const capture of order.captures) this.capture(capture, account);
    for (const held of order.authorizations) this.authorization(held, account);
    for (const refund of order.refunds) this.refund(refund, account);
    return order;
  }

  /** The capture, brought up to date. */
  capture(id: string, account: string): Capture | null {
    const capture = this.captures.get(id);
    if (!capture || capture.account !== account) return null;
    this.#settle(capture);
    return capture;
  }

  /** The hold, lapsed if its time is over. */
  authorization(id: string, account: string): Authorization | null {
    const held = this.authorizations.get(id);
    if (!held || held.account !== account) return null;
    if (this.world.now() >= held.created + HOLD_MS) this.#lapse(held);
    return held;
  }

  refund(id: string, account: string): Refund | null {
    const refund = this.refunds.get(id);
    if (!refund || refund.account !== account) return null;
    this.#settleRefund(refund);
    return refund;
  }

  dispute(id: string, account: string): Dispute | null {
    const dispute = this.disputes.get(id);
    return dispute?.account === account ? dispute : null;
  }

  /** The stage of the dispute about `capture` that is not decided yet. */
  disputeOf(capture: Capture): Dispute["stage"] | null {
    for (const dispute of this.disputes.values()) {
      if (dispute.capture === capture.id && dispute.status !== "RESOLVED") return dispute.stage;
    }
    return null;
  }

  /** Whatever is due is done. */
  bringUpToDate(): void {
    for (const { id, account } of [...this.captures.values()]) this.capture(id, account);
    for (const { id, account } of [...this.authorizations.values()]) this.authorization(id, account);
    for (const { id, account } of [...this.refunds.values()]) this.refund(id, account);
  }

  lapseHolds(): void {
    for (const held of [...this.authorizations.values()]) this.#lapse(held);
  }

  isGone(account: string, vaultId: string): boolean {
    return this.#goneTokens.get(`${account} ${vaultId}`) !== undefined;
  }

  /** DELETE /v3/vault/payment-tokens/{id} */
  removeToken(account: string, vaultId: string): void {
    if (this.isGone(account, vaultId)) return;
    this.#goneTokens.put(`${account} ${vaultId}`, true);
    this.tell.of(account, "VAULT.PAYMENT-TOKEN.DELETED", "payment_token", () => ({ id: vaultId }));
  }

  showOrder(order: Order, full: boolean): Record<string, unknown> {
    const captures = order.captures.flatMap((id) => this.captures.get(id) ?? []);
    const held = order.authorizations.flatMap((id) => this.authorizations.get(id) ?? []);
    const refunds = order.refunds.flatMap((id) => this.refunds.get(id) ?? []);
    return showOrder(order, captures, held, refunds, this.world.url(), full);
  }

  /** Whether another order with this invoice id was paid. */
  isPaidElsewhere(order: Order): boolean {
    if (order.invoiceId === null) return false;
    const paidBy = this.#paidInvoices.get(`${order.account} ${order.invoiceId}`);
    return paidBy !== undefined && paidBy !== order.id;
  }

  /** A capture exists for good: COMPLETED moves the money, PENDING reserves the invoice id, DECLINED does neither. */
  captured(order: Order, capture: Capture): void {
    if (capture.status !== "DECLINED" && order.invoiceId !== null) this.#paidInvoices.put(`${order.account} ${order.invoiceId}`, order.id);
    if (capture.status === "COMPLETED") this.moved("capture", order, capture.amount, capture.id);
    this.captures.put(capture.id, capture);
    order.updated = this.world.now();
    this.orders.put(order.id, order);
    if (capture.settle) this.world.later(capture.settle.atMs - this.world.now(), () => this.#settle(capture));
    this.tell.ofCapture(capture, `PAYMENT.CAPTURE.${capture.status}`);
    const stage = capture.status === "COMPLETED" ? disputeStage(order.source?.vaultId ?? "") : null;
    if (stage) this.#dispute(newDispute(this.world.ids.paypal(), capture, stage, this.world.now()));
  }

  /** A refund exists: what it gives back is reserved until it fails. */
  refunded(order: Order, capture: Capture, refund: Refund): void {
    this.#reserve(capture, refund.amount.units);
    this.refunds.put(refund.id, refund);
    order.refunds.push(refund.id);
    this.orders.put(order.id, order);
    if (refund.status === "PENDING") {
      if (refund.settle) this.world.later(refund.settle.atMs - this.world.now(), () => this.#settleRefund(refund));
      this.tell.ofRefund(refund, "PAYMENT.REFUND.PENDING");
    } else this.#givenBack(order, refund);
  }

  moved(type: Movement["type"], order: Order, amount: Amount, reference: string): void {
    this.world.ledger.add({
      provider: "paypal",
      type,
      chargeId: order.invoiceId ?? "",
      attemptId: order.customId ?? "",
      object: order.id,
      reference,
      amount: toMinorUnits(amount),
      currency: amount.currency.toLowerCase(),
      at: this.world.now(),
    });
  }

  #settle(capture: Capture): void {
    if (!capture.settle || this.world.now() < capture.settle.atMs) return;
    const order = this.orders.get(capture.order);
    if (!order) return;
    const { succeeds } = capture.settle;
    capture.settle = null;
    capture.updated = this.world.now();
    if (succeeds) {
      capture.status = "COMPLETED";
      this.captured(order, capture);
      return;
    }
    capture.status = "DECLINED";
    if (order.invoiceId !== null) this.#paidInvoices.delete(`${order.account} ${order.invoiceId}`);
    this.captures.put(capture.id, capture);
    this.orders.put(order.id, order);
    const held = this.authorizations.get(capture.authorization ?? "");
    if (held) this.#holdAgain(held, capture);
    this.tell.ofCapture(capture, "PAYMENT.CAPTURE.DENIED");
  }

  /** What was not captured after all is held as before. */
  #holdAgain(held: Authorization, capture: Capture): void {
    held.capturedUnits -= capture.amount.units;
    held.status = "CREATED";
    this.authorizations.put(held.id, held);
  }

  #settleRefund(refund: Refund): void {
    if (!refund.settle || this.world.now() < refund.settle.atMs) return;
    const capture = this.captures.get(refund.capture);
    const order = this.orders.get(capture?.order ?? "");
    if (!capture || !order) return;
    const { succeeds } = refund.settle;
    refund.settle = null;
    refund.updated = this.world.now();
    refund.status = succeeds ? "COMPLETED" : "FAILED";
    this.refunds.put(refund.id, refund);
    if (succeeds) this.#givenBack(order, refund);
    else {
      this.#reserve(capture, -refund.amount.units);
      this.tell.ofRefund(refund, "PAYMENT.REFUND.FAILED");
    }
  }

  #givenBack(order: Order, refund: Refund): void {
    this.moved("refund", order, refund.amount, refund.id);
    this.tell.ofRefund(refund, "PAYMENT.CAPTURE.REFUNDED");
  }

  #reserve(capture: Capture, units: number): void {
    capture.refundedUnits += units;
    const { refundedUnits } = capture;
    capture.status = refundedUnits === 0 ? "COMPLETED" : refundedUnits < capture.amount.units ? "PARTIALLY_REFUNDED" : "REFUNDED";
    capture.updated = this.world.now();
    this.captures.put(capture.id, capture);
  }

  #dispute(dispute: Dispute): void {
    this.disputes.put(dispute.id, dispute);
    this.tell.ofDispute(dispute, "CUSTOMER.DISPUTE.CREATED");
  }

  #lapse(held: Authorization): void {
    const order = this.orders.get(held.order);
    if (!order || held.status !== "CREATED") return;
    held.lapsed = true;
    this.voided(order, held);
  }

  /** The hold is released. */
  voided(order: Order, held: Authorization): void {
    held.status = "VOIDED";
    held.updated = this.world.now();
    this.authorizations.put(held.id, held);
    this.moved("void", order, held.amount, held.id);
    this.tell.ofHold(held, "PAYMENT.AUTHORIZATION.VOIDED");
  }
}
