import { afterEach, describe, expect, test } from "vitest";
import type { RecordsQuery } from "../../../providers/contract/records.ts";
import { inTurn, newCall, type Reply, refusal, type ScriptedPayPal, scriptedPayPal } from "./scripted-paypal.ts";

const DAY_MS = 86_400_000;
const FROM = Date.parse("2026-11-01T00:00:00Z");
const query: RecordsQuery = { what: "payments", fromMs: FROM, toMs: FROM + DAY_MS, cursor: null };

let paypal: ScriptedPayPal;
afterEach(() => paypal.close());

async function start(...answers: Reply[]): Promise<ReturnType<ScriptedPayPal["provider"]>> {
  paypal = await scriptedPayPal(inTurn(...answers));
  return paypal.provider();
}

function page(transactions: readonly object[], totalPages = 1): Reply {
  const body = {
    transaction_details: transactions.map((info) => ({ transaction_info: info })),
    page: 1,
    total_items: 1,
    total_pages: totalPages,
  };
  return { status: 200, body };
}

const payment = {
  transaction_id: "3C679366HH908993F",
  transaction_event_code: "T0006",
  transaction_initiation_date: "2026-11-01T10:00:00+0000",
  transaction_status: "S",
  transaction_amount: { currency_code: "USD", value: "42.00" },
  invoice_id: "ch_1",
  custom_field: "at_1",
};
const record = {
  kind: "payment",
  object: null,
  reference: "3C679366HH908993F",
  attemptId: "at_1",
  chargeId: "ch_1",
  state: "captured",
  amount: 4200n,
  currency: "usd",
  createdAtMs: Date.parse("2026-11-01T10:00:00Z"),
};

const sent = () => paypal.requests.map(({ path }) => Object.fromEntries(new URL(path, "http://x").searchParams));

describe("payments", () => {
  test("are PayPal's transactions of a window, with our ids, then its holds", async () => {
    const provider = await start(page([payment]));
    expect(await provider.records!(query, newCall())).toEqual({
      kind: "page",
      records: [record],
      next: `holds.${FROM}.${FROM + DAY_MS}.1.${FROM}.${FROM + DAY_MS}`,
    });
    expect(sent()).toEqual([
      {
        start_date: "2026-11-01T00:00:00Z",
        end_date: "2026-11-02T00:00:00Z",
        fields: "transaction_info",
        balance_affecting_records_only: "N",
        page_size: "500",
        page: "1",
      },
    ]);
  });

  test.each([
    ["S", "captured"],
    ["P", "pending"],
    ["D", "none"],
    ["V", "captured"],
  ])("with status %s are %s", async (status, state) => {
    const provider = await start(page([{ ...payment, transaction_status: status }]));
    expect(await provider.records!(query, newCall())).toMatchObject({ records: [{ state }] });
  });

  test.each<[string, object]>([
    ["a fee", { transaction_event_code: "T0103" }],
    ["a refund", { transaction_event_code: "T1107" }],
    ["money that we sent", { transaction_amount: { currency_code: "USD", value: "-42.00" } }],
    ["one in a currency that is none", { transaction_amount: { currency_code: "PTS", value: "42.00" } }],
    ["one of the second before the window", { transaction_initiation_date: "2026-10-31T23:59:59Z" }],
    ["one of the window's end", { transaction_initiation_date: "2026-11-02T00:00:00Z" }],
  ])("are not %s", async (_name, changes) => {
    const provider = await start(page([{ ...payment, ...changes }]));
    expect(await provider.records!(query, newCall())).toMatchObject({ kind: "page", records: [] });
  });

  test("that PayPal lists twice are one, as the later line has it", async () => {
    const provider = await start(page([{ ...payment, transaction_status: "P" }, payment]));
    expect(await provider.records!(query, newCall())).toMatchObject({ records: [record] });
  });

  test.each<[string, Reply]>([
    ["without an id", page([{ ...payment, transaction_id: undefined }])],
    ["in a state that nobody taught us", page([{ ...payment, transaction_status: "X" }])],
    ["of an amount that cannot be read", page([{ ...payment, transaction_amount: { currency_code: "USD", value: "1,00" } }])],
    ["that are not answered", "reset"],
    ["that we may not list", refusal(403, "NOT_AUTHORIZED", "PERMISSION_DENIED")],
  ])("%s make the page unknown: none is left out unseen", async (_name, reply) => {
    const provider = await start(reply);
    expect(await provider.records!(query, newCall())).toMatchObject({ kind: "unknown" });
  });
});

describe("pages", () => {
  test("follow each other to the last one, window by window of 31 days", async () => {
    const provider = await start(page([], 2), page([], 2), page([]), page([]), page([]));
    const long = { ...query, toMs: FROM + 40 * DAY_MS };
    const cursors: (string | null)[] = [];
    let cursor: string | null = null;
    do {
      const found = await provider.records!({ ...long, cursor }, newCall());
      cursor = found.kind === "page" ? found.next : "failed";
      cursors.push(cursor);
    } while (cursor !== null && cursors.length < 10);
    const edge = FROM + 31 * DAY_MS - 2_000;
    const whole = `${FROM}.${FROM + 40 * DAY_MS}`;
    expect(cursors).toEqual([
      `payments.${FROM}.${edge}.2.${whole}`,
      `payments.${edge}.${FROM + 40 * DAY_MS}.1.${whole}`,
      `holds.${FROM}.${edge}.1.${whole}`,
      `holds.${edge}.${FROM + 40 * DAY_MS}.1.${whole}`,
      null,
    ]);
  });

  test("of too many transactions are searched by half the window, down to two seconds", async () => {
    const provider = await start(refusal(400, "INVALID_REQUEST", "RESULTSET_TOO_LARGE"));
    expect(await provider.records!(query, newCall())).toEqual({
      kind: "page",
      records: [],
      next: `payments.${FROM}.${FROM + DAY_MS / 2}.1.${FROM}.${FROM + DAY_MS}`,
    });
    expect(await provider.records!({ ...query, toMs: FROM + 1_999 }, newCall())).toMatchObject({ kind: "unknown" });
  });

  test.each([
    "x",
    `payments.${FROM}.${FROM + 1}.1`,
    `refunds.${FROM}.${FROM + 1}.1.${FROM}.${FROM + 1}`,
    `payments.${FROM}.${FROM + 1}.0.${FROM}.${FROM + 1}`,
    `payments.${FROM}.${FROM + 2}.1.${FROM}.${FROM + 1}`,
    `payments.${FROM}.${FROM + 32 * DAY_MS}.1.${FROM}.${FROM + 40 * DAY_MS}`,
  ])("of the cursor %s are not asked for: it is none of this query", async (cursor) => {
    const provider = await start(page([]));
    expect(await provider.records!({ ...query, cursor }, newCall())).toMatchObject({ kind: "unknown" });
    expect(paypal.requests).toHaveLength(0);
  });

  test("of no time at all are empty", async () => {
    const provider = await start(page([payment]));
    expect(await provider.records!({ ...query, toMs: FROM }, newCall())).toEqual({ kind: "page", records: [], next: null });
  });
});

describe("holds", () => {
  const hold = { ...payment, transaction_id: "0AW2184448108334S", transaction_event_code: "T1300" };
  const cursor = `holds.${FROM}.${FROM + DAY_MS}.1.${FROM}.${FROM + DAY_MS}`;
  const held = (status: string): Reply => ({
    status: 200,
    body: { id: "0AW2184448108334S", status, supplementary_data: { related_ids: { order_id: "5O1" } } },
  });

  test.each([
    ["CREATED", { state: "held", object: "5O1", reference: "0AW2184448108334S", amount: 4200n }],
    ["PENDING", { state: "pending" }],
    ["VOIDED", { state: "none" }],
    ["DENIED", { state: "none" }],
  ])("that are %s by PayPal's own word", async (status, expected) => {
    const provider = await start(page([hold]), held(status));
    expect(await provider.records!({ ...query, cursor }, newCall())).toMatchObject({ records: [expected], next: null });
    expect(sent()[0]).toMatchObject({ transaction_type: "T1300", page_size: "20" });
    expect(paypal.requests[1]?.path).toBe("/v2/payments/authorizations/0AW2184448108334S");
  });

  test("that were captured are in the list as their captures", async () => {
    const provider = await start(page([hold]), held("CAPTURED"));
    expect(await provider.records!({ ...query, cursor }, newCall())).toMatchObject({ kind: "page", records: [] });
  });

  test("that PayPal does not explain make the page unknown", async () => {
    const provider = await start(page([hold]), refusal(500, "INTERNAL_SERVER_ERROR"));
    expect(await provider.records!({ ...query, cursor }, newCall())).toMatchObject({ kind: "unknown" });
  });
});

describe("refunds", () => {
  const refund = {
    ...payment,
    transaction_id: "1JU08902781691411",
    transaction_event_code: "T1107",
    transaction_amount: { currency_code: "USD", value: "-10.00" },
    paypal_reference_id: "3C679366HH908993F",
    paypal_reference_id_type: "TXN",
    custom_field: "op_1:refund",
  };

  test.each([
    ["S", "succeeded"],
    ["P", "pending"],
    ["D", "failed"],
    ["V", "failed"],
  ])("with status %s have %s", async (status, state) => {
    const provider = await start(page([{ ...refund, transaction_status: status }]));
    expect(await provider.records!({ ...query, what: "refunds" }, newCall())).toEqual({
      kind: "page",
      next: null,
      records: [
        {
          kind: "refund",
          reference: "1JU08902781691411",
          payment: "3C679366HH908993F",
          key: "op_1:refund",
          state,
          amount: 1000n,
          currency: "usd",
          createdAtMs: record.createdAtMs,
        },
      ],
    });
    expect(sent()[0]).toMatchObject({ transaction_type: "T1107", page_size: "500" });
  });
});
