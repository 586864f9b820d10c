import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ProviderStatus } from "../../../gateway/health/provider-status.ts";
import type { Notification } from "../../../gateway/notify/notification.ts";
import { notifyTurn } from "../../../gateway/notify/watch.ts";
import { wordsOf } from "../../../gateway/notify/words.ts";
import { ensureCursorAtHead } from "../../../gateway/store/dispatch-events.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { insertEvent, openTrail, type Trail } from "../trail/trail-fixture.ts";

let trail: Trail;
let client: pg.Client;
let clock: ManualClock;
let instances: Instance[];

/** What was told before a test is not told in it: the trail is append-only. */
let mark: bigint;

beforeAll(async () => {
  trail = await openTrail();
  client = await trail.connect();
  await ensureCursorAtHead(trail.db, "notifications");
});
beforeEach(async () => {
  clock = new ManualClock();
  instances = [new Instance(), new Instance()];
  await trail.sealAll();
  await client.query("delete from charges");
  await client.query("update notifications set state = '{}'");
  await client.query("update dispatch_cursors set seq = (select seq from trail_head)");
  await reachable(true);
  const { rows } = await client.query("select coalesce(max(id), 0) as mark from events");
  mark = BigInt(rows[0].mark);
});
afterAll(() => trail.close());

/** What an instance finds of its providers. */
class Instance {
  health: ProviderStatus["health"][] = ["up", "up"];
  trusted = true;
  /** What a person decided, by provider. */
  forced: Readonly<Record<string, "down" | "only">> = {};
  readonly status = () =>
    this.health.map((health, i) => {
      const provider = `p${i}`;
      const mode = this.forced[provider];
      return { provider, health, override: mode ? { mode } : null, circuit: { alone: false } } as ProviderStatus;
    });
}

/** Lets time pass; every instance looks every 5 s (or `stepS`), all at once. */
async function pass(minutes: number, whatever: (minute: number) => Promise<void> | void = () => {}, stepS = 5): Promise<void> {
  for (let s = 0; s < minutes * 60; s += stepS) {
    await whatever(s / 60);
    clock.pass(stepS * 1_000);
    await Promise.all(
      instances.map((fleet) =>
        notifyTurn({ db: trail.db, clock, fleet, trusted: () => fleet.trusted, log: { info() {}, warn() {}, error() {} } }),
      ),
    );
  }
}

const reachable = (is: boolean) => client.query("update fleet_reachability set reachable = $1", [is]);

async function made(type = "notification.made"): Promise<Notification[]> {
  const rows = await trail.db.query<{ data: Notification }>({
    name: "made",
    text: "select data from events where type = $1 and id > $2 order by id",
    values: [type, mark],
  });
  return rows.map(({ data }) => data);
}
const titles = async () => (await made()).map((one) => wordsOf(one, true).title);

let serial = 0;
async function charge(status: string, amount: number, currency: string, minutesAgo = 0): Promise<void> {
  const id = `ch_n${++serial}`;
  const at = new Date(clock.now() - minutesAgo * 60_000);
  await client.query(
    `insert into charges (id, account_id, livemode, status, amount, currency, idempotency_key, payment_method, providers, metadata, defer, defer_until,
       lease_no, next_action_at, created_at, updated_at)
     values ($1, 'acct_default', true, $2, $3, $4, $1, '{}', '{stripe}', '{}', true, $5::timestamptz + interval '72 h', 1, $5, $5, $5)`,
    [id, status, amount, currency, at],
  );
}

describe("an outage of all processors", () => {
  test("is told once by any number of instances, with what is at risk, and so is its end", async () => {
    instances.push(new Instance(), new Instance());
    await pass(1);
    await charge("deferred", 4_200, "usd");
    await charge("deferred", 800, "usd");
    await charge("deferred", 1_500, "jpy");
    await charge("in_doubt", 100, "eur");
    await reachable(false);
    await pass(3);
    const [begun, ...none] = await made();
    expect(none).toEqual([]);
    expect(wordsOf(begun!, true)).toEqual({
      title: "No processor can be used: charges are kept and collected later",
      lines: [
        "Since 2026-01-01 00:01 UTC.",
        "Deferred: 3 charges, 1500 JPY, 50.00 USD; the oldest from 2026-01-01 00:01 UTC.",
        "In doubt: 1 charge, 1.00 EUR; the oldest from 2026-01-01 00:01 UTC.",
        expect.stringContaining("Nothing has to be done for the charges"),
      ],
    });
    await reachable(true);
    await client.query("update charges set status = 'canceled', next_action_at = null");
    await pass(10);
    expect(await titles()).toEqual([wordsOf(begun!, true).title, "Processors can be used again: kept charges are being collected"]);
    expect(wordsOf((await made())[1]!, true).lines).toEqual([
      "From 2026-01-01 00:01 UTC to 2026-01-01 00:04 UTC.",
      "Deferred or in doubt now: nothing.",
    ]);
  });

  test("that comes and goes for two hours is a handful of messages, not twenty", async () => {
    await pass(120, async (minute) => void (await reachable(minute % 3 < 1)), 30);
    await reachable(true);
    await pass(40, () => {}, 120);
    const whats = (await made()).map(({ what }) => what);
    expect(whats.filter((what) => what !== "lasting")).toEqual(["begun", "ended"]);
    expect(whats.length).toBeLessThanOrEqual(5);
    expect(wordsOf((await made()).at(-1)!, true).lines[1]).toMatch(/^It came and went: \d+ times so far, told as one\.$/);
  });

  test("is marked as a test where no real money moves", async () => {
    await reachable(false);
    await pass(1);
    expect(wordsOf((await made())[0]!, false).title).toMatch(/^\[test mode\] No processor/);
  });

  test("is told by no instance whose clock is off", async () => {
    for (const one of instances) one.trusted = false;
    await reachable(false);
    await pass(5);
    expect(await made()).toEqual([]);
  });
});

describe("revenue at risk", () => {
  test("is told when a charge waits for more than ten minutes, also at the webhook endpoints, and when none does", async () => {
    await charge("deferred", 4_200, "usd");
    await pass(9);
    expect(await made()).toEqual([]);
    await pass(4);
    expect(await titles()).toEqual(["Revenue at risk: charges wait to be collected"]);
    const sums = { deferred: [{ currency: "usd", count: 1, amount: 4200, oldest: "2026-01-01T00:00:00.000Z" }], in_doubt: [] };
    expect(await made("revenue.at_risk")).toEqual([sums]);
    await client.query("update charges set status = 'canceled', next_action_at = null");
    await pass(5);
    expect(await titles()).toEqual([
      "Revenue at risk: charges wait to be collected",
      "Revenue no longer at risk: no charge waits for long",
    ]);
    expect(await made("revenue.recovered")).toEqual([{ deferred: [], in_doubt: [] }]);
  });

  test("is also a doubt that did not end within a quarter of an hour", async () => {
    await charge("in_doubt", 990, "eur", 16);
    await pass(2);
    expect((await made()).map((one) => ("at_risk" in one ? one.at_risk : null))).toEqual([
      [{ status: "in_doubt", currency: "eur", count: 1, amount: "990", oldest: "2025-12-31T23:44:00.000Z" }],
    ]);
  });
});

test("one processor that is out of use is told to operations after two minutes, and its end after five calm ones", async () => {
  for (const one of instances) one.health = ["unavailable", "up"];
  await pass(1.5);
  expect(await made()).toEqual([]);
  await pass(1.5);
  for (const one of instances) one.health = ["up", "up"];
  await pass(7);
  expect((await made()).map(({ topic, what }) => [topic, what])).toEqual([
    ["provider_down", "begun"],
    ["provider_down", "ended"],
  ]);
  expect(wordsOf((await made())[0]!, true).lines[1]).toBe("Out of use: p0.");
});

const all = (what: Partial<Instance>) => instances.forEach((one) => void Object.assign(one, what));

test("what a person keeps out is not told: neither the one that was taken out nor those beside the only one", async () => {
  all({ health: ["unavailable", "up"], forced: { p0: "down" } });
  await pass(4);
  all({ health: ["unavailable", "up"], forced: { p1: "only" } });
  await pass(4);
  expect(await made()).toEqual([]);
});

test("that all can be used again is not told while none can, or while a person keeps out the one that could not", async () => {
  const whats = async () => (await made()).map(({ topic, what }) => `${topic} ${what}`);
  all({ health: ["unavailable", "up"] });
  await pass(3);
  all({ health: ["unavailable", "unavailable"] });
  await reachable(false);
  await pass(10);
  expect(await whats()).toEqual(["provider_down begun", "all_down begun"]);
  all({ health: ["unavailable", "up"], forced: { p0: "down" } });
  await reachable(true);
  await pass(10);
  expect(await whats()).toEqual(["provider_down begun", "all_down begun", "all_down ended"]);
  all({ health: ["up", "up"], forced: {} });
  await pass(6);
  expect(await titles()).toHaveLength(4);
  expect((await titles()).at(-1)).toBe("All processors can be used again");
});

describe("what happens", () => {
  const event = (type: string, data: object = {}, more: { amount?: bigint | null; currency?: string | null } = {}) =>
    insertEvent(client, { type, data, amount: null, currency: null, ...more });

  test("is counted and told together, in totals without a charge, each once", async () => {
    for (let i = 0; i < 40; i++) await event("dead_letter.opened", { kind: i % 4 === 0 ? "doubt" : "charge", reason: "secret reason" });
    await event("charge.late_success", { adopted: false, reference: "pi_secret" }, { amount: 4_200n, currency: "usd" });
    await event("reconciliation.finding", { kind: "paid_twice", subject: "pi_secret" }, { amount: 100n, currency: "eur" });
    await event("charge.authorization_expiring", {}, { amount: 5_000n, currency: "usd" });
    await event("refund.failed", { from: "succeeded" }, { amount: 700n, currency: "usd" });
    await event("refund.failed", { from: "processing" }, { amount: 700n, currency: "usd" });
    await trail.sealAll();
    await pass(2);
    expect(await titles()).toEqual([
      "40 things that the machine gave up on (dead letters)",
      "1 payment succeeded after it had been given up",
      "1 difference between a processor's records and ours",
      "1 refund failed after it had succeeded: the customer does not have the money",
      "1 authorization lapses within a day",
    ]);
    const [letters, late] = await made();
    expect(wordsOf(letters!, true).lines.slice(1, 3)).toEqual(["charge: 30.", "doubt: 10."]);
    expect(wordsOf(late!, true).lines[1]).toBe("sent back: 1, 42.00 USD.");
    expect(JSON.stringify(await made())).not.toMatch(/secret|ch_/);
  });

  test("makes no storm when it goes on, and loses no count", async () => {
    let happened = 0;
    const flood = async () => {
      for (let i = 0; i < 10; i++) await event("dead_letter.opened", { kind: "webhook" });
      happened += 10;
      await trail.sealAll();
    };
    await pass(300, flood, 600);
    const counts = (await made()).map((one) => (one.what === "happened" ? one.happened.webhook!.count : 0));
    expect(counts.length).toBeLessThanOrEqual(4);
    const waiting = await client.query(
      "select state -> 'happenings' -> 'dead_letters' -> 'waiting' -> 'webhook' -> 'count' as count from notifications",
    );
    expect(counts.reduce((sum, count) => sum + count, 0) + waiting.rows[0].count).toBe(happened);
  });

  test("is not told of what could not be told: that would fail as well", async () => {
    await event("dead_letter.opened", { kind: "job", reason: "notify.slack: the message was not taken" });
    await event("dead_letter.opened", { kind: "job", reason: "reconciliation.run: failed" });
    await trail.sealAll();
    await pass(2);
    expect(await titles()).toEqual(["1 thing that the machine gave up on (dead letter)"]);
  });

  test("before the first start is history", async () => {
    await event("dead_letter.opened", { kind: "charge" });
    await trail.sealAll();
    await client.query("delete from dispatch_cursors where consumer = 'notifications'");
    await ensureCursorAtHead(trail.db, "notifications");
    await pass(2);
    expect(await made()).toEqual([]);
  });
});

test("while nothing changes, nothing is written", async () => {
  await pass(1);
  const version = () => client.query("select xmin, state from notifications");
  const { rows: before } = await version();
  await pass(5);
  expect((await version()).rows).toEqual(before);
});
