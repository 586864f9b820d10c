/** What the gateway answers instead of what was asked: RFC 9457 with our members. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  /** Stable; `network` when there was no answer at all. */
  readonly code: string;
  readonly title: string;
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  readonly requestId: string | null;

  constructor(status: number, body: Record<string, unknown>) {
    super(typeof body.detail === "string" ? body.detail : "The gateway gave no reason.");
    this.status = status;
    this.code = typeof body.code === "string" ? body.code : `http_${status}`;
    this.title = typeof body.title === "string" ? body.title : `HTTP ${status}`;
    this.errors = Array.isArray(body.errors) ? (body.errors as ApiProblem["errors"]) : [];
    this.requestId = typeof body.request_id === "string" ? body.request_id : null;
  }
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

let csrf: string | null = null;
let whenSignedOut = () => {};

/** Told by the session: the token that every change carries, and what to do when the gateway no longer knows us. */
export function setCredentials(token: string | null, signedOut: () => void): void {
  csrf = token;
  whenSignedOut = signedOut;
}

/** Reads JSON. Throws ApiProblem. */
export function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return call<T>("GET", path, undefined, signal === undefined ? {} : { signal });
}

/** Changes something, and answers the JSON (undefined when there is none). Throws ApiProblem. */
export function send<T = unknown>(
  method: Exclude<Method, "GET">,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<T> {
  return call<T>(method, path, body, headers === undefined ? {} : { headers });
}

/** Reads what the gateway offers as CSV. Throws ApiProblem. */
export async function getCsv(path: string): Promise<string> {
  return (await answered("GET", path, undefined, { headers: { Accept: "text/csv" } })).text();
}

async function call<T>(method: Method, path: string, body: unknown, more: CallOptions): Promise<T> {
  const response = await answered(method, path, body, more);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Record<string, string>;
}

async function answered(method: Method, path: string, body: unknown, { signal, headers = {} }: CallOptions): Promise<Response> {
  const all: Record<string, string> = { Accept: "application/json", ...headers };
  if (body !== undefined) all["Content-Type"] = "application/json";
  if (method !== "GET" && csrf !== null) all["X-CSRF-Token"] = csrf;
  const init: RequestInit = { method, headers: all, credentials: "same-origin" };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal !== undefined) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiProblem(0, { code: "network", title: "No answer", detail: "The gateway cannot be reached from here." });
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  if (response.status === 401 && csrf !== null) whenSignedOut();
  throw new ApiProblem(response.status, told as Record<string, unknown>);
}
