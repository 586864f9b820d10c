import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { type Fault, FaultBoard, parseFault } from "./fault.ts";
import type { Listener } from "./listener.ts";
import type { Processor, World } from "./processor.ts";
import { parseEndpoint, parseMood, type WebhookEndpoint, type WebhookMood } from "./webhook-settings.ts";
import { WebhookSender } from "./webhooks.ts";

export interface SiteOptions extends Omit<ExchangeOptions, "faults" | "processor"> {
  readonly make: (world: World) => Processor;
  readonly world: Omit<World, "url" | "emit" | "later">;
  readonly random: () => number;
  readonly webhookRetryAfterMs?: readonly number[];
}

/** A timer may fire a millisecond before the clock says so. */
const TIMER_SLACK_MS = 5;

/** One simulated processor with its address, its faults and its webhooks. */
export class Site {
  readonly processor: Processor;
  readonly listener: Listener;
  readonly faults: FaultBoard;
  readonly webhooks: WebhookSender;
  readonly #exchange: Exchange;
  readonly #executed: () => void;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor({ make, world, random, webhookRetryAfterMs, ...options }: SiteOptions) {
    this.listener = options.listener;
    this.#executed = options.executed;
    this.webhooks = new WebhookSender({
      sign: (delivery) => this.processor.sign?.(delivery) ?? {},
      random,
      ...(webhookRetryAfterMs ? { retryAfterMs: webhookRetryAfterMs } : {}),
    });
    this.processor = make({
      ...world,
      url: () => this.listener.url,
      emit: (account, event) => this.webhooks.emit(account, event),
      later: (ms, work) => this.#later(ms, work),
    });
    this.faults = new FaultBoard(random);
    this.#exchange = new Exchange({ ...options, processor: this.processor, faults: this.faults });
  }

  open(port: number): Promise<void> {
    return this.listener.open(this.#exchange.handle, port);
  }

  /** Throws a RangeError that says what is wrong with the fault. */
  setFault(input: Fault): void {
    const fault = parseFault(input);
    if (typeof fault === "string") throw new RangeError(fault);
    this.faults.add(fault);
    // Only the commit has a request before it, after which the listener can be shut; every other refusal is an outage.
    if (fault.kind !== "refuse" || fault.operation === "commit") return;
    this.listener.shut({ abrupt: true, forMs: fault.delayMs ?? null, reopened: () => this.faults.remove(fault) });
  }

  clearFaults(): void {
    this.faults.clear();
    this.#exchange.release();
    void this.listener.reopen();
  }

  /** The same for the webhooks' settings. */
  setEndpoint(input: WebhookEndpoint): void {
    const endpoint = parseEndpoint(input);
    if (typeof endpoint === "string") throw new RangeError(endpoint);
    this.webhooks.setEndpoint(endpoint);
  }

  setMood(input: WebhookMood): void {
    const mood = parseMood(input);
    if (typeof mood === "string") throw new RangeError(mood);
    this.webhooks.setMood(mood);
  }

  lapseHolds(): void {
    this.processor.lapseHolds?.();
    this.#executed();
  }

  renewInstrument(token: string, account: string | null): void {
    this.processor.renewInstrument?.(token, account);
    this.#executed();
  }

  reset(): void {
    this.clearFaults();
    this.#stopTimers();
    this.webhooks.reset();
    this.processor.reset();
  }

  close(): void {
    this.#stopTimers();
    this.webhooks.close();
    this.#exchange.release();
    this.listener.close();
  }

  #later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
      this.#executed();
    }, ms + TIMER_SLACK_MS).unref();
    this.#timers.add(timer);
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
