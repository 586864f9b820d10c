import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rotateSecret } from "../../../gateway/store/webhook-endpoints.ts";
import { secretText } from "../../../gateway/webhooks-out/signature.ts";
import { ACCOUNT, HooksWorld } from "./hooks-world.ts";
import { type Receiver, verifies } from "./receiver.ts";

let world: HooksWorld;
let receiver: Receiver;

beforeEach(async () => {
  world = await HooksWorld.open();
  receiver = await world.receiver();
});
afterEach(() => world.close());

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (_request: unknown, response: ServerResponse): void =>
    void response.writeHead(code, headers).end("no thanks");

const HOUR = 3_600_000;

test("an event reaches each endpoint that wants it, signed, as the trail has it", async () => {
  const { id, secret } = await world.endpoint(receiver.url, ["charge.*"]);
  const other = await world.receiver();
  await world.endpoint(other.url, ["refund.succeeded"]);
  await world.event("charge.failed", { charge: "ch_1", from: "processing", to: "failed", data: { failure: "insufficient_funds" } });
  await world.event("attempt.finished");
  await world.run();
  expect(other.got).toEqual([]);
  expect(receiver.got).toHaveLength(1);
  const [got] = receiver.got;
  expect(JSON.parse(got!.body)).toEqual({
    type: "charge.failed",
    timestamp: world.now.toISOString(),
    data: {
      id: "evt_3",
      seq: 3,
      livemode: false,
      charge: "ch_1",
      reference: null,
      metadata: {},
      status: "failed",
      amount: 4200,
      currency: "usd",
      provider: "stripe",
      failure_code: "insufficient_funds",
    },
  });
  expect(got!.headers).toMatchObject({
    "content-type": "application/json",
    "webhook-id": `evt_3_${id}`,
    "webhook-timestamp": String(world.now.getTime() / 1_000),
  });
  expect(verifies(got!, secret)).toBe(true);
  expect(verifies({ ...got!, body: got!.body.replace("4200", "1") }, secret)).toBe(false);
  expect(await world.rows()).toMatchObject([{ state: "delivered", tries: 1, next_try_at: null, last_status: 204 }]);
});

test("what was sealed before an endpoint was made is not sent to it", async () => {
  await world.event("charge.succeeded");
  await world.trail.sealAll();
  await world.endpoint(receiver.url);
  await world.event("charge.failed");
  await world.run();
  expect(receiver.types()).toEqual(["charge.failed"]);
});

describe("order", () => {
  test("the next event of a charge waits until the one before it is delivered; other charges do not", async () => {
    await world.endpoint(receiver.url);
    let broken = true;
    receiver.answer = (got, response) => void response.writeHead(broken && got.body.includes("ch_a") ? 500 : 200).end();
    for (const type of ["charge.authorized", "charge.captured", "charge.succeeded"]) {
      await world.event(type, { charge: "ch_a" });
      await world.event(type, { charge: "ch_b" });
    }
    await world.run();
    const of = (charge: string) => receiver.got.filter(({ body }) => body.includes(charge)).map(({ type }) => type);
    expect(of("ch_a")).toEqual(["charge.authorized"]);
    expect(of("ch_b")).toEqual(["charge.authorized", "charge.captured", "charge.succeeded"]);
    await world.event("refund.created", { charge: "ch_a" });
    await world.dispatch();
    broken = false;
    await world.pass(10_000, 1_000);
    expect(of("ch_a")).toEqual(["charge.authorized", "charge.authorized", "charge.captured", "charge.succeeded", "refund.created"]);
  });

  test("holds when events come while the one before is being sent", async () => {
    await world.endpoint(receiver.url);
    const held = Promise.withResolvers<void>();
    receiver.answer = async (_got, response) => {
      await held.promise;
      response.writeHead(200).end();
    };
    await world.event("charge.authorized");
    await world.dispatch();
    await world.courier.pass();
    await world.event("charge.captured");
    await world.dispatch();
    expect(await world.courier.pass()).toBe(0);
    held.resolve();
    await world.courier.idle();
    await world.send();
    expect(receiver.types()).toEqual(["charge.authorized", "charge.captured"]);
  });

  test("holds for many charges under failures by lot, with two senders at work", async () => {
    await world.endpoint(receiver.url);
    const second = world.another();
    let draw = 0;
    // By id: one whose result a database under load did not take is sent again.
    const delivered = new Map<string, { type: string; charge: string }>();
    receiver.answer = ({ type, event, body }, response) => {
      draw += 1;
      const fails = draw % 3 === 0;
      if (!fails && !delivered.has(event)) delivered.set(event, { type, charge: JSON.parse(body).data.charge });
      response.writeHead(fails ? 503 : 200).end();
    };
    const types = ["charge.deferred", "charge.in_doubt", "charge.authorized", "charge.succeeded", "refund.created"];
    for (const type of types) for (let i = 0; i < 20; i++) await world.event(type, { charge: `ch_${i}` });
    await world.dispatch();
    for (let i = 0; i < 400 && delivered.size < 100; i++) {
      await Promise.all([world.courier.pass(), second.pass()]);
      await Promise.all([world.courier.idle(), second.idle()]);
      world.clock.pass(20_000);
    }
    for (let i = 0; i < 20; i++) {
      const of = [...delivered.values()].filter(({ charge }) => charge === `ch_${i}`);
      expect(of.map(({ type }) => type)).toEqual(types);
    }
  });
});

describe("retries", () => {
  test("come with growing distance, the same id and body, and a fresh signed time", async () => {
    const { secret } = await world.endpoint(receiver.url);
    const tries: number[] = [];
    receiver.answer = (_got, response) => {
      tries.push(world.clock.monotonic());
      response.writeHead(tries.length < 6 ? 500 : 200).end();
    };
    await world.event("charge.succeeded");
    await world.run();
    // By the second until the third retry; then a look every ten seconds is enough, and spares the machine 3,000 of them.
    await world.pass(200_000, 1_000);
    await world.pass(HOUR - 200_000, 10_000);
    const gaps = tries.slice(1).map((at, i) => (at - (tries[i] as number)) / 1_000);
    [5, 20, 80, 320, 1_280].forEach((expected, i) => {
      expect(gaps[i]).toBeGreaterThanOrEqual(expected * 0.75);
      expect(gaps[i]).toBeLessThanOrEqual(expected * 1.25 + (i < 3 ? 1 : 10));
    });
    expect(new Set(receiver.got.map(({ body }) => body)).size).toBe(1);
    expect(new Set(receiver.got.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(new Set(receiver.got.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(6);
    expect(receiver.got.every((got) => verifies(got, secret))).toBe(true);
  });

  test("honour Retry-After, for the whole endpoint, up to an hour", async () => {
    await world.endpoint(receiver.url);
    receiver.answer = status(429, { "retry-after": "1800" });
    await world.event("charge.succeeded", { charge: "ch_a" });
    await world.run();
    await world.event("charge.succeeded", { charge: "ch_b" });
    await world.dispatch();
    receiver.answer = status(200);
    await world.pass(1_799_000, 7_000);
    expect(receiver.got).toHaveLength(1);
    await world.pass(1_000, 1_000);
    expect(receiver.got).toHaveLength(3);

    receiver.answer = status(503, { "retry-after": new Date(world.clock.now() + 24 * HOUR).toUTCString() });
    await world.event("charge.succeeded", { charge: "ch_c" });
    await world.run();
    receiver.answer = status(200);
    await world.pass(HOUR);
    expect(receiver.got).toHaveLength(5);
  });

  test("end after three days in a dead letter; the next event of the charge goes on, and a replay sends the dead one again", async () => {
    const { id, secret } = await world.endpoint(receiver.url);
    receiver.answer = (got, response) => void response.writeHead(got.type === "charge.authorized" ? 500 : 200).end("try later");
    await world.event("charge.authorized");
    await world.event("charge.captured");
    await world.run();
    await world.pass(72 * HOUR - 60_000, 600_000);
    expect(receiver.types().includes("charge.captured")).toBe(false);
    await world.pass(120_000);
    expect(receiver.types().at(-1)).toBe("charge.captured");
    expect(await world.rows()).toMatchObject([
      { state: "dead", last_status: 500, last_error: "status", last_answer: "try later" },
      { state: "delivered" },
    ]);
    const tries = receiver.types().filter((type) => type === "charge.authorized").length;
    expect(tries).toBeGreaterThan(25);
    const [letter] = await world.letters();
    expect(letter).toMatchObject({
      state: "open",
      reason: "webhook charge.authorized: status 500",
      data: { delivery: `evt_2_${id}`, endpoint: id, event: "evt_2", subject: "ch_1", tries, status: 500 },
    });
    expect(await world.events("dead_letter.opened")).toMatchObject([{ data: { kind: "webhook", id: letter!.id } }]);

    receiver.answer = status(200);
    await world.replay(letter!.id);
    await world.event("charge.succeeded");
    await world.run();
    expect(receiver.types().slice(-2)).toEqual(["charge.authorized", "charge.succeeded"]);
    expect(receiver.got.at(-2)!.headers["webhook-id"]).toBe(`evt_2_${id}`);
    expect(verifies(receiver.got.at(-2)!, secret)).toBe(true);
    expect(await world.letters()).toMatchObject([{ state: "replayed" }]);
  });

  test("a replayed one comes before what is pending of its charge, and may die again", async () => {
    await world.endpoint(receiver.url);
    receiver.answer = status(500);
    await world.event("charge.authorized");
    await world.run();
    await world.pass(73 * HOUR, HOUR);
    const [letter] = await world.letters();
    await world.event("charge.captured");
    await world.run();
    await world.replay(letter!.id);
    receiver.got.length = 0;
    receiver.answer = (got, response) => void response.writeHead(got.type === "charge.authorized" ? 500 : 200).end();
    await world.pass(HOUR);
    expect(new Set(receiver.types())).toEqual(new Set(["charge.authorized"]));
    await world.pass(73 * HOUR, HOUR);
    expect(receiver.types().at(-1)).toBe("charge.captured");
    expect((await world.letters()).map(({ state }) => state)).toEqual(["replayed", "open"]);
  });
});

test("after a rotation both secrets sign until the overlap is over", async () => {
  const { id, secret: first } = await world.endpoint(receiver.url);
  const next = Buffer.alloc(32, 9);
  const by = { accountId: ACCOUNT, actor: "key:test", now: world.now };
  await rotateSecret(world.db, by, id, { secret: next, previousUntil: new Date(world.clock.now() + HOUR) });
  const second = secretText(next);
  await world.event("charge.succeeded");
  await world.run();
  expect(receiver.got[0]!.headers["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44}$/);
  expect([first, second].map((secret) => verifies(receiver.got[0]!, secret))).toEqual([true, true]);
  await world.pass(HOUR);
  await world.event("charge.succeeded");
  await world.run();
  expect([first, second].map((secret) => verifies(receiver.got[1]!, secret))).toEqual([false, true]);
  const [told] = await world.events("webhook_endpoint.secret_rotated");
  expect(JSON.stringify(told)).not.toContain(second.slice(8));
});

test("410 disables the endpoint: nothing is sent until somebody enables it, and nothing is lost", async () => {
  const { id } = await world.endpoint(receiver.url);
  receiver.answer = status(410);
  await world.event("charge.authorized", { charge: "ch_a" });
  await world.run();
  await world.event("charge.authorized", { charge: "ch_b" });
  await world.run();
  await world.pass(HOUR);
  expect(receiver.got).toHaveLength(1);
  expect(await world.events("webhook_endpoint.disabled")).toMatchObject([
    { actor: "system:webhooks", data: { endpoint: id, reason: "gone", host: `127.0.0.1:${receiver.port}` } },
  ]);
  expect(await world.rows()).toMatchObject([{ state: "pending", last_status: 410 }]);
  world.clock.pass(74 * HOUR);
  await world.courier.bury();
  expect(await world.letters()).toMatchObject([{ state: "open", data: { status: 410 } }]);
});

describe("several instances", () => {
  test("deliver each event once", async () => {
    await world.endpoint(receiver.url);
    const second = world.another();
    for (let i = 0; i < 60; i++) await world.event("charge.succeeded", { charge: `ch_${i}` });
    await world.trail.sealAll();
    await Promise.all([world.dispatch(), world.dispatch()]);
    while ((await Promise.all([world.courier.pass(), second.pass()])).some((begun) => begun > 0))
      await Promise.all([world.courier.idle(), second.idle()]);
    expect(receiver.got).toHaveLength(60);
    expect(new Set(receiver.got.map(({ event }) => event)).size).toBe(60);
  });

  test("one that dies between send and record: another sends it again, with the same id, once the claim is over", async () => {
    await world.endpoint(receiver.url);
    const dying = world.another({
      db: { ...world.db, transaction: () => Promise.reject(new Error("killed")) },
    });
    await world.event("charge.authorized");
    await world.event("charge.captured");
    await world.dispatch();
    await world.send(dying);
    expect(receiver.types()).toEqual(["charge.authorized"]);
    await world.pass(29_000, 1_000);
    expect(receiver.got).toHaveLength(1);
    await world.pass(2_000, 1_000);
    expect(receiver.types()).toEqual(["charge.authorized", "charge.authorized", "charge.captured"]);
    expect(receiver.got[1]!.headers["webhook-id"]).toBe(receiver.got[0]!.headers["webhook-id"]);
    expect(receiver.got[1]!.body).toBe(receiver.got[0]!.body);
  });

  test("one that was taken for dead changes nothing when it comes back", async () => {
    await world.endpoint(receiver.url);
    receiver.answer = status(500);
    await world.event("charge.succeeded");
    await world.dispatch();
    const held = Promise.withResolvers<void>();
    const answered = { kind: "answered" as const, status: 200, answer: null, pauseMs: null };
    const zombie = world.another({ poster: { post: () => held.promise.then(() => answered) } });
    await zombie.pass();
    await world.pass(31_000, 31_000);
    held.resolve();
    await zombie.idle();
    expect(await world.rows()).toMatchObject([{ state: "pending", tries: 2, last_status: 500 }]);
  });
});

test("a slow endpoint does not hold up the others, nor does it get more than its share", async () => {
  await world.endpoint(receiver.url);
  const quick = await world.receiver();
  await world.endpoint(quick.url);
  const held = Promise.withResolvers<void>();
  receiver.answer = async (_got, response) => {
    await held.promise;
    response.writeHead(200).end();
  };
  for (let i = 0; i < 40; i++) await world.event("charge.succeeded", { charge: `ch_${i}` });
  await world.dispatch();
  while (quick.got.length < 40) {
    await world.courier.pass();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(receiver.got).toHaveLength(6);
  held.resolve();
  await world.courier.idle();
  await world.send();
  expect(receiver.got).toHaveLength(40);
});

test("a failing endpoint gets one request at a time, and all of them once it answers", async () => {
  await world.endpoint(receiver.url);
  let most = 0;
  let open = 0;
  receiver.answer = async (_got, response) => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 5));
    open -= 1;
    response.writeHead(500).end();
  };
  await world.event("charge.succeeded", { charge: "ch_first" });
  await world.run();
  for (let i = 0; i < 12; i++) await world.event("charge.succeeded", { charge: `ch_${i}` });
  await world.run();
  expect({ most, tried: receiver.got.length }).toEqual({ most: 1, tried: 13 });
  receiver.answer = status(200);
  await world.pass(60_000, 1_000);
  expect((await world.rows()).every(({ state }) => state === "delivered")).toBe(true);
});
