import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statsRoutes } from "../../../gateway/http/stats-routes.ts";
import { appOf, NOW } from "../trail/trail-app.ts";
import { AT, insertEvent, openTrail, type Trail } from "../trail/trail-fixture.ts";

let trail: Trail;
let get: ReturnType<typeof appOf>;

beforeAll(async () => {
  trail = await openTrail();
  get = appOf(
    statsRoutes({
      reports: trail.db,
      clock: { now: () => NOW.getTime() },
      feesOf: (provider) => (provider === "stripe" ? { percent: 2.9, fixed: 30 } : {}),
    }),
  );
  const client = await trail.connect();
  const paid = { type: "charge.succeeded", from: "processing", to: "succeeded", outcome: "approved", latency: 100 };
  await insertEvent(client, { type: "attempt.started" });
  await insertEvent(client, { ...paid, amount: 999_999_999_999n });
  await trail.sealAll();
  await insertEvent(client, { ...paid, latency: 201, amount: 1n });
  await insertEvent(client, {
    ...paid,
    type: "charge.failed",
    to: "failed",
    outcome: "declined",
    provider: "=cmd",
    currency: "jpy",
    at: new Date(+AT + 3_600_000),
  });
  await insertEvent(client, { ...paid, account: "acct_other" });
  const columns = `id, account_id, livemode, status, amount, currency, idempotency_key, payment_method, providers, metadata, defer, defer_until, lease_no,
    next_action_at, created_at, updated_at`;
  await client.query(`insert into charges (${columns})
    select 'ch_' || n, case when n = 9 then 'acct_other' else 'acct_default' end, false, case when n = 8 then 'failed' else 'deferred' end, n, 'usd', n::text,
      '{}', '{}', '{}', true, now(), 1, case when n < 3 then timestamptz '2026-03-02T00:00:00Z' + n * interval '1 minute' end,
      timestamptz '2026-03-01T00:00:00Z' + n * interval '1 minute', now()
    from generate_series(1, 9) n`);
});
afterAll(() => trail.close());

describe("GET /v1/routing/stats", () => {
  test("by default the last 24 hours by provider and currency, aligned outward to minutes", async () => {
    const { body } = await get("/v1/routing/stats", "finance").expect(200);
    expect(body).toMatchObject({
      object: "routing_stats",
      from: "2026-02-28T13:00:00.000Z",
      to: "2026-03-01T13:01:00.000Z",
      interval: null,
      group_by: ["provider", "currency"],
    });
    expect(body.data).toEqual([
      {
        provider: "=cmd",
        currency: "jpy",
        attempts: 0,
        approved: 0,
        declined: 1,
        not_sent: 0,
        in_doubt: 0,
        approval_rate: 0,
        latency_ms_avg: 100,
        charges_succeeded: 0,
        amount_succeeded: 0,
        charges_failed: 1,
        amount_failed: 4200,
        charges_canceled: 0,
        amount_canceled: 0,
        charges_deferred: 0,
        amount_deferred: 0,
        refunds_succeeded: 0,
        amount_refunded: 0,
        disputes_opened: 0,
        amount_disputed: 0,
        charges_recovered: 0,
        amount_recovered: 0,
        cost: null,
      },
      expect.objectContaining({
        provider: "stripe",
        currency: "usd",
        attempts: 1,
        approved: 2,
        approval_rate: 1,
        latency_ms_avg: 150.5,
        charges_succeeded: 2,
        amount_succeeded: 1_000_000_000_000,
        cost: 29_000_000_060,
      }),
    ]);
  });

  test("amounts of different currencies are never added: without currency there are none", async () => {
    const { body } = await get("/v1/routing/stats?group_by=interval&interval=hour").expect(200);
    expect(body.group_by).toEqual(["interval"]);
    expect(body.data.map((row: { interval_start: string }) => row.interval_start)).toEqual([
      "2026-03-01T12:00:00.000Z",
      "2026-03-01T13:00:00.000Z",
    ]);
    for (const row of body.data) expect(Object.keys(row).filter((key) => key.startsWith("amount"))).toEqual([]);
  });

  test("as CSV: the same numbers, safe in a spreadsheet", async () => {
    const answer = await get("/v1/routing/stats?group_by=provider,currency,interval&interval=day", "ops", "text/csv").expect(200);
    expect(answer.headers["content-type"]).toContain("text/csv");
    expect(answer.text).toBe(
      "interval_start,provider,currency,attempts,approved,declined,not_sent,in_doubt,approval_rate,latency_ms_avg,charges_succeeded,amount_succeeded," +
        "charges_failed,amount_failed,charges_canceled,amount_canceled,charges_deferred,amount_deferred,refunds_succeeded,amount_refunded,disputes_opened,amount_disputed,charges_recovered,amount_recovered,cost\r\n" +
        "2026-03-01T00:00:00.000Z,'=cmd,jpy,0,0,1,0,0,0,100,0,0,1,4200,0,0,0,0,0,0,0,0,0,0,\r\n" +
        "2026-03-01T00:00:00.000Z,stripe,usd,1,2,0,0,0,1,150.5,2,1000000000000,0,0,0,0,0,0,0,0,0,0,0,0,29000000060\r\n",
    );
  });

  test("`from` is inclusive and `to` exclusive, by the minute", async () => {
    const at = async (from: string, to: string) => {
      const { body } = await get(`/v1/routing/stats?group_by=provider&from=${from}&to=${to}`).expect(200);
      return body.data.reduce((sum: number, row: { approved: number }) => sum + row.approved, 0);
    };
    expect(await at("2026-03-01T12:00:00Z", "2026-03-01T12:01:00Z")).toBe(2);
    expect(await at("2026-03-01T12:00:59Z", "2026-03-01T12:00:59.5Z")).toBe(2);
    expect(await at("2026-03-01T12:01:00Z", "2026-03-01T13:00:00Z")).toBe(0);
    expect(await at("2026-03-01T11:00:00Z", "2026-03-01T13:00:00%2B01:00")).toBe(0);
    expect(await at("2026-03-01T13:00:00%2B01:00", "2026-03-01T13:01:00%2B01:00")).toBe(2);
  });

  test.each([
    ["?from", "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z"],
    ["?from", "from=2026-03-02T00:00:00Z"],
    ["?from", "from=2024-03-01T00:00:00Z&to=2026-03-01T00:00:00Z"],
    ["?from", "from=yesterday"],
    ["?interval", "interval=week"],
    ["?interval", "interval=minute&from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z"],
    ["?interval", "interval=minute&group_by=brand"],
    ["?group_by", "group_by=customer"],
    ["?group_by", "group_by="],
  ])("refuses with a pointer to %s: %s", async (pointer, query) => {
    const { body } = await get(`/v1/routing/stats?${query}`).expect(400);
    expect(body.code).toBe("invalid_request");
    expect(JSON.stringify(body)).toContain(pointer);
  });

  test("is not for billing keys, and not in other formats", async () => {
    await get("/v1/routing/stats", "billing").expect(403);
    await get("/v1/routing/stats", "ops", "application/xml").expect(406);
  });
});

test("GET /v1/routing/deferred tells the revenue at risk per currency, of the caller's account", async () => {
  const { body } = await get("/v1/routing/deferred", "finance").expect(200);
  expect(body).toEqual({
    object: "deferred_summary",
    count: 7,
    data: [{ currency: "usd", count: 7, amount: 28, oldest: "2026-03-01T00:01:00.000Z", next: "2026-03-02T00:01:00.000Z", stuck: 5 }],
  });
});
