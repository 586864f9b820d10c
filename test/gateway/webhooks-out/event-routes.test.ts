import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventRoutes } from "../../../gateway/http/event-routes.ts";
import { appOf } from "../trail/trail-app.ts";
import { AT, type EventFields, insertEvent } from "../trail/trail-fixture.ts";
import { HooksWorld } from "./hooks-world.ts";

let world: HooksWorld;
let client: pg.Client;
let get: ReturnType<typeof appOf>;

beforeEach(async () => {
  world = await HooksWorld.open();
  client = world.client;
  get = appOf(eventRoutes({ db: world.db, livemode: false }));
});
afterEach(() => world.close());

interface Page {
  data: { type: string; data: { seq: number } }[];
  has_more: boolean;
  next_cursor: string;
  head: number;
}

const page = async (query = ""): Promise<Page> => (await get(`/v1/events?${query}`, "billing").expect(200)).body;
const seqs = (one: Page) => one.data.map(({ data }) => data.seq);
const insert = (type: string, more: EventFields = {}) => insertEvent(client, { type, ...more });

async function insertCharge(id: string, reference: string, metadata: object): Promise<void> {
  await client.query(
    `insert into charges (id, account_id, livemode, status, amount, currency, reference, idempotency_key, payment_method, providers, metadata,
       defer, defer_until, lease_no, created_at, updated_at)
     values ($1, 'acct_default', false, 'canceled', 4200, 'usd', $2, $1, '{}', '{}', $3, false, now(), 1, now(), now())`,
    [id, reference, JSON.stringify(metadata)],
  );
}

describe("GET /v1/events", () => {
  test("brings the events that webhooks bring, in the order of the trail, and where to go on", async () => {
    await insert("charge.in_doubt");
    await insert("attempt.finished");
    await insert("charge.succeeded");
    await insert("charge.succeeded", { account: "acct_other" });
    await insert("refund.created");
    await world.trail.sealAll();
    expect(seqs(await page())).toEqual([1, 3, 5]);
    const first = await page("limit=2");
    expect(first).toMatchObject({ object: "list", has_more: true, next_cursor: "3", head: 5 });
    expect(await page(`limit=2&after=${first.next_cursor}`)).toMatchObject({
      data: [{ type: "refund.created" }],
      has_more: false,
      next_cursor: "5",
    });
    expect(await page("type=charge.*")).toMatchObject({ data: [{ type: "charge.in_doubt" }, { type: "charge.succeeded" }] });
    expect(seqs(await page("type=refund.created"))).toEqual([5]);
  });

  test("an empty page says up to where it is empty; what is sealed later comes after it", async () => {
    await insert("attempt.started");
    await world.trail.sealAll();
    await insert("charge.succeeded");
    const empty = await page();
    expect(empty).toMatchObject({ data: [], has_more: false, next_cursor: "1", head: 1 });
    await world.trail.sealAll();
    expect(seqs(await page(`after=${empty.next_cursor}`))).toEqual([2]);
    expect(await page("after=2")).toMatchObject({ data: [], next_cursor: "2", head: 2 });
    expect(await page("after=99")).toMatchObject({ data: [], has_more: false, next_cursor: "99" });
  });

  test("each event is the very JSON of its webhook, with the charge's reference and metadata", async () => {
    await insertCharge("ch_7", "invoice-7", { customer: "42" });
    const receiver = await world.receiver();
    await world.endpoint(receiver.url);
    await insert("charge.captured", { charge: "ch_7", data: { operation: "op_1", amount: "4000", reference: "pi_1" } });
    await insert("dispute.opened", { charge: "ch_7", data: { id: "dp_1", dispute: "du_1", status: "open", reason: "fraudulent" } });
    await insert("reconciliation.finding", { charge: null, data: { id: "fi_1", kind: "paid_twice", our_amount: 1, their_amount: null } });
    await insert("provider.opened", { charge: null, amount: null, currency: null, data: { reason: "faults", alone: false } });
    await insert("payment_method.token_gone", { charge: "ch_7", data: { payment_method: "pm_1", reason: "stolen" } });
    await world.run();
    const { data } = await page();
    expect(new Set(receiver.got.map(({ body }) => body))).toEqual(new Set(data.map((event) => JSON.stringify(event))));
    expect(data[0]).toEqual({
      type: "charge.captured",
      timestamp: AT.toISOString(),
      data: {
        id: "evt_2",
        seq: 2,
        livemode: false,
        charge: "ch_7",
        reference: "invoice-7",
        metadata: { customer: "42" },
        status: null,
        amount: 4200,
        currency: "usd",
        provider: "stripe",
        amount_captured: 4000,
      },
    });
    expect(data.slice(1).map((event) => event.data)).toMatchObject([
      { dispute: "dp_1", provider_dispute: "du_1", dispute_status: "open", reason: "fraudulent" },
      { finding: "fi_1", kind: "paid_twice", our_amount: 1, their_amount: null, charge: null },
      { reason: "faults", one_instance_only: false, amount: null },
      { payment_method: "pm_1", reason: "stolen" },
    ]);
  });

  test("refuses what it does not understand, and whoever may not read it", async () => {
    for (const query of ["after=-1", "after=x", "type=attempt.started", "type=charge", "limit=0", "starting_after=1"])
      await get(`/v1/events?${query}`, "billing").expect(400);
    await get("/v1/events", "ops").expect(403);
  });
});
