import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type Clock, systemClock } from "../../../providers/contract/clock.ts";
import { attempt, captured, goodToken, newCall, ORDER, type Reply, type ScriptedPayPal, scriptedPayPal, TOKEN } from "./scripted-paypal.ts";

let paypal: ScriptedPayPal;
afterEach(() => paypal.close());

const paid: Reply = { status: 201, body: captured("COMPLETED") };
const badClient: Reply = { status: 401, body: { error: "invalid_client", error_description: "Client Authentication failed" } };
const first = { replay: false };

async function start(token: (index: number) => Reply, script: (index: number) => Reply = () => paid): Promise<ScriptedPayPal> {
  paypal = await scriptedPayPal((_, index) => script(index), token);
  return paypal;
}

/** A wall and a monotonic clock that the test moves. */
function movable(): Clock & { wall: number; mono: number } {
  const clock = { ...systemClock, wall: 1e12, mono: 0, now: () => clock.wall, monotonic: () => clock.mono };
  return clock;
}

test("one token serves many charges, fetched once even when they come together", async () => {
  await start(() => ({ ...(goodToken as object), delayMs: 50 }) as Reply);
  const provider = paypal.provider();
  await Promise.all(Array.from({ length: 10 }, () => provider.commit(attempt, ORDER, newCall(), first)));
  await provider.commit(attempt, ORDER, newCall(), first);
  expect(paypal.tokenRequests).toHaveLength(1);
  expect(paypal.requests).toHaveLength(11);
  expect(paypal.requests.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
  const basic = Buffer.from("client-id-of-the-test:client-secret-of-the-test").toString("base64");
  expect(paypal.tokenRequests[0]).toMatchObject({ body: "grant_type=client_credentials", headers: { authorization: `Basic ${basic}` } });
});

test.each<[string, Reply]>([
  ["refused credentials", badClient],
  ["a 500", { status: 500, body: "{}" }],
  ["HTML", { status: 200, body: "<html>" }],
  ["an empty token", { status: 200, body: { access_token: "", token_type: "Bearer" } }],
  ["a reset", "reset"],
  ["429", { status: 429, body: { name: "RATE_LIMIT_REACHED" } }],
])("a failed token fetch (%s) is proof that the charge was not sent, and is not remembered", async (_name, reply) => {
  await start((index) => (index === 0 ? reply : goodToken));
  const provider = paypal.provider();
  const call = newCall();
  expect(await provider.commit(attempt, ORDER, call, first)).toMatchObject({ kind: "not_sent", cause: "token_unavailable", fault: true });
  expect(call.wireAttempts).toBe(0);
  expect(paypal.requests).toHaveLength(0);
  expect(await provider.commit(attempt, ORDER, newCall(), first)).toMatchObject({ kind: "approved" });
});

test("after a replay's failed token fetch the charge stays in doubt", async () => {
  await start(() => badClient);
  expect(await paypal.provider().commit(attempt, ORDER, newCall(), { replay: true })).toMatchObject({ kind: "unknown" });
});

test("a charge whose time runs out while it waits for a token is never sent, though the token comes", async () => {
  const asked = Promise.withResolvers<void>();
  await start(() => ({ ...(goodToken as object), after: asked.promise }) as Reply);
  const provider = paypal.provider();
  const hasty = newCall(100);
  const early = provider.commit(attempt, ORDER, hasty, first);
  const patient = provider.commit(attempt, "PATIENT", newCall(), first);
  expect(await early).toMatchObject({ kind: "not_sent", cause: "token_unavailable" });
  asked.resolve();
  // The other charge shares the fetch, and its token did come.
  await patient;
  await wait(50);
  expect(paypal.requests.map(({ path }) => path)).toEqual(["/v2/checkout/orders/PATIENT/capture"]);
  expect(hasty.wireAttempts).toBe(0);
  expect(paypal.tokenRequests).toHaveLength(1);
});

test("a charge that loses its lease while it waits for a token is never sent", async () => {
  await start(() => ({ ...(goodToken as object), delayMs: 100 }) as Reply);
  let leased = true;
  const outcome = paypal.provider().commit(
    attempt,
    ORDER,
    newCall(5_000, () => leased),
    first,
  );
  await wait(50);
  leased = false;
  expect(await outcome).toMatchObject({ kind: "not_sent", cause: "gate_closed", fault: false });
  expect(paypal.requests).toHaveLength(0);
});

test("a fetch that nobody waits for any more ends, and the next charge starts its own", async () => {
  await start((index) => (index === 0 ? "hang" : goodToken));
  const provider = paypal.provider();
  expect(await provider.commit(attempt, ORDER, newCall(100), first)).toMatchObject({ kind: "not_sent", cause: "token_unavailable" });
  await expect.poll(() => paypal.openConnections()).toBe(0);
  expect(await provider.commit(attempt, ORDER, newCall(), first)).toMatchObject({ kind: "approved" });
  expect(paypal.tokenRequests).toHaveLength(2);
});

test("a closed call does not even ask for a token", async () => {
  await start(() => goodToken);
  const call = newCall();
  call.close();
  expect(await paypal.provider().commit(attempt, ORDER, call, first)).toMatchObject({ kind: "not_sent", cause: "gate_closed" });
  expect(paypal.tokenRequests).toHaveLength(0);
});

test("a 401 drops the token: not executed, and the next charge has a new one", async () => {
  await start(
    (index) => ({ status: 200, body: { access_token: `token-${index}`, token_type: "Bearer", expires_in: 32_400 } }),
    (index) =>
      index === 0 ? { status: 401, body: { error: "invalid_token", error_description: "Token signature verification failed" } } : paid,
  );
  const provider = paypal.provider();
  expect(await provider.commit(attempt, ORDER, newCall(), first)).toMatchObject({ kind: "not_sent", cause: "unauthorized", fault: true });
  expect(await provider.commit(attempt, ORDER, newCall(), first)).toMatchObject({ kind: "approved" });
  expect(paypal.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer token-0", "Bearer token-1"]);
});

test("a dropped token is not handed out again while a charge that fetched it still runs", async () => {
  const others = Promise.withResolvers<void>();
  const slow = { ...(paid as object), after: others.promise } as Reply;
  const unauthorized: Reply = { status: 401, body: { error: "invalid_token" } };
  await start(
    (index) => ({ status: 200, body: { access_token: `token-${index}`, token_type: "Bearer", expires_in: 32_400 } }),
    (index) => [slow, unauthorized, paid][index] as Reply,
  );
  const provider = paypal.provider();
  const running = provider.commit(attempt, ORDER, newCall(), first);
  await expect.poll(() => paypal.requests.length).toBe(1);
  await provider.commit(attempt, ORDER, newCall(), first);
  await provider.commit(attempt, ORDER, newCall(), first);
  others.resolve();
  await running;
  expect(paypal.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer token-0", "Bearer token-0", "Bearer token-1"]);
});

test.each(["wall", "mono"] as const)("a token is renewed before it expires (%s clock)", async (which) => {
  await start(() => ({ status: 200, body: { access_token: TOKEN, token_type: "Bearer", expires_in: 1_000 } }));
  const clock = movable();
  const provider = paypal.provider({ clock });
  await provider.commit(attempt, ORDER, newCall(), first);
  clock[which] += 699_000;
  await provider.commit(attempt, ORDER, newCall(), first);
  expect(paypal.tokenRequests).toHaveLength(1);
  clock[which] += 2_000;
  await provider.commit(attempt, ORDER, newCall(), first);
  expect(paypal.tokenRequests).toHaveLength(2);
});

test("a token without a stated life is used, and renewed after minutes", async () => {
  await start(() => ({ status: 200, body: { access_token: TOKEN, token_type: "Bearer" } }));
  const clock = movable();
  const provider = paypal.provider({ clock });
  await provider.commit(attempt, ORDER, newCall(), first);
  clock.wall += 301_000;
  expect(await provider.commit(attempt, ORDER, newCall(), first)).toMatchObject({ kind: "approved" });
  expect(paypal.tokenRequests).toHaveLength(2);
});

test("identify asks anew, hides the client id, and is live at PayPal's own address only", async () => {
  await start((index) => (index < 3 ? goodToken : badClient));
  const provider = paypal.provider();
  await provider.commit(attempt, ORDER, newCall(), first);
  const identity = await provider.identify(newCall());
  expect(identity).toEqual({ kind: "identity", account: expect.stringMatching(/^client_[0-9a-f]{16}:APP-1$/), livemode: false });
  expect(paypal.tokenRequests).toHaveLength(2);
  expect(await paypal.provider().identify(newCall())).toEqual(identity);
  expect(await provider.identify(newCall())).toMatchObject({ kind: "unknown" });
});
