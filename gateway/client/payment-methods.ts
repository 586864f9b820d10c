import { eachOf, type Page, segment, withQuery } from "./pages.ts";
import type { Call, CallOptions, Transport } from "./transport.ts";
import type { NewPaymentMethod, PaymentMethod, PaymentMethodChange, PaymentMethodQuery } from "./wire.ts";

const ROOT = "/v1/payment-methods";

/** Processors' tokens of one instrument, stored once. None of this moves money. */
export class PaymentMethods {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Not repeated when there is no answer: it would be stored twice, which charges nobody. */
  create(request: NewPaymentMethod, options: CallOptions = {}): Promise<PaymentMethod> {
    return this.#call({ method: "POST", path: ROOT, body: request, repeat: "unsent" }, options);
  }

  /** Also a deleted one. */
  async get(id: string, options: CallOptions = {}): Promise<PaymentMethod> {
    return this.#call({ method: "GET", path: `${ROOT}/${segment(id)}`, repeat: "harmless" }, options);
  }

  /** A page of them, newest first, without the deleted ones. */
  list(query: PaymentMethodQuery = {}, options: CallOptions = {}): Promise<Page<PaymentMethod>> {
    return this.#call({ method: "GET", path: withQuery(ROOT, query), repeat: "harmless" }, options);
  }

  each(query: PaymentMethodQuery = {}, options: CallOptions = {}): AsyncGenerator<PaymentMethod, void, undefined> {
    return eachOf(query, (part) => this.list(part, options));
  }

  /** What is left out stays; null forgets it. */
  async update(id: string, change: PaymentMethodChange, options: CallOptions = {}): Promise<PaymentMethod> {
    return this.#call({ method: "POST", path: `${ROOT}/${segment(id)}`, body: change, repeat: "harmless" }, options);
  }

  /** No charge is accepted with it any more; deferred ones of it fail. */
  async delete(id: string, options: CallOptions = {}): Promise<PaymentMethod> {
    return this.#call({ method: "DELETE", path: `${ROOT}/${segment(id)}`, repeat: "harmless" }, options);
  }

  /** Adds a processor's token, or replaces it. */
  async putToken(id: string, provider: string, token: object, options: CallOptions = {}): Promise<PaymentMethod> {
    const path = `${ROOT}/${segment(id)}/tokens/${segment(provider)}`;
    return this.#call({ method: "PUT", path, body: { token }, repeat: "harmless" }, options);
  }

  /** Not repeated when there is no answer: the second one would be `not_found`. */
  async deleteToken(id: string, provider: string, options: CallOptions = {}): Promise<PaymentMethod> {
    const path = `${ROOT}/${segment(id)}/tokens/${segment(provider)}`;
    return this.#call({ method: "DELETE", path, repeat: "unsent" }, options);
  }

  async #call<T extends object>(call: Call, options: CallOptions): Promise<T> {
    return (await this.#transport.call<T>(call, options)).body;
  }
}
