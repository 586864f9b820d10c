import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditRoutes } from "../../../gateway/http/audit-routes.ts";
import { sealEvents } from "../../../gateway/store/seal-events.ts";
import { appOf } from "../trail/trail-app.ts";
import { AT, insertEvent, openTrail, type Trail, tamper } from "../trail/trail-fixture.ts";

const SEALED_AT = new Date("2026-03-01T12:30:00Z");

let trail: Trail;
let client: pg.Client;
let get: ReturnType<typeof appOf>;

beforeAll(async () => {
  trail = await openTrail();
  client = await trail.connect();
  get = appOf(auditRoutes({ db: trail.db }));
  for (let i = 0; i < 10; i++) {
    const at = new Date(+AT + i * 60_000);
    await insertEvent(client, {
      charge: `ch_${i % 2}`,
      actor: i === 3 ? "key:ops" : "system:engine",
      type: i < 5 ? "charge.failed" : "charge.succeeded",
      at,
    });
  }
  await insertEvent(client, { account: "acct_other" });
  await sealEvents(trail.db, SEALED_AT);
  await insertEvent(client, { charge: "ch_1", type: "charge.refunded" });
});
afterAll(() => trail.close());

async function seqs(query: string): Promise<number[]> {
  const { body } = await get(`/v1/audit?${query}`).expect(200);
  return body.data.map((event: { seq: number }) => event.seq);
}

describe("GET /v1/audit", () => {
  test("pages through the caller's sealed events, the newest first, or the oldest", async () => {
    const first = (await get("/v1/audit?limit=4").expect(200)).body;
    expect(first.data.map((event: { seq: number }) => event.seq)).toEqual([10, 9, 8, 7]);
    expect(first).toMatchObject({ object: "list", has_more: true, next_cursor: "7" });
    expect(await seqs(`limit=6&starting_after=${first.next_cursor}`)).toEqual([6, 5, 4, 3, 2, 1]);
    expect((await get("/v1/audit?limit=10").expect(200)).body).toMatchObject({ has_more: false, next_cursor: null });
    expect(await seqs("order=asc&limit=3&starting_after=2")).toEqual([3, 4, 5]);
  });

  test("tells everything about an event, with its number and hash", async () => {
    const { body } = await get("/v1/audit?order=asc&limit=1").expect(200);
    expect(body.data).toEqual([
      {
        seq: 1,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        sealed_at: SEALED_AT.toISOString(),
        id: 1,
        at: AT.toISOString(),
        type: "charge.failed",
        actor: "system:engine",
        charge: "ch_0",
        attempt: null,
        provider: "stripe",
        amount: 4200,
        currency: "usd",
        from_status: null,
        to_status: null,
        outcome: null,
        latency_ms: null,
        data: {},
      },
    ]);
  });

  test("filters by charge, actor, type and time", async () => {
    expect(await seqs("charge=ch_1&limit=3")).toEqual([10, 8, 6]);
    expect(await seqs("charge=ch_1&type=charge.failed&order=asc")).toEqual([2, 4]);
    expect(await seqs("actor=key:ops")).toEqual([4]);
    expect(await seqs("from=2026-03-01T12:03:30.123Z&to=2026-03-01T12:05:30.123Z")).toEqual([5, 4]);
    expect(await seqs("charge=ch_1&from=2026-03-01T12:08:00Z")).toEqual([10]);
    expect(await seqs("actor=nobody")).toEqual([]);
  });

  test("brings what has no number yet, when asked", async () => {
    const { body } = await get("/v1/audit?unsealed=true&charge=ch_1&limit=1").expect(200);
    expect(body.unsealed).toMatchObject([{ seq: null, hash: null, sealed_at: null, type: "charge.refunded" }]);
    expect(body.data).toMatchObject([{ seq: 10 }]);
  });

  test("is for ops, and refuses what it does not understand", async () => {
    await get("/v1/audit", "finance").expect(403);
    for (const query of [
      "starting_after=0",
      "starting_after=x",
      "order=up",
      "from=1&to=2",
      "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
      "x=1",
    ])
      await get(`/v1/audit?${query}`).expect(400);
  });
});

describe("GET /v1/audit/verify", () => {
  test("a whole chain, its head, and what is not sealed yet", async () => {
    const { body } = await get("/v1/audit/verify").expect(200);
    expect(body).toMatchObject({
      object: "audit_verification",
      whole: true,
      broken: null,
      from: 1,
      to: 11,
      complete: true,
      next_from: null,
      head: { seq: 11, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      unsealed: { count: 1, oldest_at: AT.toISOString() },
      last_check: { seq: 0, at: null },
    });
    expect((await get("/v1/audit/verify?from=7").expect(200)).body).toMatchObject({ whole: true, from: 7, to: 11 });
    await get("/v1/audit/verify?from=13").expect(400);
    await get("/v1/audit/verify", "finance").expect(403);
  });

  test("says where it is broken", async () => {
    await tamper(client, "update events set amount = 1 where id = 6");
    const { body } = await get("/v1/audit/verify").expect(200);
    expect(body).toMatchObject({
      whole: false,
      broken: { seq: 6, event: 6, kind: "altered_event" },
      to: 5,
      complete: false,
      next_from: null,
    });
    expect((await get("/v1/audit/verify?from=7").expect(200)).body).toMatchObject({ whole: true });
  });
});
