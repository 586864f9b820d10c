import { randomUUID } from "node:crypto";
import { type Money, NoAnswerError, ProblemError, type Refusal } from "./errors.ts";
import { bodyOf, refusalOf } from "./read-answer.ts";
import { type HttpRequest, type Signal, send, type Told } from "./send.ts";

/** The gateway's own budget for a charge is 25 s: it answers before, and says what it knows. */
const DEFAULT_TRY_MS = 30_000;
const DEFAULT_CALL_MS = 90_000;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
/** What a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Problems of this instance at this moment, told before it looks at the key: by such a try nothing was done. */
const NOT_BEGUN: ReadonlySet<string> = new Set(["too_many_requests", "not_ready"]);
/** The caller said that it would rather hear this than wait. */
const FIRM: ReadonlySet<string> = new Set(["no_provider_available"]);

export interface ClientOptions {
  /** Of the gateway, like `https://payments.internal:8080`; of several instances, all: each repetition goes to the next one. */
  readonly url: string | readonly string[];
  /** An API key with the role billing. */
  readonly apiKey: string;
  /** Time for one call, with its repetitions and pauses. Default 90 000. */
  readonly timeoutMs?: number | undefined;
  /** Time for one try; longer than the gateway's CHARGE_BUDGET_MS. Default 30 000. */
  readonly tryTimeoutMs?: number | undefined;
}

export interface CallOptions {
  /** Time for this call, with its repetitions and pauses; milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call with a NoAnswerError `aborted`. What was sent may still be carried out. */
  readonly signal?: Signal | undefined;
}

export interface KeyedOptions extends CallOptions {
  /**
   * Yours, 1 to 255 visible ASCII characters: stored before the call, it lets you go on after a crash of your own. Default: one is made,
   * and an error tells it.
   */
  readonly idempotencyKey?: string | undefined;
}

/** What may be repeated when there is no answer: the same key; anything harmless; or only what cannot have arrived. */
export type Repeat = "same_key" | "harmless" | "unsent";

export interface Call {
  readonly method: HttpRequest["method"];
  /** With its query. */
  readonly path: string;
  readonly body?: object | undefined;
  readonly repeat: Repeat;
}

/** Clock and chance, so that a test need not wait. Milliseconds; `sleep` ends early when the signal comes. */
export interface Seams {
  now(): number;
  sleep(ms: number, signal: Signal | undefined): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export const SYSTEM: Seams = { now: () => performance.now() + performance.timeOrigin, sleep, random: Math.random };

/** Makes calls: each is one or more tries with the same bytes and the same key, until there is an answer or the time is over. */
export class Transport {
  readonly seams: Seams;
  readonly timeoutMs: number;
  readonly #urls: readonly string[];
  readonly #apiKey: string;
  readonly #tryMs: number;
  /** Of the addresses, the one that answered last. */
  #at = 0;

  constructor(options: ClientOptions, seams: Seams) {
    const urls = (typeof options.url === "string" ? [options.url] : options.url).map(baseOf);
    if (urls.length === 0) throw new TypeError("url: the gateway's address is needed");
    if (typeof options.apiKey !== "string" || !/^[!-~]+$/.test(options.apiKey)) throw new TypeError("apiKey: an API key is needed");
    this.seams = seams;
    this.timeoutMs = positive("timeoutMs", options.timeoutMs ?? DEFAULT_CALL_MS);
    this.#urls = urls;
    this.#apiKey = options.apiKey;
    this.#tryMs = positive("tryTimeoutMs", options.tryTimeoutMs ?? DEFAULT_TRY_MS);
  }

  /** The answer's body and when it wants to be asked again. @throws ProblemError, NoAnswerError */
  async call<T extends object>(call: Call, options: KeyedOptions = {}): Promise<{ body: T; retryAfterMs: number | null }> {
    const key = call.repeat === "same_key" ? keyOf(options.idempotencyKey) : null;
    const endMs = this.seams.now() + positive("timeoutMs", options.timeoutMs ?? this.timeoutMs);
    const made = call.body === undefined ? undefined : JSON.stringify(call.body);
    // A key of the caller's may have been sent before, by another call or another process.
    let unsure = key !== null && options.idempotencyKey !== undefined;
    let begun = false;
    for (let tries = 1, at = this.#at; ; tries += 1, at = (at + 1) % this.#urls.length) {
      const limitMs = Math.max(1, Math.min(this.#tryMs, endMs - this.seams.now(), MAX_TIMER_MS));
      const told = await send(this.#request(at, call, key, made), limitMs, options.signal);
      const nowMs = this.seams.now();
      const body = told.kind === "answered" ? bodyOf(told) : null;
      const refusal = told.kind === "answered" ? refusalOf(told, nowMs) : null;
      if (body !== null) {
        this.#at = at;
        return { body: body as T, retryAfterMs: refusal?.retryAfterMs ?? null };
      }
      const refused = refusal && new ProblemError(refusal, { money: moneyOf(key, refusal.money, begun), idempotencyKey: key });
      begun ||= mayHaveBegun(told, refusal);
      unsure ||= begun;
      const facts = { tries, money: moneyOf(key, "none", unsure), idempotencyKey: key, cause: refused ?? failure(told) };
      if (options.signal?.aborted) throw new NoAnswerError({ ...facts, code: "aborted" });
      if (!isRepeatable(call.repeat, told, refusal)) throw refused ?? new NoAnswerError({ ...facts, code: "unanswered" });
      // Zero, too, is answered with a pause: what stands before the gateway may say it of each try.
      const pauseMs = refusal?.retryAfterMs || this.#backoff(tries);
      if (nowMs + pauseMs >= endMs) throw new NoAnswerError({ ...facts, code: "timed_out" });
      await this.seams.sleep(pauseMs, options.signal);
      if (options.signal?.aborted) throw new NoAnswerError({ ...facts, code: "aborted" });
    }
  }

  #request(at: number, { method, path }: Call, key: string | null, body: string | undefined): HttpRequest {
    const headers = {
      authorization: `Bearer ${this.#apiKey}`,
      accept: "application/json",
      "user-agent": "switchyard-client",
      ...(key === null ? {} : { "idempotency-key": key }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    return { method, url: `${this.#urls[at]}${path}`, headers, body };
  }

  /** Half of it is chance, so that many callers do not come back at once. */
  #backoff(tries: number): number {
    const fullMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 10));
    return fullMs / 2 + (fullMs / 2) * this.seams.random();
  }
}

function isRepeatable(repeat: Repeat, told: Told, refusal: Refusal | null): boolean {
  if (refusal === null) return repeat !== "unsent" || (told.kind === "no_answer" && !told.sent);
  const { code, status, retryAfterMs } = refusal;
  if (FIRM.has(code)) return false;
  if (repeat === "unsent") return NOT_BEGUN.has(code);
  // A success that cannot be read is no answer either.
  if (status < 300 || status === 408 || status === 429 || status >= 500) return true;
  return status === 409 && retryAfterMs !== null;
}

function mayHaveBegun(told: Told, refusal: Refusal | null): boolean {
  if (told.kind === "no_answer") return told.sent;
  return refusal?.money === "unknown" && !NOT_BEGUN.has(refusal.code);
}

/** Doubt is sticky: a later refusal says nothing about an earlier try that nobody answered. */
function moneyOf(key: string | null, told: Money, unsure: boolean): Money {
  if (key === null) return "none";
  return told === "none" && unsure ? "unknown" : told;
}

function failure(told: Told): unknown {
  return told.kind === "no_answer" ? told.error : undefined;
}

function keyOf(given: string | undefined): string {
  if (given === undefined) return randomUUID();
  if (!/^[!-~]{1,255}$/.test(given)) throw new TypeError("idempotencyKey: 1 to 255 visible ASCII characters");
  return given;
}

function baseOf(text: string): string {
  const fault = new TypeError("url: the gateway's address, like https://payments.internal:8080");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw fault;
  }
  if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "" || url.username !== "") throw fault;
  return url.href.replace(/\/+$/, "");
}

/** @throws TypeError */
export function positive(name: string, ms: number): number {
  if (!(ms > 0) || !Number.isFinite(ms)) throw new TypeError(`${name}: milliseconds, more than 0`);
  return ms;
}

function sleep(ms: number, signal: Signal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
}
