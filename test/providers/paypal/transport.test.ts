import { type AddressInfo, createServer, type Server } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { attempt, captured, newCall, ORDER, order, type Reply, type ScriptedPayPal, type Seen, scriptedPayPal } from "./scripted-paypal.ts";

let paypal: ScriptedPayPal;
let raw: Server | undefined;
afterEach(async () => {
  await paypal?.close();
  raw?.close();
  raw = undefined;
});

async function start(script: (request: Seen, index: number) => Reply): Promise<ScriptedPayPal> {
  paypal = await scriptedPayPal(script);
  return paypal;
}

/** A port that nobody listens on. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const paid: Reply = { status: 201, body: captured("COMPLETED") };

test("every request goes to the given address, OAuth included, also below a path", async () => {
  await start(() => paid);
  const provider = paypal.provider({ apiBase: `${paypal.url}/mirror/` });
  expect(await provider.commit(attempt, ORDER, newCall(), { replay: false })).toMatchObject({ kind: "approved" });
  expect(paypal.tokenRequests.map(({ path }) => path)).toEqual(["/mirror/v1/oauth2/token"]);
  expect(paypal.requests.map(({ path }) => path)).toEqual([`/mirror/v2/checkout/orders/${ORDER}/capture`]);
});

test("a refused connection is proof that nothing was sent", async () => {
  await start(() => paid);
  const provider = paypal.provider();
  await provider.commit(attempt, ORDER, newCall(), { replay: false });
  const dead = `http://127.0.0.1:${await deadPort()}`;
  await paypal.close();
  const call = newCall();
  expect(await provider.commit(attempt, ORDER, call, { replay: false })).toMatchObject({ kind: "not_sent", cause: "refused", fault: true });
  expect(call.wireAttempts).toBe(0);
  const other = paypal.provider({ apiBase: dead });
  expect(await other.commit(attempt, ORDER, newCall(), { replay: false })).toMatchObject({
    kind: "not_sent",
    cause: "token_unavailable",
    fault: true,
  });
});

test("a failed TLS handshake is proof that nothing was sent", async () => {
  await start(() => paid);
  raw = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.end("this is no TLS\r\n"));
  });
  await new Promise<void>((resolve) => raw?.listen(0, "127.0.0.1", resolve));
  const provider = paypal.provider({ apiBase: `https://127.0.0.1:${(raw.address() as AddressInfo).port}` });
  expect(await provider.prepare(attempt, newCall())).toMatchObject({ kind: "not_sent", cause: "token_unavailable" });
});

test.each<[string, Reply, string]>([
  ["a reset", "reset", "connection_lost"],
  ["a 500", { status: 500, body: { name: "INTERNAL_SERVER_ERROR", message: "", debug_id: "1" } }, "server_error"],
  ["a 503 in HTML", { status: 503, body: "<html>out of order</html>" }, "server_error"],
  ["a 200 in HTML", { status: 200, body: "<html>hello</html>" }, "unreadable"],
  ["an empty 201", { status: 201, body: "" }, "unreadable"],
  ["a JSON scalar", { status: 201, body: "42" }, "unreadable"],
  ["an answer against the schema", { status: 201, body: { id: 42, status: "COMPLETED", purchase_units: "none" } }, "unreadable"],
  ["a redirect", { status: 307, body: "", headers: { location: "/elsewhere" } }, "unreadable"],
  ["a 403 of a firewall", { status: 403, body: "<html>blocked</html>" }, "unreadable"],
])("%s leaves the commit in doubt, after one request", async (_name, reply, cause) => {
  await start(() => reply);
  const call = newCall();
  expect(await paypal.provider().commit(attempt, ORDER, call, { replay: false })).toMatchObject({ kind: "unknown", cause });
  await wait(50);
  expect(paypal.requests).toHaveLength(1);
  expect(call.wireAttempts).toBe(1);
});

test("an answer beyond all bounds leaves the commit in doubt", async () => {
  await start(() => ({ status: 201, body: JSON.stringify(captured("COMPLETED")) + " ".repeat(2_000_000) }));
  expect(await paypal.provider().commit(attempt, ORDER, newCall(), { replay: false })).toMatchObject({
    kind: "unknown",
    cause: "unreadable",
  });
});

test.each<Reply>(["hang", "drip"])(
  "a body that never ends (%s) is given up at the deadline, and its socket is destroyed",
  async (reply) => {
    await start((_, index) => (index === 0 ? reply : paid));
    const provider = paypal.provider({ maxSockets: 1 });
    expect(await provider.commit(attempt, ORDER, newCall(300), { replay: false })).toMatchObject({ kind: "unknown", cause: "timeout" });
    // The only socket is free again: else this one would wait for it past its own deadline.
    expect(await provider.commit(attempt, ORDER, newCall(), { replay: true })).toMatchObject({ kind: "approved" });
  },
);

/** A provider whose only socket waits for its first answer, until the test says so; the later ones come at once. */
async function busy() {
  const told = Promise.withResolvers<void>();
  await start((_, index) => (index === 0 ? ({ ...(paid as object), after: told.promise } as Reply) : paid));
  const provider = paypal.provider({ maxSockets: 1 });
  const first = provider.commit(attempt, ORDER, newCall(), { replay: false });
  await expect.poll(() => paypal.requests.length).toBe(1);
  return { first, provider, answer: () => told.resolve() };
}

test("a request that waits for a socket when its call is closed is never sent", async () => {
  const { first, provider, answer } = await busy();
  const call = newCall(100);
  expect(await provider.commit(attempt, "QUEUED", call, { replay: false })).toMatchObject({ kind: "not_sent", cause: "refused" });
  expect(call.wireAttempts).toBe(0);
  answer();
  expect(await first).toMatchObject({ kind: "approved" });
  await wait(200);
  expect(paypal.requests).toHaveLength(1);
  expect(await provider.commit(attempt, ORDER, newCall(), { replay: false })).toMatchObject({ kind: "approved" });
});

test("a call closed from outside, while its request waits, ends at once and sends nothing", async () => {
  const { first, provider, answer } = await busy();
  const call = newCall();
  const second = provider.commit(attempt, "QUEUED", call, { replay: false });
  await wait(50);
  call.close();
  expect(await second).toMatchObject({ kind: "not_sent", cause: "gate_closed", fault: false });
  answer();
  await first;
  await wait(100);
  expect(paypal.requests).toHaveLength(1);
});

test("a gate that shuts while the request waits for its socket is asked again before the first byte", async () => {
  const { first, provider, answer } = await busy();
  let leased = true;
  const second = provider.commit(
    attempt,
    "QUEUED",
    newCall(5_000, () => leased),
    { replay: false },
  );
  leased = false;
  answer();
  expect(await second).toMatchObject({ kind: "not_sent", cause: "gate_closed" });
  await first;
  expect(paypal.requests).toHaveLength(1);
});

test("the sockets are kept and used again", async () => {
  await start(({ method }) => ({ status: method === "GET" ? 200 : 201, body: order("CREATED") }));
  const provider = paypal.provider({ maxSockets: 1 });
  for (let i = 0; i < 5; i += 1) expect(await provider.prepare(attempt, newCall())).toEqual({ kind: "prepared", object: ORDER });
  expect(paypal.connections()).toBe(1);
});
