import { Charges } from "./charges.ts";
import { Events } from "./events.ts";
import { PaymentMethods } from "./payment-methods.ts";
import { Refunds } from "./refunds.ts";
import { type ClientOptions, SYSTEM, Transport } from "./transport.ts";
import { WebhookEndpoints } from "./webhook-endpoints.ts";

/**
 * A gateway, for the billing core that calls it. One for the whole process: it holds no state but which address answered last.
 *
 * A call that moves money makes one idempotency key and keeps it over its own repetitions; it never makes a second one.
 */
export class Switchyard {
  readonly charges: Charges;
  readonly refunds: Refunds;
  readonly paymentMethods: PaymentMethods;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly events: Events;

  /** @throws TypeError when an option cannot be right */
  constructor(options: ClientOptions) {
    const transport = new Transport(options, SYSTEM);
    this.charges = new Charges(transport);
    this.refunds = new Refunds(transport);
    this.paymentMethods = new PaymentMethods(transport);
    this.webhookEndpoints = new WebhookEndpoints(transport);
    this.events = new Events(transport);
  }
}

// The package's only entry: it names all that its users may use.
export { type ChargeOptions, isOpen } from "./charges.ts";
export { type Money, NoAnswerError, ProblemError, SwitchyardError } from "./errors.ts";
export type { Page } from "./pages.ts";
export type { RefundOptions } from "./refunds.ts";
export type { WaitOptions } from "./settle.ts";
export type { CallOptions, ClientOptions, KeyedOptions } from "./transport.ts";
export { verifyWebhook, WebhookError, type WebhookEvent, type WebhookHeaders, type WebhookTest } from "./verify-webhook.ts";
export type * from "./wire.ts";
