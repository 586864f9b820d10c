import { eachOf, type Page, segment, withQuery } from "./pages.ts";
import { checkWait, settled, type WaitOptions } from "./settle.ts";
import type { CallOptions, KeyedOptions, Transport } from "./transport.ts";
import type { CaptureRequest, Charge, ChargeQuery, ChargeRequest, ChargeStatus, ChargeWithEvents } from "./wire.ts";

export interface ChargeOptions extends KeyedOptions {
  /**
   * After the answer, wait as long as the charge is open. The charge is the answer in any case: also one that is still open when the time is
   * over, for it was accepted.
   */
  readonly wait?: WaitOptions | undefined;
}

const OPEN: ReadonlySet<ChargeStatus> = new Set<ChargeStatus>(["processing", "pending", "in_doubt", "deferred"]);

/** True while it is not decided what becomes of the charge, or of its capture or void: what the gateway answers with 202. */
export function isOpen({ status, settlement }: Pick<Charge, "status" | "settlement">): boolean {
  return OPEN.has(status) || settlement !== null;
}

export class Charges {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Charges a saved payment method, once. A decline is no error: it is a charge with `status: "failed"`. While no processor can be used it is
   * `deferred`: accepted, and collected later.
   * @throws ProblemError, NoAnswerError; both tell the idempotency key
   */
  create(request: ChargeRequest, options: ChargeOptions = {}): Promise<Charge> {
    return this.#act("/v1/charges", request, options);
  }

  /** With its attempts, refunds, events and disputes. */
  async get(id: string, options: CallOptions = {}): Promise<ChargeWithEvents> {
    return (await this.#read(id, options)).body;
  }

  /** A page of them, newest first. */
  async list(query: ChargeQuery = {}, options: CallOptions = {}): Promise<Page<Charge>> {
    const path = withQuery("/v1/charges", query);
    return (await this.#transport.call<Page<Charge>>({ method: "GET", path, repeat: "harmless" }, options)).body;
  }

  /** All of them, newest first, page by page. */
  each(query: ChargeQuery = {}, options: CallOptions = {}): AsyncGenerator<Charge, void, undefined> {
    return eachOf(query, (part) => this.list(part, options));
  }

  /** Takes the money of an authorized charge: all, or `amount` of it; once. */
  async capture(id: string, request: CaptureRequest = {}, options: ChargeOptions = {}): Promise<Charge> {
    return this.#act(`/v1/charges/${segment(id)}/capture`, request, options);
  }

  /** Withdraws a deferred charge, or voids an authorized one. */
  async cancel(id: string, options: ChargeOptions = {}): Promise<Charge> {
    return this.#act(`/v1/charges/${segment(id)}/cancel`, undefined, options);
  }

  /** Reads the charge until it is open no more, or the time is over: `isOpen` tells which. @throws while it could not be read at all */
  waitFor(id: string, options: WaitOptions & Pick<CallOptions, "signal">): Promise<ChargeWithEvents> {
    return settled(this.#transport, null, (look) => this.#read(id, look), isOpen, options);
  }

  async #act(path: string, body: object | undefined, { wait, ...options }: ChargeOptions): Promise<Charge> {
    checkWait(wait);
    const told = await this.#transport.call<Charge>({ method: "POST", path, body, repeat: "same_key" }, options);
    if (wait === undefined) return told.body;
    const { id } = told.body;
    return settled<Charge>(this.#transport, told, (look) => this.#read(id, look), isOpen, { ...wait, signal: options.signal });
  }

  #read(id: string, options: CallOptions): Promise<{ body: ChargeWithEvents; retryAfterMs: number | null }> {
    return this.#transport.call({ method: "GET", path: `/v1/charges/${segment(id)}`, repeat: "harmless" }, options);
  }
}
