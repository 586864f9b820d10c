import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ProviderStatus } from "../../gateway/health/provider-status.ts";
import { createStatusBoard } from "../../gateway/status-board.ts";
import { type Database, openDatabase } from "../../gateway/store/database.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { ManualClock } from "../support/manual-clock.ts";

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, maxConnections: 2, onIdleError: () => {}, connectTimeoutMs: 60_000 });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});
beforeEach(() => remember({}));

type Health = ProviderStatus["health"];

/** What the fleet remembers of its page. */
async function remember(page: object): Promise<void> {
  await db.query({
    name: "remember",
    text: "update notifications set state = jsonb_build_object('page', $1::jsonb)",
    values: [JSON.stringify(page)],
  });
}

function board() {
  const clock = new ManualClock();
  const world = { health: ["up", "up"] as Health[], queries: 0, broken: false };
  const ask = createStatusBoard({
    db: {
      query: (statement) => {
        world.queries += 1;
        return world.broken ? Promise.reject(new Error("no database connection")) : db.query(statement);
      },
    },
    fleet: { status: () => world.health.map((health) => ({ health }) as ProviderStatus) },
    clock,
  });
  return { world, clock, ask };
}

test("it is operational while all processors work, degraded while some do, and an outage when none does", async () => {
  const { world, ask } = board();
  expect(await ask()).toMatchObject({ status: "operational", charges: "processed" });
  world.health = ["unavailable", "up"];
  expect(await ask()).toMatchObject({ status: "degraded", charges: "processed" });
  world.health = ["unavailable", "unavailable"];
  expect(await ask()).toMatchObject({ status: "outage", charges: "kept" });
  // The test of one does not end it: its success does.
  world.health = ["testing", "unavailable"];
  expect(await ask()).toMatchObject({ status: "outage", charges: "kept" });
  world.health = ["up", "testing"];
  expect(await ask()).toMatchObject({ status: "degraded", charges: "processed" });
});

test("since when is what the whole fleet remembers, also on an instance that has just started", async () => {
  const long = Date.UTC(2025, 11, 31, 23);
  await remember({ new_payments: { level: "outage", since: long }, refunds: { level: "degraded", since: long } });
  const { world, clock, ask } = board();
  world.health = ["unavailable"];
  const { since, capabilities } = await ask();
  expect(since).toEqual(new Date(long));
  expect(capabilities).toEqual([
    { id: "new_payments", status: "outage", since: new Date(long) },
    // The fleet does not say so yet: then since this instance knows.
    { id: "saved_payments", status: "outage", since: new Date(clock.now()) },
    { id: "refunds", status: "outage", since: new Date(clock.now()) },
  ]);
});

test("saved payments that wait for long are told as degraded, whatever else works", async () => {
  const long = Date.UTC(2025, 11, 31, 23);
  await remember({ saved_payments: { level: "degraded", since: long } });
  const { status, charges, capabilities } = await board().ask();
  expect([status, charges]).toEqual(["degraded", "processed"]);
  expect(capabilities.map((one) => one.status)).toEqual(["operational", "degraded", "operational"]);
  expect(capabilities[1]!.since).toEqual(new Date(long));
});

test("a thousand strangers ask the database once in five seconds", async () => {
  const { world, clock, ask } = board();
  await Promise.all(Array.from({ length: 500 }, ask));
  for (let i = 0; i < 500; i++) await ask();
  expect(world.queries).toBe(1);
  clock.pass(5_000);
  await Promise.all(Array.from({ length: 500 }, ask));
  expect(world.queries).toBe(2);
});

test("without the database nothing can be accepted, and the page still says so; when it is back, it says that", async () => {
  const known = { level: "operational", since: Date.UTC(2025, 11, 31, 23) };
  await remember({ new_payments: known, saved_payments: known, refunds: known });
  const { world, clock, ask } = board();
  expect((await ask()).since).toEqual(new Date(known.since));
  world.broken = true;
  clock.pass(5_000);
  expect(await ask()).toMatchObject({ status: "outage", charges: "not_accepted", since: new Date(clock.now()) });
  world.broken = false;
  clock.pass(5_000);
  const back = new Date(clock.now());
  expect(await ask()).toMatchObject({ status: "operational", charges: "processed", since: back });
  clock.pass(5_000);
  // The fleet could write nothing of it: to its memory everything worked all the time.
  expect((await ask()).since).toEqual(back);
});

test("nobody waits for a database that does not answer: what was known is told", async () => {
  const clock = new ManualClock();
  const never = new Promise<never>(() => {});
  const ask = createStatusBoard({ db: { query: () => never }, fleet: { status: () => [{ health: "up" } as ProviderStatus] }, clock });
  const asked = ask();
  clock.pass(1_000);
  expect(await asked).toMatchObject({ status: "operational" });
});
