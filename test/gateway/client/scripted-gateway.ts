import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type ClientOptions, type Seams, Transport } from "../../../gateway/client/transport.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What the server does with one request. */
export type Act = (response: ServerResponse) => void;

export interface Scripted {
  readonly url: string;
  readonly asked: Asked[];
}

/** An HTTP server that does one act a request; the last one again and again. */
export async function scripted(...acts: Act[]): Promise<Scripted> {
  const asked: Asked[] = [];
  // Kept for longer than a machine stands still.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      asked.push({ method, path, headers, key: headers["idempotency-key"] as string | undefined, body: Buffer.concat(chunks).toString() });
      acts[Math.min(asked.length, acts.length) - 1]?.(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

export function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Act {
  return (response) => void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

export function problem(status: number, code: string, money: string, retryAfter?: string): Act {
  const body = {
    type: `urn:switchyard:problem:${code}`,
    title: code,
    status,
    detail: `because of ${code}`,
    code,
    money,
    action: "as told",
    request_id: "req_1",
  };
  const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter };
  return json(status, body, { "content-type": "application/problem+json", ...headers });
}

export function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Act {
  return (response) => void response.writeHead(status, headers).end(body);
}

/** Breaks the connection after the request was read. */
export const reset: Act = (response) => void response.socket?.destroy();

export const silent: Act = () => {};

/** An address where nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** A client that does not wait between its tries: it notes how long it would have, and its clock passes by that alone. */
export function impatient(
  url: string | readonly string[],
  options: Partial<ClientOptions> = {},
): { transport: Transport; slept: number[] } {
  const slept: number[] = [];
  const startMs = Date.now();
  const seams: Seams = {
    now: () => startMs + slept.reduce((sum, ms) => sum + ms, 0),
    sleep: async (ms) => void slept.push(ms),
    random: () => 0.5,
  };
  return { transport: new Transport({ url, apiKey: "sy_test_1", ...options }, seams), slept };
}
