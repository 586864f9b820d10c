import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sealEvents } from "../../../gateway/store/seal-events.ts";
import { readStats, type StatsInterval, type StatsQuery, type StatsRow } from "../../../gateway/store/stats.ts";
import { AT, type EventFields, insertEvent, openTrail, type Trail } from "../trail/trail-fixture.ts";

let trail: Trail;
let client: pg.Client;

beforeAll(async () => {
  trail = await openTrail();
  client = await trail.connect();
});
afterAll(() => trail.close());

const START = new Date("2026-03-01T00:00:00Z");
const END = new Date("2026-03-04T00:00:00Z");
const PROVIDERS = ["stripe", "paypal", null] as const;
const CURRENCIES = ["usd", "jpy"] as const;
const FINAL = ["succeeded", "failed", "canceled"];
const OUTCOMES = ["approved", "declined", "not_sent", "unknown", "pending", "fenced"] as const;

function query(account: string, more: Partial<StatsQuery> = {}): StatsQuery {
  return { accountId: account, from: START, to: END, interval: null, byProvider: true, byCurrency: true, maxRows: 10_000, ...more };
}

/** A row without its zeros, to compare with. */
function brief(row: StatsRow): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== 0n && value !== null));
}

test("an attempt that is approved, one that is declined, and one in doubt that is approved later", async () => {
  const account = "acct_story";
  const events: EventFields[] = [
    { charge: "ch_a", type: "attempt.started" },
    { charge: "ch_a", type: "charge.succeeded", from: "processing", to: "succeeded", outcome: "approved", latency: 100 },
    { charge: "ch_b", type: "attempt.started", amount: 7n },
    { charge: "ch_b", type: "charge.failed", from: "processing", to: "failed", outcome: "declined", latency: 201, amount: 7n },
    { charge: "ch_c", type: "attempt.started" },
    { charge: "ch_c", type: "charge.in_doubt", from: "processing", to: "in_doubt", outcome: "unknown", latency: 10_000 },
    { charge: "ch_c", type: "charge.succeeded", from: "in_doubt", to: "succeeded", outcome: "approved", latency: 99_000 },
    { charge: null, type: "override.set", provider: "stripe", currency: null, amount: null },
  ];
  for (const event of events) await insertEvent(client, { ...event, account });
  const rows = await readStats(trail.db, query(account));
  expect(rows.map(brief)).toEqual([
    {
      provider: "stripe",
      currency: "usd",
      attempts: 3n,
      approved: 2n,
      declined: 1n,
      in_doubt: 1n,
      latency_ms_sum: 10_301n,
      latency_count: 3n,
      charges_succeeded: 2n,
      amount_succeeded: 8400n,
      charges_failed: 1n,
      amount_failed: 7n,
    },
  ]);
  await trail.sealAll();
  expect(await readStats(trail.db, query(account))).toEqual(rows);
});

test("a late success that is adopted takes the failure back at the provider that it was counted at, in the minute in which it happens", async () => {
  const account = "acct_late";
  await insertEvent(client, {
    account,
    charge: "ch_l",
    type: "charge.failed",
    from: "processing",
    to: "failed",
    provider: "paypal",
    outcome: "declined",
  });
  await trail.sealAll();
  const later = new Date("2026-03-02T08:00:00Z");
  await insertEvent(client, {
    account,
    charge: "ch_l",
    at: later,
    from: "failed",
    to: "succeeded",
    provider: "stripe",
    outcome: "approved",
  });
  const expected = [
    { provider: "paypal", currency: "usd", declined: 1n },
    { provider: "stripe", currency: "usd", approved: 1n, charges_succeeded: 1n, amount_succeeded: 4200n },
  ];
  expect((await readStats(trail.db, query(account))).map(brief)).toEqual(expected);
  await trail.sealAll();
  expect((await readStats(trail.db, query(account))).map(brief)).toEqual(expected);
  expect((await readStats(trail.db, query(account, { from: later, byCurrency: false }))).map(brief)).toEqual([
    { provider: "paypal", charges_failed: -1n, amount_failed: -4200n },
    { provider: "stripe", approved: 1n, charges_succeeded: 1n, amount_succeeded: 4200n },
  ]);
});

test("refunds that succeed, one that fails afterwards, and a dispute count with their own amounts, whatever their charges are", async () => {
  const account = "acct_refunds";
  const later = new Date("2026-03-02T08:00:00Z");
  const refund = { account, charge: "ch_r", amount: 1_000n };
  await insertEvent(client, { ...refund, type: "refund.created" });
  await insertEvent(client, { ...refund, type: "refund.succeeded", data: { from: "processing" } });
  await insertEvent(client, { ...refund, type: "refund.succeeded", amount: 500n, data: { from: "in_doubt" } });
  await insertEvent(client, { ...refund, type: "refund.failed", amount: 7n, data: { from: "pending" } });
  await trail.sealAll();
  await insertEvent(client, { ...refund, at: later, type: "refund.failed", data: { from: "succeeded" } });
  await insertEvent(client, { account, charge: "ch_r", at: later, type: "dispute.opened", amount: 4_200n });
  await insertEvent(client, { account, charge: "ch_r", type: "compensation.done", amount: 4_200n });
  const expected = [
    { provider: "stripe", currency: "usd", refunds_succeeded: 1n, amount_refunded: 500n, disputes_opened: 1n, amount_disputed: 4_200n },
  ];
  expect((await readStats(trail.db, query(account))).map(brief)).toEqual(expected);
  await trail.sealAll();
  expect((await readStats(trail.db, query(account))).map(brief)).toEqual(expected);
  expect((await readStats(trail.db, query(account, { to: later }))).map(brief)).toEqual([
    { provider: "stripe", currency: "usd", refunds_succeeded: 2n, amount_refunded: 1_500n },
  ]);
});

test("a charge that succeeded elsewhere, or after it was deferred, is recovered; one that another attempt of its own provider collected is not", async () => {
  const account = "acct_recovered";
  const story = (charge: string, provider: string, events: EventFields[]) =>
    events.map((event): EventFields => ({ account, charge, provider, ...event }));
  const started = { type: "attempt.started" };
  const paid = { type: "charge.succeeded", from: "processing", to: "succeeded", outcome: "approved" };
  const events = [
    ...story("ch_elsewhere", "paypal", [
      { ...started, provider: "stripe" },
      { type: "attempt.finished", provider: "stripe", outcome: "not_sent" },
    ]),
    ...story("ch_elsewhere", "paypal", [started, paid]),
    ...story("ch_later", "paypal", [{ type: "charge.deferred", to: "deferred", provider: null }, started, { ...paid, amount: 100n }]),
    ...story("ch_again", "paypal", [started, { type: "attempt.finished", outcome: "not_sent" }, started, paid]),
    ...story("ch_adopted", "paypal", [started, { ...started, provider: "stripe" }, { ...paid, amount: 7n }]),
  ];
  for (const event of events) await insertEvent(client, event);
  const recovered = async () => (await readStats(trail.db, query(account))).find(({ provider }) => provider === "paypal");
  expect(await recovered()).toMatchObject({ charges_succeeded: 4n, charges_recovered: 2n, amount_recovered: 4_300n });
  await trail.sealAll();
  expect(await recovered()).toMatchObject({ charges_succeeded: 4n, charges_recovered: 2n, amount_recovered: 4_300n });
});

test("a reader sees each event once while it is being sealed", async () => {
  const account = "acct_race";
  const writers = await Promise.all([trail.connect(), trail.connect()]);
  let written = 0;
  let writing = true;
  const sealing = (async () => {
    while (writing) await sealEvents(trail.db, AT, 7);
  })();
  const reading = (async () => {
    while (writing) {
      const before = written;
      const [row] = await readStats(trail.db, query(account));
      expect(Number(row?.attempts ?? 0n)).toBeGreaterThanOrEqual(before);
      expect(Number(row?.attempts ?? 0n)).toBeLessThanOrEqual(written + writers.length);
    }
  })();
  await Promise.all(
    writers.map(async (writer) => {
      for (let i = 0; i < 150; i++) {
        await insertEvent(writer, { account, type: "attempt.started" });
        written += 1;
      }
    }),
  );
  writing = false;
  await Promise.all([sealing, reading]);
});

interface Life {
  readonly minute: number;
  readonly currency: (typeof CURRENCIES)[number];
  readonly amount: number;
  /** One step: [minutes later, provider, what happens]. */
  readonly steps: readonly { readonly wait: number; readonly provider: (typeof PROVIDERS)[number]; readonly pick: number }[];
  /** Seal after this event, or leave it to the tail. */
  readonly seal: boolean;
}

const life: fc.Arbitrary<Life> = fc.record({
  minute: fc.integer({ min: 0, max: 2 * 24 * 60 }),
  currency: fc.constantFrom(...CURRENCIES),
  amount: fc.integer({ min: 1, max: 999_999_999_999 }),
  steps: fc.array(
    fc.record({ wait: fc.constantFrom(0, 1, 61, 500), provider: fc.constantFrom(...PROVIDERS), pick: fc.integer({ min: 0, max: 1_000 }) }),
    { maxLength: 8 },
  ),
  seal: fc.boolean(),
});

const NEXT: Readonly<Record<string, readonly string[]>> = {
  processing: ["succeeded", "failed", "in_doubt", "deferred", "pending", "authorized", "processing"],
  in_doubt: ["succeeded", "failed", "processing", "deferred"],
  pending: ["succeeded", "failed"],
  deferred: ["processing", "failed", "canceled"],
  authorized: ["succeeded", "canceled"],
  failed: ["succeeded"],
  canceled: ["succeeded"],
  succeeded: [],
};

/** The events that a charge's life leaves behind, as the engine writes them. */
function eventsOf(
  account: string,
  charge: string,
  { minute, currency, amount, steps }: Life,
): { events: EventFields[]; end: { status: string; provider: string | null } } {
  let at = minute;
  let status = "processing";
  let provider: string | null = steps[0]?.provider ?? null;
  const base = { account, charge, currency, amount: BigInt(amount) };
  const time = () => new Date(START.getTime() + at * 60_000 + 59_999);
  const events: EventFields[] = [{ ...base, at: time(), type: "attempt.started", provider, to: "processing" }];
  for (const step of steps) {
    const choices = NEXT[status] as readonly string[];
    const to = choices[step.pick % choices.length];
    if (to === undefined) break;
    at += step.wait;
    const outcome = step.pick % 3 === 0 ? null : OUTCOMES[step.pick % OUTCOMES.length]!;
    const latency = step.pick % 5 === 0 ? null : step.pick;
    const told = { ...base, at: time(), provider: step.provider, outcome, latency };
    if (to === status)
      events.push({ ...told, type: "attempt.finished" }, { ...base, at: time(), type: "attempt.started", provider: step.provider });
    else events.push({ ...told, type: `charge.${to}`, from: status, to });
    if (to !== status) provider = step.provider;
    status = to;
  }
  return { events, end: { status, provider } };
}

/** Counts again from the events, one by one. */
function recount(events: readonly EventFields[], by: StatsQuery): Record<string, unknown>[] {
  const rows = new Map<string, Record<string, unknown>>();
  const add = (event: EventFields, provider: string | null | undefined, column: string, n: bigint) => {
    const at = event.at!.getTime();
    if (at < by.from.getTime() || at >= by.to.getTime()) return;
    const size = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[by.interval ?? "day"];
    const key = {
      start: by.interval ? new Date(Math.floor(at / size) * size) : null,
      provider: by.byProvider ? (provider ?? "") : null,
      currency: by.byCurrency ? event.currency! : null,
    };
    const row = rows.get(JSON.stringify(key)) ?? key;
    rows.set(JSON.stringify(key), { ...row, [column]: ((row as Record<string, bigint>)[column] ?? 0n) + n });
  };
  const ended = new Map<string, string | null>();
  const before = new Map<string, EventFields[]>();
  for (const event of events) {
    const first = !event.from || event.from === "processing";
    if (event.type === "attempt.started") add(event, event.provider, "attempts", 1n);
    const counted = event.outcome === "unknown" ? "in_doubt" : event.outcome;
    if (counted && ["approved", "declined", "not_sent", "in_doubt"].includes(counted) && event.from !== "authorized")
      add(event, event.provider, counted, 1n);
    if (event.outcome && first && event.latency != null) {
      add(event, event.provider, "latency_ms_sum", BigInt(event.latency));
      add(event, event.provider, "latency_count", 1n);
    }
    for (const status of [...FINAL, "deferred"]) {
      if (event.to === status) {
        add(event, event.provider, `charges_${status}`, 1n);
        add(event, event.provider, `amount_${status}`, event.amount!);
      }
      if (event.from === status && status !== "deferred") {
        add(event, ended.get(event.charge!), `charges_${status}`, -1n);
        add(event, ended.get(event.charge!), `amount_${status}`, -event.amount!);
      }
    }
    const earlier = before.get(event.charge!) ?? [];
    if (event.to === "succeeded") {
      const begun = earlier.filter(({ type }) => type === "attempt.started").map(({ provider }) => provider);
      const other = begun.findIndex((provider) => provider != null && event.provider != null && provider !== event.provider);
      const failedOver = other !== -1 && begun.lastIndexOf(event.provider) > other;
      if (failedOver || earlier.some(({ to }) => to === "deferred")) {
        add(event, event.provider, "charges_recovered", 1n);
        add(event, event.provider, "amount_recovered", event.amount!);
      }
    }
    before.set(event.charge!, [...earlier, event]);
    if (event.to) ended.set(event.charge!, event.provider ?? null);
  }
  const text = (row: object) => JSON.stringify(row, (_key, value) => (typeof value === "bigint" ? value.toString() : value));
  return [...rows.values()].map((row) => brief(row as unknown as StatsRow)).sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

test("for any history: stats equal a recount of the events, and the charges that are in each final state, wherever the sealer stands", async () => {
  let run = 0;
  const intervals: (StatsInterval | null)[] = [null, "minute", "hour", "day"];
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 3_000 }),
      fc.nat(15),
      async (lives, cut, group) => {
        run += 1;
        const account = `acct_${run}`;
        const events: EventFields[] = [];
        const ends = [];
        for (const [i, one] of lives.entries()) {
          const story = eventsOf(account, `ch_${run}_${i}`, one);
          ends.push({ ...story.end, currency: one.currency, amount: BigInt(one.amount) });
          for (const event of story.events) {
            events.push(event);
            await insertEvent(client, event);
          }
          if (one.seal) await sealEvents(trail.db, AT, 3);
        }
        const text = (row: object) => JSON.stringify(row, (_key, value) => (typeof value === "bigint" ? value.toString() : value));
        const by = query(account, {
          from: new Date(START.getTime() + cut * 60_000),
          interval: intervals[group % 4]!,
          byProvider: group % 3 > 0,
          byCurrency: group > 5,
        });
        const rows = (await readStats(trail.db, by))
          .map(brief)
          .filter((row) => Object.keys(row).some((key) => /_|attempts|approved|declined/.test(key)));
        const expected = recount(events, by).filter((row) => Object.keys(row).some((key) => /_|attempts|approved|declined/.test(key)));
        expect(rows.sort((a, b) => (text(a) < text(b) ? -1 : 1)).map(sorted)).toEqual(expected.map(sorted));

        const totals = await readStats(trail.db, query(account, { to: new Date("2027-01-01T00:00:00Z") }));
        for (const status of FINAL) {
          for (const provider of PROVIDERS) {
            for (const currency of CURRENCIES) {
              const now = ends.filter((end) => end.status === status && end.provider === provider && end.currency === currency);
              const row = totals.find((total) => total.provider === (provider ?? "") && total.currency === currency) as
                | Record<string, unknown>
                | undefined;
              expect(row?.[`charges_${status}`] ?? 0n).toBe(BigInt(now.length));
              expect(row?.[`amount_${status}`] ?? 0n).toBe(now.reduce((sum, end) => sum + end.amount, 0n));
            }
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

function sorted(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
