import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";

const RETRY_BIND_MS = 20;
const KEEP_ALIVE_MS = 65_000; // as a load balancer's, so that benchmarks do not measure reconnects
// A free port is searched below the range that Linux (32768 up) and macOS (49152 up) hand out to outgoing connections:
// while a listener is shut, its port must not be taken by a client, least of all by one that connects to itself.
const LOWEST_PORT = 12_000;
const HIGHEST_PORT = 32_000;
const TRIES = 50;

/** A listening HTTP server that can be shut, so that connections are refused, and opened again on the same port. */
export class Listener {
  readonly #host: string;
  readonly #sockets = new Set<Socket>();
  #handler: RequestListener = () => {};
  #port = 0;
  #server: Server | null = null;
  #timer: NodeJS.Timeout | undefined;
  #reopening: Promise<void> | null = null;
  #closed = false;

  constructor(host: string) {
    this.#host = host;
  }

  /** `port` 0: any free one. Rejects with EADDRINUSE when the given port is taken. */
  async open(handler: RequestListener, port: number): Promise<void> {
    this.#handler = handler;
    for (let tries = 1; ; tries += 1) {
      this.#port = port || LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
      try {
        return await this.#listen();
      } catch (error) {
        this.#server = null;
        if (port !== 0 || tries >= TRIES || !isTaken(error)) throw error;
      }
    }
  }

  get url(): string {
    return `http://${this.#host.includes(":") ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  get isOpen(): boolean {
    return this.#server !== null;
  }

  /** Refuses connections from now on. `abrupt` also cuts the open ones; else they end with their current answer. */
  shut(options: { abrupt: boolean; forMs: number | null; reopened?: () => void }): void {
    clearTimeout(this.#timer);
    const server = this.#server;
    this.#server = null;
    server?.close();
    if (options.abrupt) for (const socket of this.#sockets) socket.destroy();
    else server?.closeIdleConnections();
    if (options.forMs === null || this.#closed) return;
    this.#timer = setTimeout(() => void this.reopen().then(options.reopened), options.forMs);
  }

  /** Resolves when the port accepts connections again. */
  reopen(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#server || this.#closed) return this.#reopening ?? Promise.resolve();
    this.#reopening = this.#listenAgain().finally(() => {
      this.#reopening = null;
    });
    return this.#reopening;
  }

  /** Resolves when a reopening that is under way has ended. */
  reopened(): Promise<void> {
    return this.#reopening ?? Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.shut({ abrupt: true, forMs: null });
  }

  async #listenAgain(): Promise<void> {
    while (!this.#closed) {
      try {
        return await this.#listen();
      } catch (error) {
        this.#server = null;
        if (!isTaken(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_BIND_MS));
      }
    }
  }

  #listen(): Promise<void> {
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, this.#handler);
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port: this.#port, host: this.#host }, () => {
        server.off("error", reject);
        if (this.#server !== server) server.close(); // shut again before it listened
        server.on("error", () => {}); // a failed accept must not end the process
        resolve();
      });
    });
  }
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EADDRINUSE";
}
