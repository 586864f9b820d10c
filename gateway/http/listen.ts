import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Milliseconds for a request's headers, and for all of it: a sender who dribbles does not hold a connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Milliseconds that an idle connection is kept; above the 60 s of common load balancers, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
/** Above what one process can serve, below what runs it out of file descriptors and memory. */
const MAX_CONNECTIONS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** When closing: for the first request of a connection that has sent none. Browsers open some that they never use; Node calls them busy. */
const FIRST_REQUEST_MS = 1_000;

export interface Listening {
  readonly port: number;
  /** Takes no more connections, lets running requests end, and cuts those that still run after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export function listen(app: RequestListener, at: { host: string; port: number }): Promise<Listening> {
  let closing = false;
  const unused = new Set<Socket>();
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: 5_000,
      noDelay: true,
    },
    (req, res) => {
      unused.delete(req.socket);
      if (closing) res.setHeader("Connection", "close");
      app(req, res);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });

  const close = (graceMs: number): Promise<void> =>
    new Promise((resolve) => {
      closing = true;
      // A kept-alive connection would outlive the server: idle ones end now, busy ones as soon as they are idle.
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      const cutUnused = setTimeout(() => unused.forEach((socket) => void socket.destroy()), Math.min(FIRST_REQUEST_MS, graceMs));
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      server.close(() => {
        clearInterval(sweep);
        clearTimeout(cutUnused);
        clearTimeout(cut);
        resolve();
      });
      server.closeIdleConnections();
    });

  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, () => {
      server.off("error", reject);
      resolve({ port: (server.address() as AddressInfo).port, close });
    });
  });
}
