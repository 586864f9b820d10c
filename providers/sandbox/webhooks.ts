import type { Random } from "../contract/clock.ts";
import type { WebhookEndpoint, WebhookMood } from "./webhook-settings.ts";

/** What a processor has to tell. Its body is what every delivery of it carries. */
export interface WebhookEvent {
  readonly id: string;
  /** The processor's own word: `payment_intent.succeeded`. */
  readonly type: string;
  readonly body: string;
}

/** One sending of an event, to be signed. */
export interface Delivery {
  readonly event: WebhookEvent;
  /** `WebhookEndpoint.secret` */
  readonly secret: string;
  /** Milliseconds since 1970 by the system's clock, whatever the sandbox's clock says: receivers look at the age. */
  readonly sentAtMs: number;
}

/** One sending that is over. */
export interface DeliveryRecord {
  readonly id: string;
  readonly type: string;
  readonly url: string;
  /** 1 is the first. */
  readonly attempt: number;
  /** The receiver's answer; null: none came. */
  readonly status: number | null;
}

interface Item {
  readonly event: WebhookEvent;
  readonly endpoint: WebhookEndpoint;
  readonly attempt: number;
}

/** Real processors go on for days; a local gateway that was away for a minute shall still hear of it. */
const RETRY_AFTER_MS: readonly number[] = [1_000, 5_000, 15_000, 60_000, 300_000];
const TIMEOUT_MS = 10_000;
const MAX_IN_FLIGHT = 8;
const MAX_WAITING = 10_000; // events beyond are lost: a receiver that is away must not fill the memory
const MAX_RECORDS = 2_000;

/** Delivers the webhooks of one processor. Does nothing until it has an endpoint. */
export class WebhookSender {
  readonly #sign: (delivery: Delivery) => Readonly<Record<string, string>>;
  readonly #random: Random;
  readonly #retryAfterMs: readonly number[];
  readonly #endpoints = new Map<string | null, WebhookEndpoint>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #inFlight = new Set<AbortController>();
  #ready: Item[] = [];
  #records: DeliveryRecord[] = [];
  #mood: WebhookMood = {};
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(options: {
    sign: (delivery: Delivery) => Readonly<Record<string, string>>;
    random: Random;
    /** Milliseconds before each retry. */
    retryAfterMs?: readonly number[];
  }) {
    this.#sign = options.sign;
    this.#random = options.random;
    this.#retryAfterMs = options.retryAfterMs ?? RETRY_AFTER_MS;
  }

  /** Replaces the endpoint of the same account. */
  setEndpoint(endpoint: WebhookEndpoint): void {
    this.#endpoints.set(endpoint.account ?? null, endpoint);
  }

  /** Nothing more is sent, what waits included. */
  clearEndpoints(): void {
    this.#endpoints.clear();
    this.drop();
  }

  endpoints(): WebhookEndpoint[] {
    return [...this.#endpoints.values()];
  }

  get mood(): WebhookMood {
    return this.#mood;
  }

  setMood(mood: WebhookMood): void {
    this.#mood = mood;
  }

  /** The last 2,000 sendings that are over, oldest first. */
  records(): DeliveryRecord[] {
    return [...this.#records];
  }

  /** See `World.emit`. */
  emit(account: string, make: () => WebhookEvent): void {
    const endpoint = this.#endpoints.get(account) ?? this.#endpoints.get(null);
    if (!endpoint || this.#closed || this.#mood.off || this.#chance(this.#mood.loss)) return;
    if (this.#ready.length + this.#timers.size >= MAX_WAITING) return;
    const event = make();
    for (let copies = this.#chance(this.#mood.duplicates) ? 2 : 1; copies > 0; copies -= 1) this.#dispatch(event, endpoint);
  }

  /** Resolves when nothing is left to send: all is delivered, lost or given up. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#tellIdle();
    });
  }

  /** Forgets what waits, and gives up what is under way. */
  drop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#ready = [];
    for (const sending of this.#inFlight) sending.abort();
    this.#tellIdle();
  }

  /** Forgets all but the endpoints. */
  reset(): void {
    this.drop();
    this.#mood = {};
    this.#records = [];
  }

  close(): void {
    this.#closed = true;
    this.drop();
  }

  #dispatch(event: WebhookEvent, endpoint: WebhookEndpoint): void {
    const { delayMs = 0, disorderMs = 0 } = this.#mood;
    // Never in the same step: the processor answers first.
    this.#after(delayMs + this.#random() * disorderMs, { event, endpoint, attempt: 1 });
  }

  #after(ms: number, item: Item): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#ready.push(item);
      this.#pump();
    }, ms).unref();
    this.#timers.add(timer);
  }

  #pump(): void {
    while (this.#inFlight.size < MAX_IN_FLIGHT) {
      const item = this.#ready.shift();
      if (!item) break;
      void this.#deliver(item);
    }
    this.#tellIdle();
  }

  async #deliver(item: Item): Promise<void> {
    const sending = new AbortController();
    this.#inFlight.add(sending);
    const status = await this.#post(item, sending);
    this.#inFlight.delete(sending);
    if (!sending.signal.aborted) this.#over(item, status);
    this.#pump();
  }

  async #post({ event, endpoint }: Item, sending: AbortController): Promise<number | null> {
    const signed = this.#sign({ event, secret: endpoint.secret, sentAtMs: Date.now() });
    try {
      const answer = await fetch(endpoint.url, {
        method: "POST",
        headers: { "content-type": "application/json; charset=utf-8", ...signed },
        body: event.body,
        redirect: "manual",
        signal: AbortSignal.any([sending.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await answer.body?.cancel();
      return answer.status;
    } catch {
      return null;
    }
  }

  #over(item: Item, status: number | null): void {
    const { event, endpoint, attempt } = item;
    this.#records.push({ id: event.id, type: event.type, url: endpoint.url, attempt, status });
    if (this.#records.length > MAX_RECORDS) this.#records = this.#records.slice(-MAX_RECORDS / 2);
    const again = this.#retryAfterMs[attempt - 1];
    const delivered = status !== null && status >= 200 && status < 300;
    if (!delivered && again !== undefined && !this.#closed) this.#after(again, { ...item, attempt: attempt + 1 });
  }

  #tellIdle(): void {
    if (this.#ready.length + this.#timers.size + this.#inFlight.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #chance(probability = 0): boolean {
    return probability > 0 && this.#random() < probability;
  }
}
