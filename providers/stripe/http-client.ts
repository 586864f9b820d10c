import { AsyncLocalStorage } from "node:async_hooks";
import * as http from "node:http";
import * as https from "node:https";
import type { Socket } from "node:net";
import { Stripe } from "stripe";
import type { Call } from "../contract/call.ts";
import { GateClosed } from "../contract/call.ts";

/** A PaymentIntent is a few KiB, a page of 100 some hundred; anything larger is not Stripe. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** An idle socket older than this is not reused: a peer that has just closed it makes a sent charge ambiguous. */
const IDLE_SOCKET_MS = 15_000;
/** More sockets than Stripe's limit of 100 requests/s fills, even when each one hangs for some seconds. */
export const DEFAULT_MAX_SOCKETS = 512;
const CIPHERS = "DEFAULT:!aNULL:!eNULL:!LOW:!EXPORT:!SSLv2:!MD5"; // as the SDK's own client

/** Nothing usable came back. stripe-node hands it over as `StripeConnectionError.detail`. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly evidence: "connection_lost" | "unreadable" | "server_error";
  constructor(cause: WireError["evidence"], message: string) {
    super(message);
    this.evidence = cause;
  }
}

type HttpClientInterface = Required<NonNullable<ConstructorParameters<typeof Stripe>[1]>>["httpClient"];
type HttpClientResponse = InstanceType<typeof Stripe.HttpClientResponse>;

interface Exchange {
  readonly call: Call;
  used: boolean;
}

/**
 * The SDK's transport, with the gate in it. It replaces `Stripe.createNodeHttpClient` and does not wrap it, because only
 * who owns the request can hold its first byte back until the socket is connected. What that buys: a wire attempt is
 * counted in the same step in which the request is handed to a *connected* socket, so `call.wireAttempts === 0` proves
 * that not a byte was sent, whatever failed: DNS, a refused or hanging connection, TLS, the queue for a socket.
 */
export class GatedHttpClient implements HttpClientInterface {
  readonly #current = new AsyncLocalStorage<Exchange>();
  readonly #agent: http.Agent;
  readonly #secure: boolean;

  constructor(options: { secure: boolean; maxSockets: number }) {
    this.#secure = options.secure;
    const agentOptions = { keepAlive: true, maxSockets: options.maxSockets, timeout: IDLE_SOCKET_MS };
    this.#agent = options.secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  }

  /** Runs one SDK call for `call`. It gets one request: a second one (the SDK's silent resend) is refused. */
  within<T>(call: Call, sdkCall: () => Promise<T>): Promise<T> {
    return this.#current.run({ call, used: false }, () => withoutStacks(sdkCall));
  }

  close(): void {
    this.#agent.destroy();
  }

  getClientName(): string {
    return "switchyard";
  }

  /** Async, so that it never throws synchronously: stripe-node turns that into an unhandled rejection and hangs. */
  async makeRequest(host: string, port: string, path: string, method: string, headers: object, body: string): Promise<HttpClientResponse> {
    const exchange = this.#current.getStore();
    if (!exchange) throw new WireError("connection_lost", "a request outside of any call");
    if (exchange.used) throw new WireError("connection_lost", "the SDK tried to send a second time");
    exchange.used = true;
    const { call } = exchange;
    call.assertMaySend();
    return new Promise((resolve, reject) => {
      const options = { host, port, path, method, agent: this.#agent, headers: headers as http.OutgoingHttpHeaders };
      const request = this.#secure ? https.request({ ...options, ciphers: CIPHERS }) : http.request(options);
      const giveUp = (error: Error): void => {
        request.destroy();
        reject(error);
      };
      // An error costs more than the rest of this function: none is made for a request that is over.
      let answered = false;
      call.onClose(() => answered || giveUp(new GateClosed()));
      request.on("error", (error) => reject(renamed(error)));
      request.on("response", (response) => {
        readBody(response).then((json) => {
          answered = true;
          resolve(new Answer(response, json));
        }, reject);
      });
      request.on("socket", (socket) =>
        onceConnected(socket, this.#secure, () => {
          try {
            // A GET cannot execute anything: the gate holds for it, but it is no wire attempt.
            if (method === "GET") call.assertMaySend();
            else call.countWireAttempt();
          } catch (closed) {
            giveUp(closed as Error);
            return;
          }
          request.end(body);
        }),
      );
    });
  }
}

/**
 * stripe-node takes a stack trace at the start of each call, in case that it fails: 4 % of the gateway's CPU, for errors that
 * become answers here. Only the synchronous part of `work` goes without.
 */
function withoutStacks<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

class Answer extends Stripe.HttpClientResponse {
  readonly #json: object;
  constructor(response: http.IncomingMessage, json: object) {
    const { "stripe-notice": _notice, ...headers } = response.headers; // the SDK prints it as a process warning
    super(response.statusCode ?? 0, headers as ConstructorParameters<typeof Stripe.HttpClientResponse>[1]);
    this.#json = json;
  }
  override getRawResponse(): unknown {
    return { statusCode: this.getStatusCode() };
  }
  override toJSON(): Promise<object> {
    return Promise.resolve(this.#json);
  }
}

function onceConnected(socket: Socket, secure: boolean, send: () => void): void {
  const handshaking = secure && (socket as Socket & { secureConnecting?: boolean }).secureConnecting === true;
  if (socket.connecting || handshaking) socket.once(secure ? "secureConnect" : "connect", send);
  else send();
}

/** stripe-node resends on ECONNRESET and EPIPE even with `maxNetworkRetries: 0`, so it must not see these codes. */
function renamed(error: Error): Error {
  if (error instanceof GateClosed || error instanceof WireError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  return new WireError("connection_lost", typeof code === "string" ? code : error.name);
}

/**
 * Reads the whole body and insists on a JSON object here. stripe-node would crash the process on a JSON scalar (it
 * defines a property on it inside a promise nobody holds).
 */
function readBody(response: http.IncomingMessage): Promise<object> {
  return new Promise((resolve, reject) => {
    const status = response.statusCode ?? 0;
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else response.destroy(new WireError("unreadable", `HTTP ${status} with more than ${MAX_BODY_BYTES} bytes`));
    });
    response.on("error", (error) => reject(renamed(error)));
    response.on("close", () => {
      if (!response.complete) reject(new WireError("connection_lost", `HTTP ${status}, cut off after ${bytes} bytes`));
    });
    response.on("end", () => {
      const json = parseObject(Buffer.concat(chunks).toString("utf8"));
      if (json) resolve(json);
      else reject(new WireError(status >= 500 ? "server_error" : "unreadable", `HTTP ${status} without a JSON object`));
    });
  });
}

function parseObject(text: string): object | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : null;
  } catch {
    return null;
  }
}
