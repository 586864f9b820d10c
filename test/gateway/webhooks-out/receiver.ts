import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** `data.id`. */
  readonly event: string;
  readonly type: string;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly got: Received[];
  /** How the next ones are answered; may wait, and may never answer. Default: 204. */
  answer: (request: Received, response: ServerResponse) => void | Promise<void>;
  /** The types so far, in order of arrival. */
  types(): string[];
  close(): Promise<void>;
}

/** A caller's own HTTP server. */
export async function startReceiver(): Promise<Receiver> {
  const ok: Receiver["answer"] = (_request, response) => void response.writeHead(204).end();
  const got: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const { type, data } = JSON.parse(body) as { type: string; data: { id: string } };
      const received = { path: request.url ?? "", headers: request.headers, body, event: data.id, type };
      got.push(received);
      void receiver.answer(received, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hooks`,
    port,
    got,
    answer: ok,
    types: () => got.map(({ type }) => type),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

/** As the specification says, by a receiver: whether one of the signatures is by this secret. */
export function verifies(received: Received, secret: string): boolean {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = received.headers;
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${received.body}`).digest("base64");
  return String(signatures).split(" ").includes(`v1,${expected}`);
}
