import { afterAll, beforeAll, expect, it } from "vitest";
import type { PaymentRecord } from "../../../providers/contract/records.ts";
import { Books, captured, DAY, HOUR, holding } from "./books.ts";

const CHARGES = 10_000;
const SPREAD_MS = (23 * HOUR) / CHARGES;

let books: Books;
beforeAll(async () => {
  books = await Books.open();
});
afterAll(() => books.close());

const name = (i: number) => String(i).padStart(6, "0");
const at = (i: number) => DAY + Math.floor(i * SPREAD_MS);

/** Half at each provider, all paid; with refunds for every tenth. */
async function fill(): Promise<void> {
  const seconds = `to_timestamp(${DAY / 1_000}) + make_interval(secs => floor(i * ${SPREAD_MS}) / 1000)`;
  const provider = "case when i % 2 = 0 then 'stripe' else 'paypal' end";
  const rows = `from generate_series(0, ${CHARGES - 1}) i`;
  await books.sql(`insert into charges (id, account_id, livemode, status, amount, amount_captured, amount_reserved, amount_refunded, currency,
      idempotency_key, payment_method, providers, metadata, defer, defer_until, lease_no, provider, provider_reference, created_at, updated_at)
    select 'ch_' || lpad(i::text, 6, '0'), 'acct_default', false, 'succeeded', 4200, 4200, case when i % 10 = 0 then 1000 else 0 end,
      case when i % 10 = 0 then 1000 else 0 end, 'usd', 'k' || i, '{"tokens": {}, "type": "card"}', '{stripe,paypal}', '{}', false, ${seconds}, 1,
      ${provider}, 'ref_' || lpad(i::text, 6, '0'), ${seconds}, ${seconds} ${rows}`);
  await books.sql(`insert into attempts (id, charge_id, no, provider, provider_account, request, live, outcome, object, provider_reference,
      started_at, finished_at)
    select 'at_' || lpad(i::text, 6, '0'), 'ch_' || lpad(i::text, 6, '0'), 1, ${provider}, 'account-of-' || ${provider},
      '{"amount": "4200", "currency": "usd", "token": {}, "description": null, "reference": null}', true, 'approved',
      'obj_' || lpad(i::text, 6, '0'), 'ref_' || lpad(i::text, 6, '0'), ${seconds}, ${seconds} ${rows}`);
  await books.sql(`insert into operations (id, charge_id, attempt_id, account_id, kind, state, provider_key, object, reference, amount, currency,
      captured, provider_reference, created_at, updated_at)
    select 're_' || lpad(i::text, 6, '0'), 'ch_' || lpad(i::text, 6, '0'), 'at_' || lpad(i::text, 6, '0'), 'acct_default', 'refund', 'succeeded',
      'key_' || i, 'obj_' || lpad(i::text, 6, '0'), 'ref_' || lpad(i::text, 6, '0'), 1000, 'usd', true, 'back_' || lpad(i::text, 6, '0'),
      ${seconds}, ${seconds} ${rows} where i % 10 = 0`);
  await books.sql(`insert into events (at, account_id, type, actor, charge_id, provider)
    select ${seconds}, 'acct_default', 'charge.succeeded', 'test', 'ch_' || lpad(i::text, 6, '0'), ${provider} ${rows}`);
  for (let i = 0; i < CHARGES; i++) {
    const source = i % 2 === 0 ? books.stripe : books.paypal;
    source.payments.push(recordOf(i));
    if (i % 10 === 0)
      source.refunds.push({
        kind: "refund",
        reference: `back_${name(i)}`,
        payment: `ref_${name(i)}`,
        key: null,
        state: "succeeded",
        amount: 1000n,
        currency: "usd",
        createdAtMs: at(i) + 50,
      });
  }
}

function recordOf(i: number, more: Partial<PaymentRecord> = {}): PaymentRecord {
  const ids = { object: `obj_${name(i)}`, reference: `ref_${name(i)}`, attemptId: `at_${name(i)}`, chargeId: `ch_${name(i)}` };
  return { kind: "payment", ...ids, state: "captured", amount: 4200n, currency: "usd", createdAtMs: at(i) + 40, ...more };
}

function change(i: number, more: Partial<PaymentRecord>): void {
  const list = i % 2 === 0 ? books.stripe.payments : books.paypal.payments;
  const index = list.findIndex(({ reference }) => reference === `ref_${name(i)}`);
  list[index] = recordOf(i, more);
}

it("of 10,000 charges finds the five planted differences, and nothing else; and nothing new when it is run again", async () => {
  await fill();
  await books.sql("analyze");
  // A capture that nobody here knows.
  books.stripe.payments.push(recordOf(0, { object: "pi_x", reference: "pi_x", attemptId: null, chargeId: null, createdAtMs: at(77) }));
  // One that we count, and the provider calls canceled.
  change(1_000, { state: "none", amount: 0n });
  books.stripe.looks.set("obj_001000", { kind: "fenced", object: "obj_001000", decline: null });
  // Another amount.
  change(2_001, { amount: 4100n });
  books.paypal.looks.set("obj_002001", captured("ref_002001", 4100n));
  // Paid at both.
  await books.attempt({
    id: "ch_003000",
    attempt: "at_double",
    provider: "paypal",
    object: "obj_double",
    outcome: "not_sent",
    at: at(3_000),
  });
  books.paypal.payments.push(recordOf(3_000, { object: "obj_double", reference: "ref_double", attemptId: "at_double" }));
  // A hold of an attempt that was given up.
  const given = { id: "ch_004000", attempt: "at_orphan", object: "obj_orphan", outcome: "unknown", at: at(4_000) };
  await books.attempt({ ...given, provider: "paypal" });
  books.paypal.payments.push(recordOf(4_000, { object: "obj_orphan", reference: "auth_orphan", attemptId: "at_orphan", state: "held" }));
  books.paypal.looks.set("obj_orphan", holding("auth_orphan"));

  const cpu = process.cpuUsage();
  const expected = [
    "amount_differs paypal ref_002001",
    "missing_payment stripe ref_001000",
    "orphan_hold paypal auth_orphan",
    "paid_twice paypal ref_double",
    "unknown_payment stripe pi_x",
  ];
  expect(await books.differences()).toEqual(expected);
  const { user, system } = process.cpuUsage(cpu);
  console.log(`own CPU of a run of ${CHARGES}: ${((user + system) / 1e6).toFixed(1)} s`);
  expect(books.stripe.asked.length + books.paypal.asked.length).toBe(3);

  const ids = (await books.open()).map(({ id }) => id);
  books.nowMs += HOUR;
  expect(await books.reconcile()).toMatchObject({ kind: "finished", report: { findings: { seen: 5, new: 0, resolved: 0 } } });
  expect((await books.open()).map(({ id }) => id)).toEqual(ids);
});
