import http from "node:http";
import net from "node:net";
import { describe, expect, it } from "vitest";
import { listen } from "../../../gateway/http/listen.ts";

const AT = { host: "127.0.0.1", port: 0 };

function get(port: number, agent?: http.Agent): Promise<{ status: number; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port, host: "127.0.0.1", ...(agent ? { agent } : {}) }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection }));
    });
    request.on("error", reject);
  });
}

describe("a server that is closed", () => {
  it("lets a running request end, and ends its connection", async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<http.ServerResponse>();
    const server = await listen((_req, res) => start(res), AT);
    const answer = get(server.port, new http.Agent({ keepAlive: true }));
    const res = await started;
    const closed = server.close(10_000);
    await expect(get(server.port)).rejects.toThrow(/ECONNREFUSED/);
    res.writeHead(201).end("done");
    expect((await answer).status).toBe(201);
    await closed;
  });

  it("does not wait for idle connections", async () => {
    const server = await listen((_req, res) => res.end(), AT);
    await get(server.port, new http.Agent({ keepAlive: true }));
    // With it this waits for the grace, which is longer than a test may take.
    await server.close(600_000);
  });

  it("does not wait for connections that were opened and never used, as browsers do", async () => {
    const server = await listen((_req, res) => res.end(), AT);
    const socket = net.connect(server.port, AT.host);
    const ended = new Promise((resolve) => socket.once("close", resolve).resume());
    await new Promise((resolve) => socket.once("connect", resolve));
    await get(server.port);
    // Without it this waits for the grace, which is longer than a test may take.
    await server.close(600_000);
    await ended;
  });

  it("tells callers on kept connections to come no more", async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: next, resolve: came } = Promise.withResolvers<void>();
    const running: http.ServerResponse[] = [];
    const server = await listen((req, res) => {
      if (req.url === "/first") return start(void running.push(res));
      came();
      res.end();
    }, AT);
    const socket = net.connect(server.port, AT.host);
    let received = "";
    socket.on("data", (data) => (received += data));
    socket.write("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    await started;
    const closed = server.close(10_000);
    socket.write("GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    await next;
    running[0]?.end("first");
    await expect.poll(() => received).toMatch(/first[\s\S]*Connection: close/i);
    await closed;
  });

  it("cuts what still runs after the grace", async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const server = await listen(() => start(), AT);
    const answer = get(server.port).catch((error: Error) => error);
    await started;
    await server.close(200);
    expect(await answer).toBeInstanceOf(Error);
  });
});

describe("a server that cannot listen", () => {
  it("says so", async () => {
    const server = await listen((_req, res) => res.end(), AT);
    await expect(listen((_req, res) => res.end(), { ...AT, port: server.port })).rejects.toThrow(/EADDRINUSE/);
    await server.close(0);
  });
});
