import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { GatedHttpClient, WireError } from "../../../providers/stripe/http-client.ts";
import { always, attempt, commit, INTENT, intent, json, newCall, pause, provider, rawStripe } from "./raw-stripe.ts";

const NOT_SENT = { kind: "not_sent", cause: "refused", fault: true };

describe("the wire of the Stripe adapter", () => {
  test("a reset after the request was sent is unknown, and the SDK's silent resend never happens", async () => {
    const server = await rawStripe((_request, response) => response.socket?.resetAndDestroy());
    const outcome = await commit(provider(server.url));
    await pause(700); // stripe-node waits 500 ms before it sends again
    expect(outcome).toMatchObject({ kind: "unknown", cause: "connection_lost" });
    expect(server.seen).toHaveLength(1);
  });

  test("a keep-alive socket that dies under a commit is unknown: one request, never a second", async () => {
    const server = await rawStripe((_request, response, nth) => {
      if (nth === 0) json(response, 200, intent("requires_confirmation"));
      else response.socket?.destroy();
    });
    const stripe = provider(server.url);
    expect(await stripe.prepare(attempt(), newCall())).toEqual({ kind: "prepared", object: INTENT });
    expect(await commit(stripe)).toMatchObject({ kind: "unknown", cause: "connection_lost" });
    await pause(700);
    expect(server.seen).toHaveLength(2);
  });

  test("closing an answered call leaves its socket to the next one", async () => {
    const server = await always(200, intent("succeeded"));
    let connections = 0;
    server.server.on("connection", () => {
      connections += 1;
    });
    const stripe = provider(server.url);
    for (let n = 0; n < 5; n += 1) expect(await commit(stripe)).toMatchObject({ kind: "approved" });
    expect(connections).toBe(1);
  });

  test("a refused connection is proof, and no wire attempt", async () => {
    const call = newCall();
    const outcome = await provider("http://127.0.0.1:1").commit(attempt(), INTENT, call, { replay: false });
    expect(outcome).toMatchObject(NOT_SENT);
    expect(call.wireAttempts).toBe(0);
  });

  test("a name that does not resolve is proof", async () => {
    expect(await commit(provider("http://no-such-host.invalid:8080"), { timeoutMs: 20_000 })).toMatchObject(NOT_SENT);
  });

  test("refused on a replay is no proof", async () => {
    expect(await commit(provider("http://127.0.0.1:1"), { replay: true })).toMatchObject({ kind: "unknown", cause: "connection_lost" });
  });

  test("a 5xx whose JSON has no error is unknown, though the SDK calls it a success", async () => {
    const server = await always(502, { message: "bad gateway", id: INTENT, object: "payment_intent", status: "succeeded" });
    expect(await commit(provider(server.url))).toMatchObject({ kind: "unknown", cause: "server_error" });
  });

  test.each([201, 202, 302])("status %i is not an answer of Stripe's, whatever it says", async (status) => {
    const server = await always(status, intent("succeeded"));
    expect(await commit(provider(server.url))).toMatchObject({ kind: "unknown", cause: "unreadable" });
  });

  test.each(['"ok"', "7", "true", "null", "[]", "", "<html>", '{"id":'])("the body %j is unreadable and breaks nothing", async (body) => {
    const crashes: unknown[] = [];
    const crashed = (reason: unknown): void => void crashes.push(reason);
    process.on("unhandledRejection", crashed);
    const server = await rawStripe((_request, response) => response.writeHead(200).end(body));
    expect(await commit(provider(server.url))).toMatchObject({ kind: "unknown", cause: "unreadable" });
    await pause(20);
    process.off("unhandledRejection", crashed);
    expect(crashes).toEqual([]);
  });

  test("an answer that is cut off is unknown", async () => {
    const server = await rawStripe((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "5000" });
      response.write('{"id":');
      setTimeout(() => response.socket?.destroy(), 30);
    });
    expect(await commit(provider(server.url))).toMatchObject({ kind: "unknown", cause: "connection_lost" });
  });

  test("an endless answer is cut at its limit", async () => {
    const server = await rawStripe((_request, response) => {
      response.writeHead(200);
      const block = "x".repeat(1024 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(block));
      };
      response.on("drain", more);
      more();
    });
    expect(await commit(provider(server.url), { timeoutMs: 10_000 })).toMatchObject({ kind: "unknown", cause: "unreadable" });
  });

  test("an answer that drips past the deadline is unknown at the deadline", async () => {
    const server = await rawStripe((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    });
    expect(await commit(provider(server.url), { timeoutMs: 200 })).toMatchObject({ kind: "unknown", cause: "timeout" });
  });
});

describe("the SDK's transport", () => {
  const send = (http: GatedHttpClient, url: string) =>
    http.makeRequest("127.0.0.1", new URL(url).port, "/v1/payment_intents", "POST", { "content-length": 0 }, "");

  test("never shows the SDK an error code on which it would send again", async () => {
    const server = await rawStripe((_request, response) => response.socket?.resetAndDestroy());
    const http = new GatedHttpClient({ secure: false, maxSockets: 1 });
    const error = await http.within(newCall(), () => send(http, server.url)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WireError);
    expect(error).not.toHaveProperty("code");
    http.close();
  });

  test("lets one SDK call send one request, and nothing outside of a call", async () => {
    const server = await always(200, intent("succeeded"));
    const http = new GatedHttpClient({ secure: false, maxSockets: 1 });
    const twice = http.within(newCall(), async () => {
      await send(http, server.url);
      await send(http, server.url);
    });
    await expect(twice).rejects.toThrow("a second time");
    await expect(send(http, server.url)).rejects.toThrow("outside of any call");
    expect(server.seen).toHaveLength(1);
    http.close();
  });
});

describe("the gate", () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  /** A TCP server that never speaks, and counts what it was told. */
  async function silent(): Promise<{ port: number; bytes: () => number; ended: () => number }> {
    let bytes = 0;
    let ended = 0;
    const server = createServer((socket) => {
      socket.on("data", (data) => {
        bytes += data.length;
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        ended += 1;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => server.close());
    return { port: (server.address() as AddressInfo).port, bytes: () => bytes, ended: () => ended };
  }

  test("a deadline ends the socket and not another byte follows", async () => {
    const server = await silent();
    expect(await commit(provider(`http://127.0.0.1:${server.port}`), { timeoutMs: 150 })).toMatchObject({
      kind: "unknown",
      cause: "timeout",
    });
    await expect.poll(() => server.ended()).toBe(1);
    const bytes = server.bytes();
    expect(bytes).toBeGreaterThan(0);
    await pause(700);
    expect(server.bytes()).toBe(bytes);
  });

  test("a TLS handshake that never ends is proof: the request was never handed over", async () => {
    const server = await silent();
    const call = newCall(150);
    const outcome = await provider(`https://127.0.0.1:${server.port}`).commit(attempt(), INTENT, call, { replay: false });
    expect(outcome).toMatchObject(NOT_SENT);
    expect(call.wireAttempts).toBe(0);
    await expect.poll(() => server.ended()).toBe(1);
  });

  test("the same on a replay proves nothing", async () => {
    const server = await silent();
    const outcome = await commit(provider(`https://127.0.0.1:${server.port}`), { timeoutMs: 100, replay: true });
    expect(outcome).toMatchObject({ kind: "unknown" });
  });

  test("a TLS handshake that fails is proof", async () => {
    const server = await always(200, intent("succeeded"));
    expect(await commit(provider(server.url.replace("http:", "https:")))).toMatchObject(NOT_SENT);
    expect(server.seen).toHaveLength(0);
  });

  test("a request that waits for a socket past its deadline is never sent, also when a socket becomes free", async () => {
    let release = (): void => {};
    const server = await rawStripe((_request, response) => {
      release = () => json(response, 200, intent("succeeded"));
    });
    const stripe = provider(server.url, { maxSockets: 1 });
    const first = commit(stripe);
    await expect.poll(() => server.seen.length).toBe(1);
    const call = newCall(100);
    const queued = await stripe.commit(attempt({ attemptId: "at_2" }), INTENT, call, { replay: false });
    expect(queued).toMatchObject(NOT_SENT);
    release();
    expect(await first).toMatchObject({ kind: "approved" });
    await pause(100);
    expect(server.seen.map((request) => request.key)).toEqual(["at_1:commit"]);
    expect(call.wireAttempts).toBe(0);
  });

  test("who may no longer send does not, and that is no fault of Stripe's", async () => {
    const server = await always(200, intent("succeeded"));
    const outcome = await provider(server.url).commit(
      attempt(),
      INTENT,
      newCall(1_000, () => false),
      { replay: false },
    );
    expect(outcome).toMatchObject({ kind: "not_sent", cause: "gate_closed", fault: false });
    expect(server.seen).toHaveLength(0);
  });

  test("the lease is asked again when the socket is there, not only when the request is made", async () => {
    const server = await always(200, intent("succeeded"));
    let asked = 0;
    const call = newCall(1_000, () => ++asked === 1);
    expect(await provider(server.url).commit(attempt(), INTENT, call, { replay: false })).toMatchObject({ cause: "gate_closed" });
    expect(server.seen).toHaveLength(0);
  });

  test("a call that was closed before it began sends nothing", async () => {
    const server = await always(200, intent("succeeded"));
    const call = newCall();
    call.close();
    expect(await provider(server.url).commit(attempt(), INTENT, call, { replay: false })).toMatchObject({
      cause: "gate_closed",
      fault: false,
    });
    await pause(50);
    expect(server.seen).toHaveLength(0);
  });

  test("concurrent calls on one provider keep their own gates", async () => {
    const server = await rawStripe((request, response) => {
      if (request.key !== "at_0:commit") json(response, 200, intent("succeeded", { metadata: {} }));
    });
    const stripe = provider(server.url);
    const calls = Array.from({ length: 20 }, (_, n) => newCall(n === 0 ? 300 : 10_000));
    const outcomes = await Promise.all(
      calls.map((call, n) => stripe.commit(attempt({ attemptId: `at_${n}` }), INTENT, call, { replay: false })),
    );
    expect(outcomes[0]).toMatchObject({ kind: "unknown", cause: "timeout" });
    expect(new Set(outcomes.slice(1).map((outcome) => outcome.kind))).toEqual(new Set(["approved"]));
    expect(calls.map((call) => call.wireAttempts)).toEqual(Array(20).fill(1));
  });
});
