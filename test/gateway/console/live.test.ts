import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { run } from "../../support/database.ts";
import { type ConsoleGateway, openStream, type Stream, signIn, startConsoleGateway, type Visitor } from "./console-gateway.ts";

/** For `vi.waitFor`, which waits for a second only. */
const PATIENT = { timeout: 60_000, interval: 20 };

let world: ConsoleGateway;
let ops: Visitor;
beforeAll(async () => {
  world = await startConsoleGateway();
  ops = await signIn(world.url, "ops");
});
afterAll(() => world.close());

async function listen(cookie = ops.cookie): Promise<Stream> {
  const stream = await openStream(world.url, cookie);
  onTestFinished(() => stream.close());
  return stream;
}

async function charge(): Promise<number> {
  const answer = await fetch(`${world.url}/v1/charges`, {
    method: "POST",
    headers: { Authorization: "Bearer sy_test_billing", "Idempotency-Key": crypto.randomUUID(), "Content-Type": "application/json" },
    body: JSON.stringify({ amount: 4200, currency: "usd", payment_method: { stripe: { payment_method: "pm_card_visa" } } }),
  });
  return answer.status;
}

describe("the stream of changes", () => {
  it("says hello, then what has changed, numbered", async () => {
    const stream = await listen();
    await vi.waitFor(() => expect(stream.events[0]).toMatchObject({ event: "hello", data: {} }), PATIENT);
    expect(await charge()).toBe(201);
    await stream.next("charges");
    const told = stream.events.find(({ data }) => data.topics?.includes("charges"));
    expect(told).toMatchObject({ event: "changed", data: { topics: ["providers", "charges", "stats", "audit"], seq: expect.any(Number) } });
  });

  it("tells of an operator's decision, made here or by another instance, once it is in force here", async () => {
    const stream = await listen();
    await ops.ask("PUT", "/v1/providers/paypal/override", { mode: "drain", reason: "a look at the console" });
    await stream.next("providers");
    const insert = `insert into provider_overrides (provider, mode, reason, actor, created_at) values ('stripe', 'drain', 'elsewhere', 'key:x', now())`;
    await run(world.databaseUrl, insert);
    const forced = async () => (await ops.ask("GET", "/v1/providers")).body.data[0].override?.reason;
    do await stream.next("providers");
    while ((await forced()) !== "elsewhere");
    for (const id of ["stripe", "paypal"]) await ops.ask("DELETE", `/v1/providers/${id}/override`);
    do await stream.next("providers");
    while ((await forced()) !== undefined);
  });

  it("tells of charges at most once a second, however many there are", async () => {
    const stream = await listen();
    const begun = performance.now();
    for (let n = 0; n < 12; n++) await charge();
    await stream.next("charges");
    await charge();
    await stream.next("charges");
    // Counted, because a busy machine may read two at once; one more than that, should a provider's own change have taken some along.
    const told = stream.events.filter(({ data }) => data.topics?.includes("charges"));
    expect(told.length).toBeLessThanOrEqual(2 + (performance.now() - begun) / 1_000);
  });

  it("is for those who are signed in, and ends with the session", async () => {
    expect((await listen("switchyard_session=none")).status).toBe(401);
    const finance = await signIn(world.url, "finance");
    const stream = await listen(finance.cookie);
    expect(stream.status).toBe(200);
    expect((await finance.ask("DELETE", "/console/session")).status).toBe(204);
    await stream.ended;
  });

  it("has room for ten of one session", async () => {
    const finance = await signIn(world.url, "finance");
    const ten = await Promise.all(Array.from({ length: 10 }, () => listen(finance.cookie)));
    expect(ten.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect((await listen(finance.cookie)).status).toBe(429);
    ten[0]?.close();
    await vi.waitFor(async () => expect((await listen(finance.cookie)).status).toBe(200), PATIENT);
  });

  it("has no more room for those that come at once, while the session is still looked up", async () => {
    const finance = await signIn(world.url, "finance");
    // Nobody is found before the lock goes, and then all of them at the same moment.
    const locker = new pg.Client({ connectionString: world.databaseUrl });
    await locker.connect();
    await locker.query("begin; lock table console_sessions");
    const asked = Promise.all(Array.from({ length: 30 }, () => listen(finance.cookie)));
    const someoneWaits = "select 1 / count(*) from pg_locks where relation = 'console_sessions'::regclass and not granted";
    await vi.waitFor(() => run(world.databaseUrl, someoneWaits), PATIENT);
    await new Promise((resolve) => setTimeout(resolve, 500)); // the others come too
    await locker.query("commit");
    await locker.end();
    const many = await asked;
    let ended = 0;
    for (const stream of many) void stream.ended.then(() => (ended += 1));
    await vi.waitFor(() => expect(ended).toBe(20), PATIENT);
    expect(many.filter(({ events }) => events[0]?.event === "hello")).toHaveLength(10);
  });
});

describe("the sandbox", () => {
  it("is for operators: what its processors do, and all that they can be told to do, in words", async () => {
    const { body } = await ops.ask("GET", "/console/sandbox");
    expect(body).toMatchObject({
      processors: [
        { provider: "stripe", fault: null },
        { provider: "paypal", fault: null },
      ],
      traffic: { per_second: 0, running: false, until: null },
    });
    for (const fault of body.faults)
      expect(fault).toEqual({ kind: expect.any(String), title: expect.any(String), words: expect.stringMatching(/\.$|\?/) });
    // The plainest one first.
    expect(body.faults[0].title).toBe("Down");
    expect((await (await signIn(world.url, "finance")).ask("GET", "/console/sandbox")).status).toBe(403);
    expect((await ops.ask("GET", "/console/session")).body.sandbox).toBe(true);
  });

  it("takes each fault that it offers, one at a time, and is well again", async () => {
    const { faults } = (await ops.ask("GET", "/console/sandbox")).body;
    for (const fault of faults) {
      const { status, body } = await ops.ask("PUT", "/console/sandbox/processors/paypal", { fault: fault.kind });
      expect({ status, fault: body.processors[1].fault }).toEqual({ status: 200, fault });
      expect(world.sandbox.faults("paypal")).toHaveLength(1);
    }
    await ops.ask("PUT", "/console/sandbox/processors/paypal", { fault: null });
    expect(world.sandbox.faults("paypal")).toEqual([]);
    expect((await ops.ask("PUT", "/console/sandbox/processors/paypal", { fault: "flood" })).status).toBe(422);
    expect((await ops.ask("PUT", "/console/sandbox/processors/adyen", { fault: null })).status).toBe(404);
  });

  it("makes charges with the processors' test methods, which survive a processor that goes down", async () => {
    await ops.ask("PUT", "/console/sandbox/processors/stripe", { fault: "down" });
    const { body } = await ops.ask("PUT", "/console/sandbox/traffic", { per_second: 20 });
    expect(body.traffic).toMatchObject({ per_second: 20, running: true, until: expect.any(String) });
    await vi.waitFor(
      async () => expect((await ops.ask("GET", "/console/sandbox")).body.traffic.by_status.succeeded ?? 0).toBeGreaterThan(10),
      PATIENT,
    );
    const stopped = (await ops.ask("PUT", "/console/sandbox/traffic", { per_second: 0 })).body.traffic;
    expect(stopped).toMatchObject({ per_second: 0, running: false, until: null });
    await ops.ask("PUT", "/console/sandbox/processors/stripe", { fault: null });
    const charges = (await ops.ask("GET", "/v1/charges?status=succeeded&limit=5")).body.data;
    expect(new Set(charges.map(({ provider }: { provider: string }) => provider))).toEqual(new Set(["paypal"]));
    expect(stopped.by_status.refused).toBeUndefined();
    for (const per_second of [-1, 21, 1.5]) expect((await ops.ask("PUT", "/console/sandbox/traffic", { per_second })).status).toBe(422);
  });
});

it("a gateway that stops ends its streams, and does not wait for them", async () => {
  const stream = await listen();
  await world.gateway.stop();
  await stream.ended;
});
