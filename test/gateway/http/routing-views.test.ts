import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProviderStatus } from "../../../gateway/health/provider-status.ts";
import { routingViewRoutes } from "../../../gateway/http/routing-view-routes.ts";
import { statsRoutes } from "../../../gateway/http/stats-routes.ts";
import { appOf, NOW } from "../trail/trail-app.ts";
import { AT, type EventFields, insertEvent, openTrail, type Trail } from "../trail/trail-fixture.ts";

let trail: Trail;
let client: pg.Client;
let get: ReturnType<typeof appOf>;
/** What this instance's own breaker of Stripe says. */
let circuit: { state: "closed" | "open"; since: number } = { state: "open", since: 0 };
const fleet = { status: () => [{ provider: "stripe", circuit }] as unknown as ProviderStatus[] };

beforeAll(async () => {
  trail = await openTrail();
  client = await trail.connect();
  const clock = { now: () => NOW.getTime() };
  const deps = { db: trail.db, reports: trail.db, clock };
  get = appOf([...routingViewRoutes({ ...deps, providers: ["stripe", "paypal"], fleet }), ...statsRoutes({ ...deps, feesOf: () => ({}) })]);
});
afterAll(() => trail.close());

const at = (time: string): Date => new Date(`2026-03-01T${time}Z`);

async function insertCharge(
  id: string,
  more: { status?: string; amount?: number; brand?: string; country?: string; account?: string; due?: Date } = {},
) {
  const { status = "succeeded", amount = 100, brand, country, account = "acct_default", due = null } = more;
  const method = JSON.stringify({ tokens: {}, type: "card", brand: brand ?? null, country: country ?? null });
  await client.query(
    `insert into charges (id, account_id, livemode, status, amount, amount_captured, amount_reserved, currency, idempotency_key, payment_method, providers, metadata,
      defer, defer_until, lease_no, next_action_at, created_at, updated_at)
     values ($1, $2, false, $3::text, $4::bigint, case when $3::text = 'succeeded' then $4::bigint else 0 end, 0, 'usd', $1, $5, '{}', '{}', true, now(), 1, $6, $7, now())`,
    [id, account, status, amount, method, due, AT],
  );
}

describe("GET /v1/routing/queue", () => {
  test("tells what waits, of the caller's account: amounts by currency, dead letters by kind", async () => {
    await insertCharge("ch_d1", { status: "deferred", due: at("13:05:00") });
    await insertCharge("ch_d2", { status: "deferred", amount: 20 });
    await insertCharge("ch_i1", { status: "in_doubt", amount: 7, due: at("13:01:00") });
    await insertCharge("ch_other", { status: "in_doubt", account: "acct_other", due: at("13:01:00") });
    const letter = "insert into dead_letters (id, account_id, kind, charge_id, reason, state, created_at) values ";
    await client.query(`${letter} ('dl_1', 'acct_default', 'charge', 'ch_d2', 'out of tries', 'open', '2026-03-01T12:30:00Z'),
      ('dl_2', 'acct_default', 'doubt', 'ch_i1', 'a day', 'settled', '2026-03-01T12:00:00Z')`);
    const { body } = await get("/v1/routing/queue", "finance").expect(200);
    const oldest_at = AT.toISOString();
    expect(body).toEqual({
      object: "queue",
      deferred: [{ currency: "usd", count: 2, amount: 120, oldest_at, next_at: "2026-03-01T13:05:00.000Z" }],
      in_doubt: [{ currency: "usd", count: 1, amount: 7, oldest_at }],
      dead_letters: [{ kind: "charge", count: 1, oldest_at: "2026-03-01T12:30:00.000Z" }],
    });
    await get("/v1/routing/queue", "billing").expect(403);
  });
});

describe("GET /v1/routing/flow", () => {
  beforeAll(async () => {
    await insertCharge("ch_visa", { brand: "visa", country: "US" });
    await insertCharge("ch_amex", { brand: "amex", country: "DE" });
    const finished = { type: "attempt.finished", outcome: "not_sent" };
    const paid = { type: "charge.succeeded", from: "processing", to: "succeeded", outcome: "approved" };
    const events: EventFields[] = [
      { charge: "ch_visa", type: "attempt.started" },
      { charge: "ch_visa", ...finished },
      { charge: "ch_visa", type: "attempt.started", provider: "paypal" },
      { charge: "ch_visa", ...paid, provider: "paypal" },
      { charge: "ch_amex", type: "charge.failed", from: "processing", to: "failed", outcome: "declined", amount: 50n, at: at("13:00:10") },
      { charge: "ch_nobody", ...paid, amount: 1n },
      { charge: "ch_visa", ...paid, account: "acct_other" },
    ];
    for (const event of events) await insertEvent(client, event);
  });
  const links = async (query: string) =>
    (await get(`/v1/routing/flow?${query}`, "finance").expect(200)).body.links.map((link: Record<string, unknown>) =>
      Object.values(link).join(" "),
    );

  test("links a thing of the segment, provider and outcome, before and after they are sealed", async () => {
    const byBrand = [
      " stripe approved usd 1 1",
      "amex stripe declined usd 1 50",
      "visa paypal approved usd 1 4200",
      "visa stripe not_sent usd 1 4200",
    ];
    expect((await links("by=brand")).sort()).toEqual(byBrand);
    await trail.sealAll();
    expect((await links("by=brand")).sort()).toEqual(byBrand);
    expect((await links("by=country")).sort()).toEqual(byBrand.map((link) => link.replace("amex", "DE").replace("visa", "US")));
    expect(await links("by=currency")).toHaveLength(4);
    expect((await links("from=2026-02-01T00:00:00Z&to=2026-03-05T00:00:00Z")).sort()).toEqual(byBrand);
  });

  test("is by whole hours: the times are aligned outward", async () => {
    const { body } = await get("/v1/routing/flow?from=2026-03-01T13:20:00Z&to=2026-03-01T13:30:00Z&by=brand").expect(200);
    expect(body).toMatchObject({
      object: "flow",
      from: "2026-03-01T13:00:00.000Z",
      to: "2026-03-01T14:00:00.000Z",
      by: "brand",
      truncated: false,
    });
    expect(body.links).toEqual([{ segment: "amex", provider: "stripe", outcome: "declined", count: 1, amount: 50, currency: "usd" }]);
    await get("/v1/routing/flow?by=customer").expect(400);
    const { body: refused } = await get("/v1/routing/flow?from=yesterday").expect(400);
    expect(refused.errors).toEqual([{ pointer: "?from", detail: "must be a time like 2026-12-01T00:00:00Z" }]);
    await get("/v1/routing/flow?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z").expect(400);
  });

  test("the statistics by brand and country are of the same numbers", async () => {
    const { body } = await get("/v1/routing/stats?group_by=brand,country,currency", "finance").expect(200);
    expect(body).toMatchObject({ from: "2026-02-28T13:00:00.000Z", to: "2026-03-01T14:00:00.000Z" });
    const rows = body.data.map(({ brand, country, approved, charges_recovered, amount_recovered, cost }: Record<string, unknown>) => [
      ...[brand, country, approved],
      ...[charges_recovered, amount_recovered, cost],
    ]);
    expect(rows).toEqual([
      [null, null, 1, 0, 0, undefined],
      ["amex", "DE", 0, 0, 0, undefined],
      ["visa", "US", 1, 1, 4200, undefined],
    ]);
  });
});

describe("GET /v1/routing/bands", () => {
  const moment = (time: string, type: string, provider: string, data: object = {}) =>
    insertEvent(client, { at: at(time), type, provider, data, charge: null, amount: null, currency: null });
  beforeAll(async () => {
    await moment("08:00:00", "override.set", "paypal", { mode: "drain", reason: "long ago", expires_at: "2026-03-01T09:00:00Z" });
    await moment("09:30:00", "provider.opened", "stripe", { reason: "five faults in a row" });
    await moment("10:10:00", "provider.opened", "stripe", { reason: "a probe failed" });
    await moment("10:20:00", "provider.closed", "stripe", { reason: "all probes passed" });
    await moment("10:30:00", "override.set", "paypal", { mode: "down", reason: "maintenance", expires_at: null });
    await moment("10:40:00", "override.set", "paypal", { mode: "only", reason: "the other one", expires_at: "2026-03-01T10:50:00Z" });
    await moment("11:30:00", "provider.opened", "stripe", { reason: "slow" });
    await moment("11:40:00", "override.set", "unknown", { mode: "down", reason: "not configured any more" });
  });
  const bands = async (from: string, to: string) =>
    (await get(`/v1/routing/bands?from=${at(from).toISOString()}&to=${at(to).toISOString()}`, "finance").expect(200)).body.data.map(
      (band: Record<string, string | null>) =>
        `${band.provider} ${band.state} ${band.from?.slice(11, 16)}-${band.to?.slice(11, 16) ?? ""} ${band.reason}`,
    );

  test("tells openings until they close and overrides until they end, also those that began before and those that go on", async () => {
    expect(await bands("10:00:00", "12:00:00")).toEqual([
      "stripe open 10:00-10:20 five faults in a row",
      "paypal down 10:30-10:40 maintenance",
      "paypal only 10:40-10:50 the other one",
      "stripe open 11:30- slow",
    ]);
    expect(await bands("08:30:00", "09:10:00")).toEqual(["paypal drain 08:30-09:00 long ago"]);
    expect(await bands("10:25:00", "10:29:00")).toEqual([]);
    expect(await bands("10:41:00", "10:45:00")).toEqual(["paypal only 10:41- the other one"]);
  });

  test("ends an opening where the gate began that is closed here now: an instance that was restarted recorded no end", async () => {
    for (const [since, told] of [
      ["11:50:00", "stripe open 11:30-11:50 slow"],
      ["11:20:00", "stripe open 11:30- slow"],
      ["12:10:00", "stripe open 11:30- slow"],
    ] as const) {
      circuit = { state: "closed", since: at(since).getTime() };
      expect(await bands("11:00:00", "12:00:00")).toEqual([told]);
    }
    circuit = { state: "open", since: at("11:50:00").getTime() };
    expect(await bands("11:00:00", "12:00:00")).toEqual(["stripe open 11:30- slow"]);
  });

  test("refuses a time with more changes than it tells, instead of leaving some out", async () => {
    await client.query(`insert into events (at, account_id, type, actor, provider, data)
      select timestamptz '2026-02-01T00:00:00Z' + n * interval '1 second', 'acct_default',
        case n % 2 when 0 then 'provider.closed' else 'provider.opened' end, 'system:health', 'stripe', '{}' from generate_series(0, 2000) n`);
    const ask = (from: string) => get(`/v1/routing/bands?from=${from}&to=2026-02-02T00:00:00Z`, "finance");
    expect((await ask("2026-02-01T00:00:00Z").expect(400)).body.errors[0].detail).toContain("more than 2000 changes");
    expect((await ask("2026-02-01T00:00:01Z").expect(200)).body.data).toHaveLength(1_000);
  });
});
