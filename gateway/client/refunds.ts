import { eachOf, type Page, segment, withQuery } from "./pages.ts";
import { checkWait, settled, type WaitOptions } from "./settle.ts";
import type { CallOptions, KeyedOptions, Transport } from "./transport.ts";
import type { Refund, RefundQuery, RefundRequest } from "./wire.ts";

export interface RefundOptions extends KeyedOptions {
  /** After the answer, wait as long as the refund is open; the refund is the answer in any case. */
  readonly wait?: WaitOptions | undefined;
}

/** True while it is not decided whether the money goes back. A succeeded refund may still fail later. */
function isOpen({ status }: Refund): boolean {
  return status !== "succeeded" && status !== "failed";
}

export class Refunds {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Gives back captured money, once: `amount`, or what is left of the charge. A refusal by the processor is no error, but `status: "failed"`.
   * @throws ProblemError, NoAnswerError; both tell the idempotency key
   */
  async create(request: RefundRequest, { wait, ...options }: RefundOptions = {}): Promise<Refund> {
    checkWait(wait);
    const call = { method: "POST", path: "/v1/refunds", body: request, repeat: "same_key" } as const;
    const told = await this.#transport.call<Refund>(call, options);
    if (wait === undefined) return told.body;
    const { id } = told.body;
    return settled(this.#transport, told, (look) => this.#read(id, look), isOpen, { ...wait, signal: options.signal });
  }

  async get(id: string, options: CallOptions = {}): Promise<Refund> {
    return (await this.#read(id, options)).body;
  }

  /** A page of them, newest first. */
  async list(query: RefundQuery = {}, options: CallOptions = {}): Promise<Page<Refund>> {
    const path = withQuery("/v1/refunds", query);
    return (await this.#transport.call<Page<Refund>>({ method: "GET", path, repeat: "harmless" }, options)).body;
  }

  /** All of them, newest first, page by page. */
  each(query: RefundQuery = {}, options: CallOptions = {}): AsyncGenerator<Refund, void, undefined> {
    return eachOf(query, (part) => this.list(part, options));
  }

  /** Reads the refund until it is decided, or the time is over. @throws while it could not be read at all */
  waitFor(id: string, options: WaitOptions & Pick<CallOptions, "signal">): Promise<Refund> {
    return settled(this.#transport, null, (look) => this.#read(id, look), isOpen, options);
  }

  #read(id: string, options: CallOptions): Promise<{ body: Refund; retryAfterMs: number | null }> {
    return this.#transport.call({ method: "GET", path: `/v1/refunds/${segment(id)}`, repeat: "harmless" }, options);
  }
}
