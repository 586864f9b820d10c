import { createHash } from "node:crypto";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../../gateway/store/database.ts";
import { sealEvents } from "../../../gateway/store/seal-events.ts";
import { verifyChain } from "../../../gateway/store/verify-chain.ts";
import { CANONICAL_SQL } from "../../../gateway/trail/canonical-event.ts";
import { AT, insertEvent, openTrail, type Trail, tamper, within } from "./trail-fixture.ts";

let trail: Trail;
let root: pg.Client;

let db: Database;

beforeAll(async () => {
  trail = await openTrail();
  root = await trail.connect();
  db = within(root);
  for (let i = 0; i < 12; i++) await insertEvent(root, { charge: `ch_${i}`, data: { b: 1, a: ["ü", null] } });
  await trail.sealAll(5);
});
afterAll(() => trail.close());

// Each test's damage is rolled back. Its own events are of a transaction that is still running: sealed by `within`, not by others.
beforeEach(() => root.query("begin"));
afterEach(() => root.query("rollback"));

test("a whole chain: head, hash, and the age of what is not sealed", async () => {
  const at = new Date("2026-03-01T13:00:00.001Z");
  await insertEvent(root, { at });
  const report = await verifyChain(db);
  expect(report).toMatchObject({ from: 1n, to: 12n, complete: true, broken: null, unsealed: { count: 1n, oldestAt: at } });
  expect(report.head).toEqual({ seq: 12n, hash: report.toHash });
});

test("an empty chain is whole", async () => {
  const empty = await openTrail();
  expect(await verifyChain(empty.db)).toMatchObject({ from: 1n, to: 0n, complete: true, broken: null, head: { seq: 0n } });
  await empty.close();
});

test("the chain can be recomputed from its documentation alone", async () => {
  const text = (id: number) =>
    `["${id}","2026-03-01T12:00:30.123000Z","acct_default","charge.succeeded","system:engine","ch_${id - 1}",null,"stripe","4200","usd",null,null,null,null,` +
    `"{\\"a\\": [\\"ü\\", null], \\"b\\": 1}"]`;
  let hash = Buffer.alloc(32);
  for (let id = 1; id <= 12; id++) hash = createHash("sha256").update(hash).update(text(id), "utf8").digest();
  expect((await verifyChain(db)).head.hash.toString("hex")).toBe(hash.toString("hex"));
});

test("texts are escaped as ECMAScript's JSON.stringify does", async () => {
  const odd = `${String.fromCharCode(...Array.from({ length: 31 }, (_, i) => i + 1))} "\\/'\u007f\u0085\u2028\u2029é😀`;
  const id = await insertEvent(root, { actor: odd });
  const rows = await db.query<{ canonical: string }>({
    name: "t_canonical",
    text: `select ${CANONICAL_SQL} as canonical from events e where id = $1`,
    values: [id],
  });
  const { canonical } = rows[0]!;
  expect(JSON.parse(canonical)[4]).toBe(odd);
  expect(JSON.stringify(JSON.parse(canonical))).toBe(canonical);
});

test("a part of the chain can be verified, and says where to go on", async () => {
  const first = await verifyChain(db, { limit: 5 });
  expect(first).toMatchObject({ from: 1n, to: 5n, complete: false, broken: null });
  const second = await verifyChain(db, { from: 6n, expected: first.toHash });
  expect(second).toMatchObject({ from: 6n, to: 12n, complete: true, broken: null });
});

test.each([
  "delete from events",
  "update events set actor = 'nobody'",
  "truncate events",
  "delete from event_seals",
  "truncate event_seals",
])("the trail refuses: %s", async (sql) => {
  await expect(root.query(sql)).rejects.toThrow("append-only");
});

describe("who goes past the trigger is found:", () => {
  const columns = {
    at: "at + interval '1 microsecond'",
    account_id: "'acct_other'",
    type: "'charge.failed'",
    actor: "'key:someone'",
    charge_id: "'ch_x'",
    attempt_id: "'at_x'",
    provider: "'paypal'",
    amount: "1",
    currency: "'eur'",
    from_status: "'processing'",
    to_status: "'failed'",
    outcome: "'declined'",
    latency_ms: "0",
    data: "'{}'",
  };
  test.each(Object.entries(columns))("an event's %s was altered", async (column, value) => {
    await tamper(root, `update events set ${column} = ${value} where id = 7`);
    expect((await verifyChain(db)).broken).toEqual({ seq: 7n, kind: "altered_event", eventId: 7n });
  });

  test("the last event was altered", async () => {
    await tamper(root, "update events set amount = 1 where id = 12");
    expect((await verifyChain(db)).broken).toEqual({ seq: 12n, kind: "altered_event", eventId: 12n });
  });

  test.each([1, 5, 12])("the hash of number %i was altered", async (seq) => {
    await tamper(root, `update event_seals set hash = sha256('x') where seq = ${seq}`);
    expect((await verifyChain(db)).broken).toEqual({ seq: BigInt(seq), kind: "altered_hash", eventId: BigInt(seq) });
  });

  test("an event was altered and its hash with it", async () => {
    await tamper(root, "update events set amount = 1 where id = 4; update event_seals set hash = sha256('x') where seq = 4");
    expect((await verifyChain(db)).broken).toMatchObject({ seq: 4n });
  });

  test("an event was removed", async () => {
    await tamper(root, "delete from events where id = 9");
    expect((await verifyChain(db)).broken).toEqual({ seq: 9n, kind: "missing_event", eventId: 9n });
  });

  test.each([1, 6, 12])("event and number %i were removed", async (seq) => {
    await tamper(root, `delete from events where id = ${seq}; delete from event_seals where seq = ${seq}`);
    expect((await verifyChain(db)).broken).toMatchObject({ seq: BigInt(seq), kind: "gap" });
  });

  test("two numbers were swapped", async () => {
    await tamper(
      root,
      "update event_seals set event_id = -event_id where seq in (3, 4); update event_seals set event_id = 7 + event_id where event_id < 0",
    );
    expect((await verifyChain(db)).broken).toMatchObject({ seq: 3n, kind: "altered_event" });
  });

  test.each([-5, 500])("an event was inserted where the sealer does not look (id %i)", async (id) => {
    await tamper(
      root,
      `insert into events (id, xid, at, account_id, type, actor) overriding system value values (${id}, '3', now(), 'a', 't', 'x')`,
    );
    expect((await verifyChain(db)).broken).toMatchObject({ kind: "passed_by", eventId: BigInt(id) });
  });

  test("numbers were appended past the head", async () => {
    await tamper(root, "insert into event_seals select 13, 99, sha256('x'), now()");
    expect((await verifyChain(db)).broken).toMatchObject({ seq: 13n, kind: "altered_head" });
  });

  test("the end was cut off, and the head moved back", async () => {
    const before = await verifyChain(db);
    await tamper(
      root,
      "delete from event_seals where seq > 10; update trail_head set seq = 10, hash = (select hash from event_seals where seq = 10)",
    );
    expect((await verifyChain(db)).broken).toMatchObject({ kind: "passed_by" });
    await tamper(root, "delete from events where id > 10");
    expect((await verifyChain(db)).broken).toBeNull();
    expect((await verifyChain(db, { from: 13n, expected: before.toHash })).broken).toMatchObject({ kind: "altered_head" });
  });

  test("the chain was rewritten whole: only a hash kept elsewhere tells", async () => {
    const before = await verifyChain(db, { limit: 12 });
    await tamper(
      root,
      "update events set amount = 1 where id = 2; delete from event_seals; update trail_head set seq = 0, hash = decode(repeat('00', 32), 'hex'), done = '1:1:'",
    );
    await sealEvents(db, AT);
    expect((await verifyChain(db)).broken).toBeNull();
    expect((await verifyChain(db, { from: 13n, expected: before.toHash })).broken).toMatchObject({ seq: 12n, kind: "altered_hash" });
  });
});
