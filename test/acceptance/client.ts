import { ADMIN_KEY, sleep } from "./harness.ts";

/** The fields of a charge that the tests look at. */
export interface ChargeJson {
  readonly id: string;
  readonly livemode: boolean;
  readonly status: string;
  readonly amount: number;
  readonly amount_captured: number;
  readonly currency: string;
  readonly provider: string | null;
  readonly provider_reference: string | null;
  readonly failure: { readonly code: string } | null;
  readonly attempts: readonly AttemptJson[];
  readonly events?: readonly EventJson[];
}

export interface AttemptJson {
  readonly id: string;
  readonly provider: string;
  readonly outcome: string | null;
  readonly started_at: string;
  readonly finished_at: string | null;
}

export interface EventJson {
  readonly type: string;
  readonly at: string;
  readonly provider: string | null;
  readonly attempt: string | null;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly outcome: string | null;
}

export interface Answer<Body> {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly text: string;
  /** The body, when it is JSON. */
  readonly body: Body;
}

export interface Ask {
  readonly body?: unknown;
  /** The Idempotency-Key. */
  readonly key?: string;
  readonly accept?: string;
  /** The caller hangs up then. */
  readonly patienceMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request with the admin key. Rejects when there is no answer. */
export async function ask<Body = Record<string, unknown>>(url: string, address: string, options: Ask = {}): Promise<Answer<Body>> {
  const [method = "", path = ""] = address.split(" ");
  const { body, key, accept, patienceMs = 60_000 } = options;
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...(accept === undefined ? {} : { accept }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(patienceMs),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return {
    status: response.status,
    type,
    headers: response.headers,
    text,
    body: (type.includes("json") ? JSON.parse(text) : null) as Body,
  };
}

/** What the caller asked for with one key, and all that it heard. */
export interface Asked {
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly charge: ChargeJson;
  /** `503 database_unavailable`, `no answer`, …: what came before the charge. */
  readonly heard: readonly string[];
}

/** What tells a caller to come again with the same key. */
export const COME_AGAIN: ReadonlySet<string> = new Set([
  "409 idempotency_key_in_use",
  "429 too_many_requests",
  "503 database_unavailable",
  "503 outcome_unknown_retry_same_key",
  "503 not_ready",
]);
const AGAIN_MS = 250;
const GIVE_UP_MS = 240_000;

/**
 * A billing core: repeats the same request with the same key until it is told a charge. Anything but a charge, a polite
 * refusal or no answer at all ends the test. `impatientMs`: hangs up on the first try, and comes again.
 */
export async function chargeUntilTold(
  urls: () => readonly string[],
  request: { key: string; body: Readonly<Record<string, unknown>>; impatientMs?: number },
): Promise<Asked> {
  const heard: string[] = [];
  const end = Date.now() + GIVE_UP_MS;
  for (let tries = 0; Date.now() < end; tries += 1) {
    const known = urls();
    const url = known[Math.floor(Math.random() * known.length)];
    const answer =
      url === undefined
        ? null
        : await ask<ChargeJson & { code?: string }>(url, "POST /v1/charges", {
            ...request,
            ...(tries === 0 && request.impatientMs ? { patienceMs: request.impatientMs } : {}),
          }).catch(() => null);
    if (answer?.status === 201 || answer?.status === 202) return { key: request.key, body: request.body, charge: answer.body, heard };
    const said = answer ? `${answer.status} ${answer.body?.code}` : "no answer";
    heard.push(said);
    if (answer && !(COME_AGAIN.has(said) && isPolite(answer))) throw new Error(`${request.key} was told ${said}: ${answer.text}`);
    await sleep(AGAIN_MS);
  }
  throw new Error(`${request.key} was not told within ${GIVE_UP_MS} ms; heard: ${heard.join(", ")}`);
}

/** A refusal says in a machine's words what it is, and when to come again. */
export function isPolite(answer: Answer<unknown>): boolean {
  return answer.type.startsWith("application/problem+json") && Number(answer.headers.get("retry-after")) > 0;
}

/** Every charge that the gateway knows, page by page. */
export async function allCharges(url: string, filter = ""): Promise<ChargeJson[]> {
  const charges: ChargeJson[] = [];
  for (let after = ""; ; ) {
    type Page = { data: ChargeJson[]; next_cursor: string | null };
    const { status, body, text } = await ask<Page>(url, `GET /v1/charges?limit=100${filter}${after}`);
    if (status !== 200) throw new Error(`the list answered ${status}: ${text}`);
    charges.push(...body.data);
    if (body.next_cursor === null) return charges;
    after = `&starting_after=${body.next_cursor}`;
  }
}

export async function readCharge(url: string, id: string): Promise<ChargeJson & { events: readonly EventJson[] }> {
  const { status, body, text } = await ask<ChargeJson & { events: EventJson[] }>(url, `GET /v1/charges/${id}`);
  if (status !== 200) throw new Error(`${id} answered ${status}: ${text}`);
  return body;
}

/** Runs `work` on each item, `concurrency` at a time. */
export async function inParallel<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return results;
}
