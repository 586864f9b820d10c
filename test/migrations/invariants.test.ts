import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../gateway/store/database.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

/** What the database keeps by itself, whatever the code does. */
let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({ url: test.url, maxConnections: 2, onIdleError: () => {}, connectTimeoutMs: 60_000 });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

let serial = 0;
const next = () => {
  serial += 1;
  return serial;
};
const sql = (text: string) => db.query({ name: `t${next()}`, text });

async function charge(status: string, captured = 0): Promise<string> {
  const id = `ch_${next()}`;
  await sql(`insert into charges (id, account_id, livemode, status, amount, amount_captured, currency, idempotency_key, payment_method, providers, metadata,
      defer, defer_until, lease_no, next_action_at, created_at, updated_at)
    values ('${id}', 'acct_default', false, '${status}', 100, ${captured}, 'usd', '${id}', '{}', '{stripe}', '{}', true, now(), 1, now(), now(), now())`);
  return id;
}

const attempt = (chargeId: string, no: number, live: boolean) =>
  sql(`insert into attempts (id, charge_id, no, provider, provider_account, request, live, started_at)
    values ('at_${chargeId}_${no}', '${chargeId}', ${no}, 'stripe', 'acct', '{}', ${live}, now())`);

describe("law 1", () => {
  it("lets a charge have one live attempt, and any number of closed ones", async () => {
    const id = await charge("processing");
    await attempt(id, 1, false);
    await attempt(id, 2, true);
    await attempt(id, 3, false);
    await expect(attempt(id, 4, true)).rejects.toMatchObject({ constraint: "attempts_one_live" });
  });
});

describe("law 6", () => {
  it("gives a key to one operation of an account", async () => {
    const id = await charge("processing");
    const take = (account: string) =>
      sql(
        `insert into idempotency_keys (account_id, key, operation, fingerprint, charge_id, created_at) values ('${account}', 'k', 'charge', '', '${id}', now())`,
      );
    await take("acct_default");
    await sql("insert into accounts (id, name) values ('acct_other', 'other')");
    await take("acct_other");
    await expect(take("acct_default")).rejects.toMatchObject({ constraint: "idempotency_keys_pkey" });
  });
});

describe("law 8", () => {
  it.each(["failed", "canceled"])("lets a %s charge become succeeded (a late success), and nothing else", async (status) => {
    const id = await charge(status);
    await expect(sql(`update charges set status = 'processing' where id = '${id}'`)).rejects.toMatchObject({ code: "23001" });
    await sql(`update charges set status = 'succeeded', amount_captured = 100 where id = '${id}'`);
    await expect(sql(`update charges set status = 'failed', amount_captured = 0 where id = '${id}'`)).rejects.toMatchObject({
      code: "23001",
    });
  });

  it("holds money exactly while it is succeeded", async () => {
    await expect(charge("succeeded", 0)).rejects.toMatchObject({ constraint: "charges_money" });
    await expect(charge("failed", 100)).rejects.toMatchObject({ constraint: "charges_money" });
  });

  it("has one compensation per attempt", async () => {
    const id = await charge("failed");
    await attempt(id, 1, false);
    const compensate = (op: string) =>
      sql(`insert into operations (id, account_id, provider_key, charge_id, attempt_id, kind, state, reference, amount, currency, captured, created_at, updated_at)
        values ('${op}', 'acct_default', '${op}:key', '${id}', 'at_${id}_1', 'compensate', 'processing', 'pi', 100, 'usd', true, now(), now())`);
    await compensate("op_1");
    await expect(compensate("op_2")).rejects.toMatchObject({ constraint: "operations_one_compensation" });
  });
});

describe("what goes back", () => {
  it("is never more than what was taken: refunded is part of reserved, reserved of captured", async () => {
    const id = await charge("succeeded", 100);
    const set = (refunded: number, reserved: number) =>
      sql(`update charges set amount_refunded = ${refunded}, amount_reserved = ${reserved} where id = '${id}'`);
    await set(40, 100);
    await set(100, 100);
    await expect(set(0, 101)).rejects.toMatchObject({ constraint: "charges_refunds" });
    await expect(set(41, 40)).rejects.toMatchObject({ constraint: "charges_refunds" });
    await expect(set(101, 101)).rejects.toMatchObject({ constraint: expect.stringMatching(/^charges_(money|refunds)$/) });
    await expect(sql(`update charges set amount_captured = 99 where id = '${id}'`)).rejects.toMatchObject({
      constraint: expect.stringMatching(/^charges_(money|refunds)$/),
    });
  });

  it("has a key at the provider that no other operation has, a kind, a state, and something to give", async () => {
    const id = await charge("succeeded", 100);
    await attempt(id, 1, true);
    const refund = (op: string, more: { key?: string; kind?: string; state?: string; amount?: number } = {}) =>
      sql(`insert into operations (id, account_id, provider_key, charge_id, attempt_id, kind, state, reference, amount, currency, captured, created_at, updated_at)
        values ('${op}', 'acct_default', '${more.key ?? op}', '${id}', 'at_${id}_1', '${more.kind ?? "refund"}', '${more.state ?? "processing"}', 'pi',
          ${more.amount ?? 1}, 'usd', true, now(), now())`);
    await refund("re_1");
    await refund("re_2");
    await expect(refund("re_3", { key: "re_1" })).rejects.toMatchObject({ constraint: "operations_provider_key_key" });
    await expect(refund("re_3", { kind: "gift" })).rejects.toMatchObject({ constraint: "operations_kind_check" });
    await expect(refund("re_3", { state: "done" })).rejects.toMatchObject({ constraint: "operations_state_check" });
    await expect(refund("re_3", { amount: 0 })).rejects.toMatchObject({ constraint: "operations_amount_check" });
  });
});

describe("law 9", () => {
  it.each(["processing", "in_doubt", "pending", "requires_action"])("never leaves a %s charge without a next look", async (status) => {
    const id = await charge(status);
    await expect(sql(`update charges set next_action_at = null where id = '${id}'`)).rejects.toMatchObject({ constraint: "charges_money" });
  });
});

describe("law 10", () => {
  it.each(["update events set actor = 'me'", "delete from events", "truncate events cascade", "delete from event_seals"])(
    "refuses %s",
    async (statement) => {
      await expect(sql(statement)).rejects.toMatchObject({ code: "23001" });
    },
  );
});

it("keeps a second unfinished charge of a reference out, unless it is allowed", async () => {
  const id = await charge("processing");
  const other = await charge("deferred");
  await sql(`update charges set reference = 'r1' where id = '${id}'`);
  await expect(sql(`update charges set reference = 'r1' where id = '${other}'`)).rejects.toMatchObject({
    constraint: "charges_one_unfinished_per_reference",
  });
  await sql(`update charges set reference = 'r1', allow_duplicate_reference = true where id = '${other}'`);
});
