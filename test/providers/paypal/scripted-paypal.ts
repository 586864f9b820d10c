import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Call } from "../../../providers/contract/call.ts";
import type { Currency } from "../../../providers/contract/money.ts";
import type { AttemptRequest, Provider } from "../../../providers/contract/provider.ts";
import { createPayPalProvider, type PayPalOptions } from "../../../providers/paypal/paypal.ts";
import { livedClock } from "../../support/lived-clock.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON, or the raw text. */
  readonly body: unknown;
}

/** What the server does with a request: answers (not before `after`), or misbehaves. A string body is sent as it is. */
export type Reply =
  | {
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Record<string, string>;
      readonly delayMs?: number;
      readonly after?: Promise<void>;
    }
  | "hang"
  | "reset"
  | "drip";

export interface ScriptedPayPal {
  readonly url: string;
  /** All but token requests, in order. */
  readonly requests: Seen[];
  readonly tokenRequests: Seen[];
  /** All that were ever opened. */
  readonly connections: () => number;
  readonly openConnections: () => number;
  provider(options?: Partial<PayPalOptions>): Provider;
  close(): Promise<void>;
}

export const TOKEN = "A21AA-secret-access-token";
export const CLIENT_ID = "client-id-of-the-test";
export const CLIENT_SECRET = "client-secret-of-the-test";
export const goodToken: Reply = { status: 200, body: { access_token: TOKEN, token_type: "Bearer", expires_in: 32_400, app_id: "APP-1" } };

/** Longer than a machine stands still. */
const KEEP_ALIVE_MS = 60_000;

/** A script: one answer after the other, the last one for ever. */
export function inTurn(...answers: Reply[]): (request: Seen, index: number) => Reply {
  return (_request, index) => answers[Math.min(index, answers.length - 1)] as Reply;
}

export function found(body: object): Reply {
  return { status: 200, body };
}

/** A PayPal that does what the test says, over real HTTP. */
export async function scriptedPayPal(
  script: (request: Seen, index: number) => Reply,
  token: (index: number) => Reply = () => goodToken,
): Promise<ScriptedPayPal> {
  const requests: Seen[] = [];
  const tokenRequests: Seen[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const seen = { method: req.method ?? "", path: req.url ?? "", headers: req.headers, body: parsed(Buffer.concat(chunks).toString()) };
      const isToken = seen.path.endsWith("/v1/oauth2/token");
      const log = isToken ? tokenRequests : requests;
      log.push(seen);
      perform(isToken ? token(log.length - 1) : script(seen, log.length - 1), res);
    });
  });
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const providers: Provider[] = [];
  return {
    url,
    requests,
    tokenRequests,
    connections: () => connections,
    openConnections: () => sockets.size,
    provider(options = {}) {
      const provider = createPayPalProvider({
        clientId: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
        apiBase: url,
        clock: livedClock,
        ...options,
      });
      providers.push(provider);
      return provider;
    },
    async close() {
      for (const provider of providers) provider.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function perform(reply: Reply, res: ServerResponse): void {
  if (reply === "hang") return;
  if (reply === "reset") {
    res.socket?.resetAndDestroy();
    return;
  }
  if (reply === "drip") {
    res.writeHead(201, { "content-type": "application/json", "content-length": "1000000" });
    const timer = setInterval(() => res.write(" "), 10);
    res.on("close", () => clearInterval(timer));
    return;
  }
  const { status, body, headers = {}, delayMs = 0, after } = reply;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = () => {
    res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers });
    res.end(text);
  };
  if (after) void after.then(answer);
  else setTimeout(answer, delayMs);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function newCall(timeoutMs = 5_000, maySend?: () => boolean): Call {
  return new Call({ clock: livedClock, timeoutMs, ...(maySend ? { maySend } : {}) });
}

export function money(amount: number, currency: string): { amount: bigint; currency: Currency } {
  return { amount: BigInt(amount), currency: currency as Currency };
}

export const attempt: AttemptRequest = {
  chargeId: "ch_1",
  attemptId: "at_1",
  money: money(4_200, "usd"),
  token: { vault_id: "8kk845", source: "card" },
  description: "Pro plan, December",
  reference: "invoice-1042",
  createdAtMs: 0,
};

export const ORDER = "5O190127TN364715T";
const ours = { invoice_id: "ch_1", custom_id: "at_1" };
const dollars = { currency_code: "USD", value: "42.00" };

export function capture(status: string, extra: object = {}): object {
  return { id: "3C679366HH908993F", status, amount: dollars, ...ours, ...extra };
}

/** An order as `return=representation` shows it. */
export function order(status: string, payments: object | null = null, extra: object = {}): object {
  const unit = { reference_id: "default", amount: dollars, ...ours, ...(payments ? { payments } : {}) };
  return { id: ORDER, intent: "CAPTURE", status, purchase_units: [unit], ...extra };
}

export function captured(status: string, extra: object = {}): object {
  return order("COMPLETED", { captures: [capture(status, extra)] });
}

export function refusal(status: number, name: string, ...issues: string[]): Reply {
  const details = issues.map((issue) => ({ issue, description: `about ${TOKEN}` }));
  return { status, body: { name, message: `about ${CLIENT_SECRET}`, debug_id: "f00d", details } };
}
