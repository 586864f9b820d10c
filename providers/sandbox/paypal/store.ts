import type { Movement } from "../ledger.ts";
import type { World } from "../processor.ts";
import type { Table } from "../table.ts";
import { type Amount, toMinorUnits } from "./amount.ts";
import { type Authorization, type Capture, type Order, type Refund, showOrder } from "./order.ts";

const MAX_ROWS = 200_000;

/** The fake PayPal's objects. Another client's objects do not exist for a client. */
export class PaypalStore {
  readonly world: World;
  readonly orders: Table<Order>;
  readonly captures: Table<Capture>;
  readonly authorizations: Table<Authorization>;
  readonly refunds: Table<Refund>;
  readonly #paidInvoices: Table<string>;

  constructor(world: World) {
    this.world = world;
    this.orders = world.tables.create("paypal.orders", MAX_ROWS, (order) => order.status === "COMPLETED" || order.status === "VOIDED");
    this.captures = world.tables.create("paypal.captures", MAX_ROWS, (capture) => capture.status !== "PENDING");
    this.authorizations = world.tables.create("paypal.authorizations", MAX_ROWS, (held) => held.status !== "CREATED");
    this.refunds = world.tables.create("paypal.refunds", MAX_ROWS);
    this.#paidInvoices = world.tables.create("paypal.invoices", MAX_ROWS);
  }

  order(id: string, account: string): Order | null {
    const order = this.orders.get(id);
    if (!order || order.account !== account) return null;
    for (const capture of order.captures) this.capture(capture, account);
    return order;
  }

  /** The capture, brought up to date. */
  capture(id: string, account: string): Capture | null {
    const capture = this.captures.get(id);
    if (!capture || capture.account !== account) return null;
    this.#settle(capture);
    return capture;
  }

  authorization(id: string, account: string): Authorization | null {
    const held = this.authorizations.get(id);
    return held?.account === account ? held : null;
  }

  refund(id: string, account: string): Refund | null {
    const refund = this.refunds.get(id);
    return refund?.account === account ? refund : null;
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
    capture.status = capture.settle.succeeds ? "COMPLETED" : "DECLINED";
    capture.settle = null;
    capture.updated = this.world.now();
    if (capture.status === "DECLINED" && order.invoiceId !== null) this.#paidInvoices.delete(`${order.account} ${order.invoiceId}`);
    this.captured(order, capture);
  }
}
