import { eachOf, type Page, segment, withQuery } from "./pages.ts";
import type { Call, CallOptions, Transport } from "./transport.ts";
import type {
  NewWebhookEndpoint,
  SecretRotation,
  WebhookDelivery,
  WebhookDeliveryQuery,
  WebhookEndpoint,
  WebhookEndpointChange,
  WebhookEndpointDeleted,
  WebhookEndpointQuery,
  WebhookEndpointWithSecret,
} from "./wire.ts";

const ROOT = "/v1/webhook-endpoints";

/** Where the gateway tells you what happens. What makes or ends something is not repeated when there is no answer: list them, and see. */
export class WebhookEndpoints {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Its `secret` is in this answer only. */
  create(request: NewWebhookEndpoint, options: CallOptions = {}): Promise<WebhookEndpointWithSecret> {
    return this.#call({ method: "POST", path: ROOT, body: request, repeat: "unsent" }, options);
  }

  async get(id: string, options: CallOptions = {}): Promise<WebhookEndpoint> {
    return this.#call({ method: "GET", path: `${ROOT}/${segment(id)}`, repeat: "harmless" }, options);
  }

  /** A page of them, newest first. */
  list(query: WebhookEndpointQuery = {}, options: CallOptions = {}): Promise<Page<WebhookEndpoint>> {
    return this.#call({ method: "GET", path: withQuery(ROOT, query), repeat: "harmless" }, options);
  }

  /** What is left out stays. */
  async update(id: string, change: WebhookEndpointChange, options: CallOptions = {}): Promise<WebhookEndpoint> {
    return this.#call({ method: "PUT", path: `${ROOT}/${segment(id)}`, body: change, repeat: "harmless" }, options);
  }

  async delete(id: string, options: CallOptions = {}): Promise<WebhookEndpointDeleted> {
    return this.#call({ method: "DELETE", path: `${ROOT}/${segment(id)}`, repeat: "unsent" }, options);
  }

  /** The new `secret` is in this answer only; until `expires_in` the old one signs as well: give `verifyWebhook` both. */
  async rotateSecret(id: string, request: SecretRotation = {}, options: CallOptions = {}): Promise<WebhookEndpointWithSecret> {
    return this.#call({ method: "POST", path: `${ROOT}/${segment(id)}/rotate-secret`, body: request, repeat: "unsent" }, options);
  }

  /** Sends a `webhook_endpoint.test`. */
  async test(id: string, options: CallOptions = {}): Promise<WebhookDelivery> {
    return this.#call({ method: "POST", path: `${ROOT}/${segment(id)}/test`, repeat: "unsent" }, options);
  }

  /** A page of what was sent to it, newest first. */
  async deliveries(id: string, query: WebhookDeliveryQuery = {}, options: CallOptions = {}): Promise<Page<WebhookDelivery>> {
    const path = withQuery(`${ROOT}/${segment(id)}/deliveries`, query);
    return this.#call({ method: "GET", path, repeat: "harmless" }, options);
  }

  eachDelivery(id: string, query: WebhookDeliveryQuery = {}, options: CallOptions = {}): AsyncGenerator<WebhookDelivery, void, undefined> {
    return eachOf(query, (part) => this.deliveries(id, part, options));
  }

  async #call<T extends object>(call: Call, options: CallOptions): Promise<T> {
    return (await this.#transport.call<T>(call, options)).body;
  }
}
