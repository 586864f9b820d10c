import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { idFloor } from "../../../gateway/ids.ts";
import { readCharge, readChargeByKey } from "../../../gateway/store/read-charges.ts";
import { createHttpFixture, type HttpFixture } from "./http-fixture.ts";

let http: HttpFixture;
/** Ids say when they were made, which the lists rely on. */
const [CH_1, CH_2, CH_3, CH_4] = [1, 2, 3, 4].map((day) => `${idFloor("ch", Date.UTC(2026, 0, day))}${"0".repeat(16)}`) as [
  string,
  string,
  string,
  string,
];
beforeAll(async () => {
  http = await createHttpFixture();
  await http.db.query({ name: "account", text: "insert into accounts (id, name) values ('acct_other', 'other')" });
  await seed({ id: CH_1, status: "failed", provider: "paypal", reference: "invoice-1", createdAt: "2026-01-01T00:00:00Z" });
  await seed({ id: CH_2, status: "succeeded", provider: "stripe", reference: "invoice-2", createdAt: "2026-01-02T00:00:00Z" });
  await seed({ id: CH_3, status: "failed", provider: "stripe", reference: "invoice-2", createdAt: "2026-01-03T00:00:00Z" });
  await seed({
    id: CH_4,
    account: "acct_other",
    status: "failed",
    provider: "stripe",
    reference: "invoice-2",
    createdAt: "2026-01-04T00:00:00Z",
  });
  await seedAttempt({ id: "at_b", charge: CH_2, no: 2, outcome: "approved" });
  await seedAttempt({ id: "at_a", charge: CH_2, no: 1, outcome: "not_sent" });
  for (const [type, account] of [
    ["charge.accepted", "acct_default"],
    ["charge.succeeded", "acct_default"],
    ["charge.forged", "acct_other"],
  ]) {
    await http.db.query({
      name: "event",
      text: `insert into events (at, account_id, type, actor, charge_id, data) values ('2026-01-02', $1, $2, 'system:engine', $3, '{"a":1}')`,
      values: [account, type, CH_2],
    });
  }
});
afterAll(() => http.close());

async function seed(charge: {
  id: string;
  account?: string;
  status: string;
  provider: string;
  reference: string;
  createdAt: string;
}): Promise<void> {
  await http.db.query({
    name: "seed_charge",
    text: `with c as (insert into charges (id, account_id, livemode, status, amount, amount_captured, currency, reference, allow_duplicate_reference,
          idempotency_key, payment_method, providers, metadata, defer, defer_until, lease_no, provider, created_at, updated_at)
        values ($1, $2, false, $3, 999999999999, case when $3 = 'succeeded' then 999999999999 else 0 end, 'usd', $4, true, 'key of ' || $1,
          '{"tokens":{"stripe":{"payment_method":"pm_secret"}},"type":"card","brand":null,"country":null}', '{stripe}', '{}', true, now(), 1, $5, $6, $6)
        returning *)
      insert into idempotency_keys (account_id, key, operation, fingerprint, charge_id, created_at)
      select account_id, idempotency_key, 'create', '\\x00', id, now() from c`,
    values: [charge.id, charge.account ?? "acct_default", charge.status, charge.reference, charge.provider, new Date(charge.createdAt)],
  });
}

async function seedAttempt(attempt: { id: string; charge: string; no: number; outcome: string }): Promise<void> {
  await http.db.query({
    name: "seed_attempt",
    text: `insert into attempts (id, charge_id, no, provider, provider_account, request, live, outcome, detail, started_at, finished_at, latency_ms)
      values ($1, $2, $3, 'stripe', 'acct_1', '{"amount":"999999999999","token":{"payment_method":"pm_secret"}}', $4, $5, '{"cause":"refused"}',
        '2026-01-02T00:00:00.123456Z', '2026-01-02T00:00:01Z', 877)`,
    values: [attempt.id, attempt.charge, attempt.no, attempt.outcome === "approved", attempt.outcome],
  });
}

const ids = async (query: string): Promise<string[]> => {
  const answer = await http.as("finance").get(`/v1/charges?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data.map((charge: { id: string }) => charge.id);
};

describe("GET /v1/charges/{id}", () => {
  it("shows a charge with its attempts, in order, and its events", async () => {
    const answer = await http.as("billing").get(`/v1/charges/${CH_2}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id: CH_2,
      object: "charge",
      status: "succeeded",
      amount: 999_999_999_999,
      amount_captured: 999_999_999_999,
    });
    expect(answer.body.attempts.map((attempt: { id: string }) => attempt.id)).toEqual(["at_a", "at_b"]);
    expect(answer.body.attempts[0]).toMatchObject({
      outcome: "not_sent",
      reason: "refused",
      started_at: "2026-01-02T00:00:00.123Z",
      latency_ms: 877,
    });
    expect(answer.body.events.map((event: { type: string }) => event.type)).toEqual(["charge.accepted", "charge.succeeded"]);
    expect(answer.body.events[0]).toMatchObject({ at: "2026-01-02T00:00:00.000Z", actor: "system:engine", data: { a: 1 } });
    expect(answer.text).not.toMatch(/pm_secret/);
  });

  it("knows no charge of another account, and none that never was", async () => {
    for (const id of [CH_4, "ch_9", "no-id", "ch_%27"]) {
      const answer = await http.as("admin").get(`/v1/charges/${id}`);
      expect(answer.status, id).toBe(404);
      expect(answer.body.code).toBe("not_found");
    }
  });
});

describe("GET /v1/charges", () => {
  it("lists the account's charges, newest first", async () => {
    expect(await ids("")).toEqual([CH_3, CH_2, CH_1]);
  });

  it("pages by cursor until there is no more", async () => {
    const first = await http.as("ops").get("/v1/charges?limit=2");
    expect(first.body).toMatchObject({ object: "list", has_more: true, next_cursor: CH_2 });
    const second = await http.as("ops").get(`/v1/charges?limit=2&starting_after=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({ has_more: false, next_cursor: null });
    expect(second.body.data.map((charge: { id: string }) => charge.id)).toEqual([CH_1]);
  });

  it("filters by everything that it says it does", async () => {
    expect(await ids("status=failed")).toEqual([CH_3, CH_1]);
    expect(await ids("provider=stripe")).toEqual([CH_3, CH_2]);
    expect(await ids("reference=invoice-2")).toEqual([CH_3, CH_2]);
    expect(await ids(`idempotency_key=key%20of%20${CH_1}`)).toEqual([CH_1]);
    expect(await ids(`idempotency_key=key%20of%20${CH_4}`)).toEqual([]);
    expect(await ids("created_from=2026-01-02T00:00:00Z&created_before=2026-01-03T00:00:00Z")).toEqual([CH_2]);
    expect(
      await ids("status=failed&provider=stripe&reference=invoice-2&created_from=2026-01-02T00:00:00%2B01:00&starting_after=ch_z"),
    ).toEqual([CH_3]);
  });

  it("takes several statuses at once, and pages over them", async () => {
    expect(await ids("status=failed,succeeded")).toEqual([CH_3, CH_2, CH_1]);
    expect(await ids("status=succeeded,deferred,processing")).toEqual([CH_2]);
    const first = await http.as("ops").get("/v1/charges?status=failed,succeeded&limit=2");
    expect(first.body).toMatchObject({ has_more: true, next_cursor: CH_2 });
    expect(await ids(`status=failed,succeeded&limit=2&starting_after=${CH_2}`)).toEqual([CH_1]);
  });

  it("finds a charge by whatever it, an attempt or a refund of it is known by, in the caller's account only", async () => {
    await http.db.query({
      name: "seed_known",
      text: `with p as (insert into provider_accounts (provider, kind, account, livemode, first_used_at) values ('stripe', 'stripe', 'acct_1', false, now())),
        a as (update attempts set object = 'pi_object', provider_reference = 'pi_paid' where id = 'at_b')
        insert into operations (id, charge_id, attempt_id, kind, state, reference, amount, currency, captured, provider_reference, created_at, updated_at, account_id, provider_key)
        select v.id, v.charge, 'at_b', 'refund', 'succeeded', 'pi_paid', 1, 'usd', true, v.theirs, now(), now(), v.account, v.id
        from (values ('re_ours', $1, 're_theirs', 'acct_default'), ('re_others', $2, 're_not_ours', 'acct_other')) as v(id, charge, theirs, account)`,
      values: [CH_2, CH_4],
    });
    for (const q of [CH_2, "at_b", "at_a", "pi_object", "pi_paid", "re_ours", "re_theirs", `key of ${CH_2}`])
      expect(await ids(`q=${encodeURIComponent(q)}`), q).toEqual([CH_2]);
    expect(await ids("q=invoice-2")).toEqual([CH_3, CH_2]);
    expect(await ids("q=invoice-2&status=failed")).toEqual([CH_3]);
    for (const q of [CH_4, "re_others", "re_not_ours", "invoice", "nothing"]) expect(await ids(`q=${q}`), q).toEqual([]);
  });

  it("refuses what it does not know", async () => {
    const pointers = async (query: string) => {
      const answer = await http.as("billing").get(`/v1/charges?${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body.code).toBe("invalid_request");
      return answer.body.errors.map((error: { pointer: string }) => error.pointer);
    };
    expect(await pointers("status=done&limit=0&surprise=1&created_from=today")).toEqual([
      "?limit",
      "?status",
      "?created_from",
      "?surprise",
    ]);
    expect(await pointers("limit=101")).toEqual(["?limit"]);
    expect(await pointers("limit=1&limit=2")).toEqual(["?limit"]);
  });
});

describe("reading for the machine", () => {
  it("reads by key with what the key was used for", async () => {
    const known = await readChargeByKey(http.db, { accountId: "acct_default", key: `key of ${CH_2}` });
    expect(known).toMatchObject({
      operation: "create",
      charge: { id: CH_2, amount: 999_999_999_999n, attempts: [{ id: "at_a" }, { id: "at_b" }] },
    });
    expect(known?.fingerprint.equals(Buffer.from([0]))).toBe(true);
    expect(await readChargeByKey(http.db, { accountId: "acct_other", key: `key of ${CH_2}` })).toBeNull();
  });

  it("reads across accounts only when no account is named", async () => {
    expect(await readCharge(http.db, { accountId: null, id: CH_4 })).toMatchObject({ accountId: "acct_other", attempts: [] });
    expect(await readCharge(http.db, { accountId: "acct_default", id: CH_4 })).toBeNull();
  });
});
