import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Resolve } from "../../../gateway/webhooks-out/addresses.ts";
import { createPoster, type Poster } from "../../../gateway/webhooks-out/post.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

const BODY = '{"type":"charge.succeeded","data":{"id":"evt_1"}}';

let clock: ManualClock;
let receiver: Receiver;
let servers: Server[];
let sockets: Socket[];

beforeEach(async () => {
  clock = new ManualClock();
  receiver = await startReceiver();
  servers = [];
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await receiver.close();
});

const local: Resolve = async () => [{ address: "127.0.0.1", family: 4 }];

function posterOf(more: { resolve?: Resolve; allowPrivate?: boolean } = {}): Poster {
  return createPoster({ clock, resolve: local, allowPrivate: true, version: "1.2.3", ...more });
}

const post = (url: string, poster = posterOf()) => poster.post({ url, body: BODY, headers: { "webhook-id": "evt_1" } });

/** A server below HTTP; answers its port. */
async function rawServer(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

test("sends the bytes as they are, to the address that was checked, under the name of the URL", async () => {
  const asked: string[] = [];
  const resolve: Resolve = (name) => {
    asked.push(name);
    return local(name);
  };
  const answered = await post(`http://hooks.example.com:${receiver.port}/in?a=b`, posterOf({ resolve }));
  expect(answered).toEqual({ kind: "answered", status: 204, answer: null, pauseMs: null });
  expect(asked).toEqual(["hooks.example.com"]);
  expect(receiver.got).toMatchObject([
    {
      path: "/in?a=b",
      body: BODY,
      headers: {
        host: `hooks.example.com:${receiver.port}`,
        "content-type": "application/json",
        "content-length": String(BODY.length),
        "user-agent": "Switchyard/1.2.3",
        "webhook-id": "evt_1",
      },
    },
  ]);
});

describe("private addresses", () => {
  const strict = (resolve: Resolve) => posterOf({ resolve, allowPrivate: false });

  test("are never connected to, also when the name's answer changed after it was registered", async () => {
    let connections = 0;
    const port = await rawServer(() => {
      connections += 1;
    });
    for (const url of [
      `https://127.0.0.1:${port}/`,
      `https://[::1]:${port}/`,
      `https://[::ffff:127.0.0.1]:${port}/`,
      `https://0x7f.1:${port}/`,
    ]) {
      expect(await post(url, strict(local))).toEqual({ kind: "failed", reason: "address_not_allowed" });
    }
    const answers = ["8.8.8.8", "127.0.0.1"];
    const rebinding: Resolve = async () => answers.map((address) => ({ address, family: 4 }));
    expect(await post(`https://rebind.example:${port}/`, strict(rebinding))).toEqual({ kind: "failed", reason: "address_not_allowed" });
    expect(connections).toBe(0);
  });

  test("where they are not allowed, neither is http", async () => {
    expect(await post(receiver.url, strict(local))).toEqual({ kind: "failed", reason: "not_https" });
  });
});

test("https shakes hands under the URL's name, and plain text is no answer to it", async () => {
  const hello = Promise.withResolvers<string>();
  const port = await rawServer((socket) =>
    socket.once("data", (bytes) => {
      hello.resolve(bytes.toString("latin1"));
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }),
  );
  expect(await post(`https://hooks.example.com:${port}/`)).toMatchObject({ kind: "failed" });
  expect(await hello.promise).toContain("hooks.example.com");
});

test("a redirect is an answer, and is not followed", async () => {
  receiver.answer = (_got, response) => void response.writeHead(307, { location: `http://127.0.0.1:${receiver.port}/other` }).end();
  expect(await post(receiver.url)).toMatchObject({ kind: "answered", status: 307 });
  expect(receiver.got).toHaveLength(1);
});

test("Retry-After is read as seconds or as a date, up to an hour", async () => {
  const paused = async (value: string) => {
    receiver.answer = (_got, response) => void response.writeHead(503, { "retry-after": value }).end();
    return ((await post(receiver.url)) as { pauseMs: number | null }).pauseMs;
  };
  expect(await paused("120")).toBe(120_000);
  expect(await paused(new Date(clock.now() + 60_000).toUTCString())).toBe(60_000);
  expect(await paused("99999999")).toBe(3_600_000);
  for (const nothing of ["soon", "-5", "0", new Date(0).toUTCString()]) expect(await paused(nothing)).toBeNull();
});

describe("what never ends is left after 15 s", () => {
  async function afterDeadline(what: Promise<unknown>, begun: Promise<unknown>): Promise<unknown> {
    await begun;
    let over = false;
    void what.then(() => (over = true));
    clock.pass(14_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    clock.pass(1);
    return what;
  }

  test("a name that does not resolve", async () => {
    const resolve: Resolve = () => new Promise(() => {});
    const posted = post("http://hooks.example.com/", posterOf({ resolve }));
    expect(await afterDeadline(posted, Promise.resolve())).toEqual({ kind: "failed", reason: "timeout" });
  });

  test("a server that accepts and says nothing", async () => {
    const asked = Promise.withResolvers<void>();
    const port = await rawServer((socket) => socket.on("data", () => asked.resolve()));
    expect(await afterDeadline(post(`http://127.0.0.1:${port}/`), asked.promise)).toEqual({ kind: "failed", reason: "timeout" });
  });

  test("headers that drip", async () => {
    const asked = Promise.withResolvers<void>();
    const port = await rawServer((socket) =>
      socket.on("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nx-a:");
        asked.resolve();
      }),
    );
    expect(await afterDeadline(post(`http://127.0.0.1:${port}/`), asked.promise)).toEqual({ kind: "failed", reason: "timeout" });
  });

  test("a body that drips: its status counts all the same", async () => {
    const dripping = Promise.withResolvers<void>();
    receiver.answer = (_got, response) => {
      response.writeHead(200);
      response.write("drip");
      // Until it was read: several turns of the event loop, however late the first one comes.
      void (async () => {
        for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setTimeout(resolve, 20));
      })().then(dripping.resolve);
    };
    const posted = await afterDeadline(post(receiver.url), dripping.promise);
    expect(posted).toEqual({ kind: "answered", status: 200, answer: "drip", pauseMs: null });
  });
});

test("of an endless body only the beginning is read and kept, in one line, without card numbers", async () => {
  receiver.answer = (_got, response) => {
    response.writeHead(500);
    response.write(`no\u0000\n4111 1111 1111 1111 ${"x".repeat(100)}`);
    const more = setInterval(() => response.write("y".repeat(65_536)), 1);
    response.on("close", () => clearInterval(more));
  };
  const { answer } = (await post(receiver.url)) as { answer: string };
  expect(answer).toMatch(/^no \[card number\] x+/);
  expect(answer.length).toBe(200);
});

describe("failures have a name", () => {
  test("a refused connection", async () => {
    const port = await rawServer(() => {});
    servers.pop()?.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await post(`http://127.0.0.1:${port}/`)).toEqual({ kind: "failed", reason: "ECONNREFUSED" });
  });

  test("a connection that is cut, or switched to something else", async () => {
    const cut = await rawServer((socket) => socket.on("data", () => socket.destroy()));
    expect(await post(`http://127.0.0.1:${cut}/`)).toEqual({ kind: "failed", reason: "ECONNRESET" });
    const switched = await rawServer((socket) =>
      socket.on("data", () => socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")),
    );
    expect(await post(`http://127.0.0.1:${switched}/`)).toMatchObject({ kind: "failed" });
  });

  test("an answer that is no HTTP", async () => {
    const port = await rawServer((socket) => socket.on("data", () => socket.end("220 smtp ready\r\n")));
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: "failed", reason: expect.stringMatching(/^HPE_/) });
  });
});
