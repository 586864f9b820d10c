import { request as httpRequest, type IncomingMessage, Agent as PlainAgent } from "node:http";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { GateClosed } from "../contract/call.ts";

/** An order with one purchase unit is some 4 KB, a page of 500 transactions some 500 KB; more than this is not an answer of PayPal's. */
const MAX_RESPONSE_BYTES = 1_048_576;
/** Below the idle time-outs of common load balancers, so that we rarely write into a socket that is about to close. */
const IDLE_SOCKET_MS = 15_000;
/** Enough for some hundreds of charges per second; more would only queue inside PayPal's rate limit. */
export const DEFAULT_MAX_SOCKETS = 128;

/** What the transport asks and tells while it sends one request. */
export interface Gate {
  /** In the same step in which the request is written to its open socket. Throws `GateClosed` instead of sending. */
  firstByte(): void;
  onClose(end: () => void): void;
}

export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface WireResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The exchange failed without an answer. `sent` false is proof that not one byte of the request left. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
  readonly sent: boolean;
  readonly code: string;
  constructor(sent: boolean, code: string) {
    super(`${sent ? "the connection was lost" : "no connection"}: ${code}`);
    this.sent = sent;
    this.code = code;
  }
}

/**
 * One request, one attempt: no retry, no redirect, no proxy, no decompression. It replaces axios inside the SDK because
 * only here can a call that is closed be kept from sending: axios gives no hold on a request that waits for a socket.
 * The request is written in one piece, once its socket is open, so a failure before that proves that nothing was sent.
 */
export class Transport {
  readonly #base: URL;
  readonly #agent: PlainAgent;
  readonly #send: typeof httpRequest;
  readonly #maxBytes: number;
  readonly #open = new WeakSet<Socket>();

  /** `base` is the origin, and perhaps a path, that replaces the SDK's own. `maxBytes` of an answer's body. */
  constructor(base: URL, maxSockets: number, maxBytes: number = MAX_RESPONSE_BYTES) {
    this.#base = base;
    this.#maxBytes = maxBytes;
    const pool = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, timeout: IDLE_SOCKET_MS };
    this.#agent = base.protocol === "https:" ? new TlsAgent(pool) : new PlainAgent(pool);
    this.#send = base.protocol === "https:" ? httpsRequest : httpRequest;
  }

  send(request: WireRequest, gate: Gate): Promise<WireResponse> {
    return new Promise((resolve, reject) => {
      let sent = false;
      let settled = false;
      const settle = (act: () => void): void => {
        if (settled) return;
        settled = true;
        act();
      };
      const { body } = request;
      const headers = { ...request.headers, ...(body === null ? {} : { "content-length": String(Buffer.byteLength(body)) }) };
      const req = this.#send(this.#target(request.url), { method: request.method, headers, agent: this.#agent });
      const fail = (error: Error): void => {
        settle(() => reject(error instanceof GateClosed && !sent ? error : new ConnectionFailed(sent, codeOf(error))));
        req.destroy();
      };
      // Also ends a request that still waits for a socket: node skips a destroyed one when its turn comes.
      gate.onClose(() => {
        if (!settled) fail(new GateClosed());
      });
      req.on("error", fail);
      req.on("socket", (socket) => {
        this.#whenOpen(socket, () => {
          if (settled) return;
          try {
            gate.firstByte();
          } catch (closed) {
            return fail(closed as Error);
          }
          sent = true;
          // A string goes out in one write with the headers; a buffer would cost a second system call.
          if (body === null) req.end();
          else req.end(body, "utf8");
        });
      });
      req.on("response", (res) => collect(res, this.#maxBytes, (answer) => settle(() => resolve(answer)), fail));
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #target(url: string): URL {
    const from = new URL(url);
    return new URL(this.#base.pathname.replace(/\/$/, "") + from.pathname + from.search, this.#base);
  }

  #whenOpen(socket: Socket, then: () => void): void {
    const open = socket instanceof TLSSocket ? socket.authorized || this.#open.has(socket) : !socket.connecting;
    if (open) then();
    else
      socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", () => {
        this.#open.add(socket);
        then();
      });
  }
}

function collect(res: IncomingMessage, maxBytes: number, done: (answer: WireResponse) => void, fail: (error: Error) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  res.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) fail(Object.assign(new Error("too large"), { code: "RESPONSE_TOO_LARGE" }));
    else chunks.push(chunk);
  });
  res.on("error", fail);
  res.on("end", () => {
    if (!res.complete) return fail(Object.assign(new Error("cut short"), { code: "RESPONSE_CUT_SHORT" }));
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(res.headers)) headers[name] = String(value);
    done({ statusCode: res.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString("utf8") });
  });
}

function codeOf(error: Error): string {
  if (error instanceof GateClosed) return "CLOSED";
  const code = (error as NodeJS.ErrnoException).code;
  // Happy Eyeballs wraps one error per address, and the code sits on the wrapper only when they agree.
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException | undefined)?.code : undefined;
  return (code ?? first ?? error.name).slice(0, 60);
}
