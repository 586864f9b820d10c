import type { Clock } from "../../../providers/contract/clock.ts";
import { CommandFailed, EXIT } from "./exit-code.ts";
import { type ProblemJson, Refused } from "./problem-words.ts";

/** What a query takes; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

export interface Page<Row> {
  readonly object: "list";
  readonly data: readonly Row[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** One request. A gateway answers everything within its own time budget, which is shorter. */
const TIMEOUT_MS = 60_000;
/** Polite refusals that are waited out, and how long for one of them. */
const MAX_TRIES = 4;
const MAX_WAIT_S = 10;
/** What one page may hold, by the interface. */
const MAX_PAGE = 100;

/** A gateway over HTTP, with one key. Every failure is a `CommandFailed` that says what to do. */
export class Gateway {
  readonly url: string;
  readonly #key: () => Promise<string>;
  readonly #clock: Clock;

  constructor(options: { url: string; key: () => Promise<string>; clock: Clock }) {
    this.url = options.url.replace(/\/+$/, "");
    this.#key = options.key;
    this.#clock = options.clock;
  }

  async get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#json(await this.#ask("GET", path + search(query), undefined, "application/json"));
  }

  async send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<T> {
    return this.#json(await this.#ask(method, path, body, "application/json"));
  }

  async csv(path: string, query: Query = {}): Promise<string> {
    return (await this.#ask("GET", path + search(query), undefined, "text/csv")).text;
  }

  /** The rows of a list, page after page, until there are `limit` of them or no more. `onPage` is told how many there are so far. */
  async list<Row>(path: string, query: Query, limit: number, onPage: (count: number) => void = () => {}): Promise<Page<Row>> {
    const data: Row[] = [];
    for (let after: string | undefined; ; ) {
      const page = await this.get<Page<Row>>(path, { ...query, limit: Math.min(MAX_PAGE, limit - data.length), starting_after: after });
      data.push(...page.data);
      onPage(data.length);
      if (page.next_cursor === null || data.length >= limit) return { ...page, data };
      after = page.next_cursor;
    }
  }

  async #ask(method: string, path: string, body: object | undefined, accept: string): Promise<Answer> {
    const headers = {
      accept,
      authorization: `Bearer ${await this.#key()}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const init = { method, headers, redirect: "manual" as const, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    for (let tries = 1; ; tries += 1) {
      const answer = await exchange(this.url + path, init).catch((error: unknown) => {
        throw this.#unreachable(error, method !== "GET");
      });
      if (answer.status >= 200 && answer.status < 300) return answer;
      const waitS = Number(answer.headers.get("retry-after")) || 0;
      // A 429 was refused before anything was done; a question may be asked again in any case.
      const again = answer.status === 429 || (answer.status === 503 && method === "GET");
      if (!again || waitS <= 0 || waitS > MAX_WAIT_S || tries >= MAX_TRIES) throw this.#refused(answer);
      await this.#clock.sleep(waitS * 1_000);
    }
  }

  #json<T>({ status, headers, text }: Answer): T {
    if (!headers.get("content-type")?.includes("json")) throw this.#stranger(status);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw this.#stranger(status);
    }
  }

  #refused(answer: Answer): CommandFailed {
    const type = answer.headers.get("content-type") ?? "";
    if (!type.startsWith("application/problem+json")) return this.#stranger(answer.status);
    return new Refused(this.#json<ProblemJson>(answer));
  }

  #stranger(status: number): CommandFailed {
    return new CommandFailed(EXIT.unreachable, `${this.url} answers (${status}), but not as a Switchyard gateway does`, [
      "Look at --url and SWITCHYARD_URL, and at what stands between (a proxy, a sign-in page).",
    ]);
  }

  #unreachable(error: unknown, isChange: boolean): CommandFailed {
    const reason = reasonOf(error, TIMEOUT_MS);
    const never = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|bad port/.test(reason);
    const change = never ? "Nothing reached it: nothing was changed." : "Nobody knows whether it was done: look before you repeat it.";
    return new CommandFailed(EXIT.unreachable, `${this.url} does not answer: ${reason}`, [
      ...(isChange ? [change] : []),
      "Is a gateway running there? `npm start` starts one; --url or SWITCHYARD_URL names another; `switchyard doctor` looks at the set-up.",
    ]);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** With its body: a connection may break, or stay silent, in the midst of it. */
async function exchange(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Why a request had no answer within its time, for people. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1_000} s`;
  const { cause } = error;
  const inner = cause instanceof AggregateError ? (cause.errors[0] as Error | undefined) : cause;
  return inner instanceof Error ? inner.message || String((inner as { code?: string }).code) : error.message;
}

function search(query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
}
