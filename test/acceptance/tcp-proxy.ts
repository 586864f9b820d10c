import { connect, createServer, type Server, type Socket } from "node:net";

/** A road to a server that can be cut: connections break, and new ones are refused. */
export interface TcpProxy {
  readonly url: string;
  cut(): Promise<void>;
  /** The same port again. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function startTcpProxy(to: string): Promise<TcpProxy> {
  const { hostname, port: toPort } = new URL(to);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  };
  let port = 0;
  let server: Server;

  async function open(): Promise<void> {
    server = createServer((near) => {
      const far = connect(Number(toPort), hostname);
      keep(near);
      keep(far);
      near.pipe(far).pipe(near);
      near.once("close", () => far.destroy());
      far.once("close", () => near.destroy());
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
    ({ port } = server.address() as { port: number });
  }

  async function cut(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  await open();
  return { url: `http://127.0.0.1:${port}`, cut, mend: open, close: cut };
}
