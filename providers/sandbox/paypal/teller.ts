import type { World } from "../processor.ts";
import { type Dispute, showDispute } from "./dispute.ts";
import { newEvent, type ResourceType } from "./event.ts";
import type { Notifications } from "./notifications.ts";
import { type Authorization, type Capture, type Refund, showAuthorization, showCapture, showRefund } from "./order.ts";

/** Tells the account's webhook endpoint what happened. */
export class Teller {
  readonly #world: World;
  readonly #notifications: Notifications;

  constructor(world: World, notifications: Notifications) {
    this.#world = world;
    this.#notifications = notifications;
  }

  of(account: string, type: string, resourceType: ResourceType, resource: () => unknown): void {
    const world = this.#world;
    world.emit(account, () => {
      const id = world.ids.paypal();
      const event = newEvent({ id, type, resourceType, resource: resource(), createdMs: world.now(), baseUrl: world.url() });
      this.#notifications.keep(account, event);
      return event;
    });
  }

  ofCapture(capture: Capture, type: string): void {
    this.of(capture.account, type, "capture", () => showCapture(capture, this.#world.url(), true));
  }

  ofHold(held: Authorization, type: string): void {
    this.of(held.account, type, "authorization", () => showAuthorization(held, this.#world.url(), true));
  }

  ofRefund(refund: Refund, type: string): void {
    this.of(refund.account, type, "refund", () => showRefund(refund, this.#world.url(), true));
  }

  ofDispute(dispute: Dispute, type: string): void {
    this.of(dispute.account, type, "dispute", () => showDispute(dispute));
  }
}
