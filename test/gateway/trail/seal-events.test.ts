import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sealEvents } from "../../../gateway/store/seal-events.ts";
import { verifyChain } from "../../../gateway/store/verify-chain.ts";
import { AT, insertEvent, openTrail, type Trail, tamper } from "./trail-fixture.ts";

let trail: Trail;
let one: pg.Client;
let two: pg.Client;

beforeEach(async () => {
  trail = await openTrail();
  one = await trail.connect();
  two = await trail.connect();
});
afterEach(() => trail.close());

async function expectWhole(): Promise<void> {
  expect(await verifyChain(trail.db)).toMatchObject({ broken: null, complete: true, unsealed: { count: 0n } });
}

describe("the sealer", () => {
  test("numbers committed events from 1 on without gaps, and then has nothing to do", async () => {
    const ids = [await insertEvent(one), await insertEvent(one), await insertEvent(two)];
    expect(await sealEvents(trail.db, AT)).toEqual({ sealed: 3, more: false, rebased: false });
    expect(await sealEvents(trail.db, AT)).toEqual({ sealed: 0, more: false, rebased: false });
    expect(await trail.sealedIds()).toEqual(ids);
    const rows = await trail.db.query({ name: "t_seqs", text: "select seq from event_seals order by seq" });
    expect(rows).toEqual([{ seq: 1n }, { seq: 2n }, { seq: 3n }]);
    await expectWhole();
  });

  test("an event of a transaction that was running gets its number when it commits, though others were sealed before it", async () => {
    await one.query("begin");
    const early = await insertEvent(one);
    const later = await insertEvent(two);
    expect(await trail.sealAll()).toEqual([later]);
    const last = await insertEvent(two);
    expect(await trail.sealAll()).toEqual([later, last]);
    await one.query("commit");
    expect(await trail.sealAll()).toEqual([later, last, early]);
    await expectWhole();
  });

  test("a transaction that was idle with a low number while others were sealed may still write", async () => {
    await one.query("begin");
    await one.query("select pg_current_xact_id()");
    const other = await insertEvent(two);
    expect(await trail.sealAll()).toEqual([other]);
    const low = await insertEvent(one);
    await insertEvent(two);
    await trail.sealAll();
    await one.query("commit");
    expect((await trail.sealAll()).at(-1)).toBe(low);
    await expectWhole();
  });

  test("a transaction that began before a round but took its number after it is not passed by", async () => {
    await one.query("begin isolation level repeatable read");
    await one.query("select count(*) from events");
    await insertEvent(two);
    await trail.sealAll();
    const late = await insertEvent(one);
    await one.query("commit");
    expect((await trail.sealAll()).at(-1)).toBe(late);
    await expectWhole();
  });

  test("what is rolled back, also to a savepoint, gets no number; what the savepoint kept does", async () => {
    await one.query("begin");
    const kept = await insertEvent(one);
    await one.query("savepoint s");
    await insertEvent(one);
    await one.query("rollback to savepoint s");
    await one.query("savepoint t");
    const inside = await insertEvent(one);
    await one.query("release savepoint t");
    await two.query("begin");
    await insertEvent(two);
    await two.query("rollback");
    expect(await trail.sealAll()).toEqual([]);
    await one.query("commit");
    expect(await trail.sealAll()).toEqual([kept, inside]);
    await expectWhole();
  });

  test("an event that follows another one never gets the lower number, also when its transaction is the older one", async () => {
    await one.query("begin");
    await one.query("select pg_current_xact_id()");
    const cause = await insertEvent(two);
    const effect = await insertEvent(one);
    await one.query("commit");
    expect(await trail.sealAll()).toEqual([cause, effect]);
  });

  test("a backlog is sealed in rounds, and a round never cuts a transaction in two, also one larger than a round", async () => {
    await one.query("begin");
    const held = await insertEvent(one);
    const ids: bigint[] = [];
    for (let i = 0; i < 7; i++) {
      await two.query("begin");
      for (let n = 0; n <= i; n++) ids.push(await insertEvent(two));
      await two.query("commit");
    }
    const sizes: number[] = [];
    for (let more = true; more; ) {
      const round = await sealEvents(trail.db, AT, 4);
      sizes.push(round.sealed);
      more = round.more;
    }
    expect(sizes).toEqual([3, 3, 4, 11, 7]);
    expect(await trail.sealedIds()).toEqual(ids);
    await one.query("commit");
    expect((await trail.sealAll(4)).at(-1)).toBe(held);
    await expectWhole();
  });

  test("of two sealers at once one works, and the other comes again", async () => {
    for (let i = 0; i < 20; i++) await insertEvent(one);
    await two.query("begin");
    await two.query("select 1 from trail_head for update");
    expect(await sealEvents(trail.db, AT)).toEqual({ sealed: 0, more: true, rebased: false });
    await two.query("rollback");
    await Promise.all([trail.sealAll(3), trail.sealAll(3), trail.sealAll(3)]);
    expect(await trail.sealedIds()).toHaveLength(20);
    await expectWhole();
  });

  test("sealers and writers at full speed: every committed event exactly once", async () => {
    const writers = await Promise.all(Array.from({ length: 6 }, () => trail.connect()));
    const committed: bigint[] = [];
    let writing = true;
    const sealing = [0, 1].map(async () => {
      while (writing) await sealEvents(trail.db, AT, 5);
    });
    await Promise.all(
      writers.map(async (writer, w) => {
        for (let i = 0; i < 40; i++) {
          await writer.query("begin");
          const ids = [await insertEvent(writer), await insertEvent(writer)];
          if ((i + w) % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 15));
          await writer.query((i + w) % 7 === 0 ? "rollback" : "commit");
          if ((i + w) % 7 !== 0) committed.push(...ids);
        }
      }),
    );
    writing = false;
    await Promise.all(sealing);
    const sealed = await trail.sealAll();
    expect([...sealed].sort((a, b) => (a < b ? -1 : 1))).toEqual(committed.sort((a, b) => (a < b ? -1 : 1)));
    await expectWhole();
  });

  test("a round that fails leaves nothing behind", async () => {
    await insertEvent(one);
    await one.query("create function t_no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$");
    await one.query("create trigger t_no before insert on stats_rollups for each row execute function t_no()");
    await expect(sealEvents(trail.db, AT)).rejects.toThrow("no");
    expect(await trail.sealedIds()).toEqual([]);
    await one.query("drop trigger t_no on stats_rollups");
    expect(await trail.sealAll()).toHaveLength(1);
    await expectWhole();
  });
});

describe("a trail that was restored into another cluster", () => {
  // What a dump brings there: the same rows, and transaction numbers far from those that the new cluster gives.
  async function moveElsewhere(shift: bigint): Promise<void> {
    await tamper(
      one,
      `update events set xid = ((xid::text)::bigint + ${shift})::text::xid8;
       update trail_head set cluster = cluster + 1, done = (select format('%s:%s:%s',
         pg_snapshot_xmin(done)::text::bigint + ${shift}, pg_snapshot_xmax(done)::text::bigint + ${shift},
         (select string_agg((x::text::bigint + ${shift})::text, ',' order by x) from pg_snapshot_xip(done) x))::pg_snapshot)`,
    );
  }

  test.each([1_000_000n, -50n])("goes on in a new epoch, and loses nothing (numbers shifted by %s)", async (shift) => {
    for (let i = 0; i < 60; i++) await two.query("select pg_current_xact_id()");
    await one.query("begin");
    const open = await insertEvent(one);
    const sealed = [await insertEvent(two), await insertEvent(two)];
    await trail.sealAll();
    await one.query("commit");
    const unsealed = await insertEvent(two);
    await moveElsewhere(shift);
    const before = await insertEvent(two);

    expect(await sealEvents(trail.db, AT)).toEqual({ sealed: 3, more: true, rebased: true });
    expect(await sealEvents(trail.db, AT)).toEqual({ sealed: 0, more: false, rebased: false });
    expect(await trail.sealedIds()).toEqual([...sealed, open, unsealed, before]);
    await two.query("begin");
    const after = [await insertEvent(one), await insertEvent(two)];
    await trail.sealAll();
    await two.query("commit");
    expect((await trail.sealAll()).slice(-2)).toEqual(after);
    await expectWhole();
    expect(
      await trail.db.query({ name: "t_epoch", text: "select epoch, count(*) as n from events group by epoch order by epoch" }),
    ).toEqual([
      { epoch: 0, n: 5n },
      { epoch: 1, n: 2n },
    ]);
  });

  test("waits for writers that still write into the old epoch", async () => {
    await two.query("begin");
    const slow = await insertEvent(two);
    await moveElsewhere(1_000_000n);
    const rebasing = sealEvents(trail.db, AT);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await two.query("commit");
    expect(await rebasing).toMatchObject({ sealed: 1, rebased: true });
    expect(await trail.sealAll()).toEqual([slow]);
    await expectWhole();
  });
});
