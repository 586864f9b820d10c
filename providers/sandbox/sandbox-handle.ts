import type { Fault, ProviderName } from "./fault.ts";
import type { Movement } from "./ledger.ts";
import type { RequestRecord } from "./request-log.ts";
import type { WebhookEndpoint, WebhookMood } from "./webhook-settings.ts";
import type { DeliveryRecord } from "./webhooks.ts";

/** Simulated processors behind real HTTP servers, with a switch for every way in which real ones fail. */
export interface Sandbox {
  readonly controlUrl: string;
  readonly stripeUrl: string;
  readonly paypalUrl: string;
  /** PEM of the authority behind the signatures of PayPal's webhooks. Made when first asked for, which takes some 400 ms. */
  readonly paypalWebhookCa: string;
  /** Adds a fault; the first one set that strikes a request wins. Throws a RangeError that says what is wrong with it. */
  setFault(provider: ProviderName, fault: Fault): void;
  /** Also opens the listener again, and ends what hangs (its connection breaks). */
  clearFaults(provider?: ProviderName): void;
  /** Resolves when the listeners that `clearFaults` opens accept connections. */
  listening(): Promise<void>;
  faults(provider: ProviderName): Fault[];
  /** All money that moved, in order. */
  ledger(): Movement[];
  /** The last 20,000 requests that reached a server, oldest first. */
  requests(): RequestRecord[];
  /** From now on the processor's webhooks go there; replaces the endpoint of the same account. Throws a RangeError. */
  setWebhookEndpoint(provider: ProviderName, endpoint: WebhookEndpoint): void;
  /** Webhooks are off again, as at the start. */
  clearWebhookEndpoints(provider: ProviderName): void;
  webhookEndpoints(provider: ProviderName): WebhookEndpoint[];
  /** How badly webhooks are delivered from now on; `{}` is well. Throws a RangeError. */
  setWebhookMood(provider: ProviderName, mood: WebhookMood): void;
  webhookMood(provider: ProviderName): WebhookMood;
  /** The last sendings of webhooks, oldest first. */
  webhookDeliveries(provider: ProviderName): DeliveryRecord[];
  /** Resolves when no webhook is left to send: all are delivered, lost or given up. */
  webhooksSent(): Promise<void>;
  /** The saved instrument has new data, as card networks tell it; without an account: of the one that most keys belong to. */
  renewInstrument(provider: ProviderName, token: string, account?: string): void;
  /** Every hold lapses now, as if its time were over. */
  lapseHolds(provider: ProviderName): void;
  /** Forgets objects, keys, ledger, requests, faults, and webhooks that wait with the mood for them; not their endpoints. */
  reset(): void;
  close(): Promise<void>;
}
