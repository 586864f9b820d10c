import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { Clock } from "../../providers/contract/clock.ts";
import { maskCardNumbers } from "../card-numbers.ts";
import { checkHost, type Resolve } from "./addresses.ts";
import { pauseMs } from "./schedule.ts";

/** Of one try: name, connection, answer and the end of its body. The specification's 15 to 30 s. */
export const POST_TIMEOUT_MS = 15_000;
/** Bytes of an answer that are read; then the connection is closed. */
const MAX_ANSWER_BYTES = 4_096;
/** Characters of it that are kept, for whoever looks for the fault. */
const KEPT_CHARS = 200;

export interface Post {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What one try came to. */
export type Posted =
  | { readonly kind: "answered"; readonly status: number; readonly answer: string | null; readonly pauseMs: number | null }
  /** No status: `timeout`, `unknown_host`, `address_not_allowed`, or the error's code (`ECONNREFUSED`, …). */
  | { readonly kind: "failed"; readonly reason: string };

export interface Poster {
  post(what: Post): Promise<Posted>;
}

/** Sends, each time on a connection of its own to an address that was checked just before. Never throws. */
export function createPoster(options: {
  clock: Clock;
  resolve: Resolve;
  allowPrivate: boolean;
  /** Of the product, for User-Agent. */
  version: string;
}): Poster {
  const { clock } = options;
  return {
    async post({ url: text, body, headers }) {
      const deadline = new AbortController();
      const stop = clock.after(POST_TIMEOUT_MS, () => deadline.abort());
      const timeout = new Promise<Posted>((resolve) => deadline.signal.addEventListener("abort", () => resolve(failed("timeout"))));
      try {
        const url = new URL(text);
        if (url.protocol !== "https:" && !options.allowPrivate) return failed("not_https");
        const checked = await Promise.race([checkHost(url.hostname, options), timeout]);
        if ("kind" in checked) return checked;
        if (!checked.ok) return failed(checked.reason);
        const sent = Buffer.from(body, "utf8");
        const all = {
          ...headers,
          "content-type": "application/json",
          "content-length": String(sent.length),
          "user-agent": `Switchyard/${options.version}`,
        };
        return await exchange(url, { headers: all, lookup: answering(checked.addresses) }, sent, deadline.signal, clock);
      } catch (error) {
        return failed(codeOf(error));
      } finally {
        stop();
      }
    },
  };
}

/** The connection goes to what was checked, whatever the name's answer is by now. */
function answering(addresses: readonly { address: string; family: number }[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const first = addresses[0] as { address: string; family: number };
    if (all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

function exchange(url: URL, options: RequestOptions, body: Buffer, signal: AbortSignal, clock: Clock): Promise<Posted> {
  return new Promise((resolve) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    // No agent: a kept connection leads to an address that was checked long ago. Redirects are answers like any other.
    const request: ClientRequest = send(url, { ...options, method: "POST", agent: false });
    const end = (result: Posted): void => {
      resolve(result);
      request.destroy();
    };
    // Once the status is known, a connection that breaks in the body changes nothing: `readAnswer` ends by itself.
    let answered = false;
    request.on("error", (error) => answered || end(failed(codeOf(error))));
    request.on("close", () => answered || end(failed("closed")));
    const onTimeout = () => end(failed("timeout"));
    signal.addEventListener("abort", onTimeout);
    request.on("response", (response) => {
      answered = true;
      signal.removeEventListener("abort", onTimeout);
      readAnswer(response, signal).then((answer) => {
        const pause = pauseMs(response.headers["retry-after"], clock.now());
        end({ kind: "answered", status: response.statusCode ?? 0, answer, pauseMs: pause });
      });
    });
    request.end(body);
  });
}

/** The first characters of the body. The status is known, so a body that drips, breaks or never ends changes nothing but what is kept. */
function readAnswer(response: IncomingMessage, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = () => resolve(kept(Buffer.concat(chunks)));
    if (signal.aborted) return end();
    signal.addEventListener("abort", end);
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_ANSWER_BYTES) end();
    });
    for (const event of ["end", "error", "close"] as const) response.on(event, end);
  });
}

function kept(bytes: Buffer): string | null {
  const text = bytes
    .subarray(0, MAX_ANSWER_BYTES)
    .toString("utf8")
    .replace(/\p{C}+/gu, " ")
    .trim();
  return text === "" ? null : maskCardNumbers(text).slice(0, KEPT_CHARS).toWellFormed();
}

function failed(reason: string): Posted {
  return { kind: "failed", reason };
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code.slice(0, 60) : "unexpected";
}
