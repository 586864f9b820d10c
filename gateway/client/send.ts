/** A signal that ends a call early: every `AbortSignal` is one. */
export interface Signal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** How one try ended. `sent: false`: it was not begun or there was no connection, so nothing was asked of anybody. */
export type Told =
  | { readonly kind: "answered"; readonly status: number; readonly text: string; readonly retryAfter: string | null }
  | { readonly kind: "no_answer"; readonly sent: boolean; readonly error: Error };

/** One HTTP exchange, its body included, within `limitMs`. Never throws. Redirects are not followed: a key and a body are for the gateway alone. */
export async function send(request: HttpRequest, limitMs: number, signal: Signal | undefined): Promise<Told> {
  const aborted = new Error("aborted by the caller");
  if (signal?.aborted) return { kind: "no_answer", sent: false, error: aborted };
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${Math.ceil(limitMs)} ms`)), limitMs);
  const abort = () => controller.abort(aborted);
  signal?.addEventListener("abort", abort);
  try {
    const { method, headers, body } = request;
    const given = { method, headers, signal: controller.signal, redirect: "manual" as const, ...(body === undefined ? {} : { body }) };
    const response = await fetch(request.url, given);
    const text = await response.text();
    return { kind: "answered", status: response.status, text, retryAfter: response.headers.get("retry-after") };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause : new Error(String(cause));
    return { kind: "no_answer", sent: !neverConnected(why), error: named(why) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Only what the system says about making the connection. What breaks later proves nothing. */
function neverConnected(error: Error & { code?: unknown; syscall?: unknown; errors?: unknown }): boolean {
  if (Array.isArray(error.errors)) return error.errors.length > 0 && error.errors.every(neverConnected);
  return error.syscall === "connect" || error.syscall === "getaddrinfo" || error.code === "UND_ERR_CONNECT_TIMEOUT";
}

/** An error of several addresses has no message of its own. */
function named(error: Error & { code?: unknown }): Error {
  return error.message === "" ? new Error(String(error.code ?? error.name), { cause: error }) : error;
}
