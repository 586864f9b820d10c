import type pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Database } from "../../../../gateway/store/database.ts";
import {
  buryExpired,
  type ClaimedDelivery,
  claimDeliveries,
  closeDelivery,
  insertDeliveries,
  type NewDelivery,
} from "../../../../gateway/store/webhook-deliveries.ts";
import { within } from "../../trail/trail-fixture.ts";
import { HooksWorld } from "../../webhooks-out/hooks-world.ts";

let world: HooksWorld;
let other: pg.Client;
let endpoint: string;

beforeEach(async () => {
  world = await HooksWorld.open();
  other = await world.trail.connect();
  endpoint = (await world.endpoint("https://hooks.example.com/")).id;
});
afterEach(() => world.close());

const DELIVERED = { status: 200, error: null, answer: null };

function delivery(id: string, subject = "ch_1"): NewDelivery {
  return { id, endpoint_id: endpoint, event_id: id, type: "charge.succeeded", subject, body: "{}" };
}

function insert(query: Database["query"], ...ids: string[]): Promise<void> {
  const expiresAt = new Date(world.clock.now() + 1_000_000);
  return insertDeliveries(
    query,
    ids.map((id) => delivery(id)),
    { now: world.now, expiresAt },
  );
}

const insertAlone = (...ids: string[]) => world.db.transaction((query) => insert(query, ...ids));

function claim(): Promise<ClaimedDelivery[]> {
  const leaseUntil = new Date(world.clock.now() + 30_000);
  return claimDeliveries(world.db, { now: world.now, leaseUntil, limit: 100, perEndpoint: 100, perFailing: 1, inFlight: {} });
}

const close = (held: ClaimedDelivery) => closeDelivery(world.db, held, DELIVERED, { now: world.now, letterId: null });

/** Whether some session waits for another one's lock. */
async function someoneWaits(): Promise<void> {
  for (;;) {
    const { rows } = await world.client.query(
      "select from pg_locks l join pg_database d on d.oid = l.database where not granted and d.datname = current_database() union all select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("who closes a delivery while the next one is being inserted waits, and wakes it", async () => {
  await insertAlone("a");
  const [held] = await claim();
  await other.query("begin");
  await insert(within(other).query, "b");
  const closing = close(held!);
  await someoneWaits();
  await other.query("commit");
  await closing;
  expect((await claim()).map(({ id }) => id)).toEqual(["b"]);
});

test("who inserts while the one before is being closed waits, and finds it closed", async () => {
  await insertAlone("a");
  const [held] = await claim();
  await other.query("begin");
  await closeDelivery(within(other), held!, DELIVERED, { now: world.now, letterId: null });
  const inserting = insertAlone("b");
  await someoneWaits();
  await other.query("commit");
  await inserting;
  expect((await claim()).map(({ id }) => id)).toEqual(["b"]);
});

test("a close that is rolled back leaves the next one waiting", async () => {
  await insertAlone("a", "b");
  const [held] = await claim();
  await other.query("begin");
  await closeDelivery(within(other), held!, DELIVERED, { now: world.now, letterId: null });
  const inserting = insertAlone("c");
  await someoneWaits();
  await other.query("rollback");
  await inserting;
  expect(await claim()).toEqual([]);
  await close(held!);
  const [b, ...more] = await claim();
  expect([b!.id, more]).toEqual(["b", []]);
  await close(b!);
  expect((await claim()).map(({ id }) => id)).toEqual(["c"]);
});

test("whoever gives up many at once wakes the first that is left of each", async () => {
  await insertAlone("a", "b");
  world.clock.pass(500_000);
  await insertAlone("c", "d");
  world.clock.pass(600_000);
  let letters = 0;
  const by = { expiredBefore: world.now, now: world.now, limit: 100, newId: () => `dl_${++letters}` };
  expect(await buryExpired(world.db, by)).toBe(2);
  expect((await claim()).map(({ id }) => id)).toEqual(["c"]);
  expect((await world.letters()).map(({ data }) => [data.delivery, data.error])).toEqual([
    ["a", "never_sent"],
    ["b", "never_sent"],
  ]);
});

test("one that is being sent is not given up", async () => {
  await insertAlone("a");
  world.clock.pass(1_100_000);
  const [held] = await claim();
  const by = { expiredBefore: world.now, now: world.now, limit: 100, newId: () => "dl_1" };
  expect(await buryExpired(world.db, by)).toBe(0);
  await close(held!);
  expect(await world.rows()).toMatchObject([{ state: "delivered" }]);
});
