import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OperationState } from "../../../gateway/charges/operation.ts";
import { fingerprintOf } from "../../../gateway/idempotency/fingerprint.ts";
import { Problem } from "../../../gateway/problems.ts";
import { createHttpFixture, type HttpFixture } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
  await seed();
});
afterAll(() => http.close());
beforeEach(() => {
  http.charges.next = {};
  http.charges.nextRefund = {};
  http.charges.refunds.length = 0;
});

const post = (body: object, key = "r-1") => http.as("billing").post("/v1/refunds").set("Idempotency-Key", key).send(body);

/** Two charges of ours and one of another account, with refunds in several states. */
async function seed(): Promise<void> {
  const sql = (text: string) => http.db.query({ name: "", text });
  await sql("insert into accounts (id, name) values ('acct_other', 'other')");
  for (const [charge, account] of [
    ["ch_a", "acct_default"],
    ["ch_b", "acct_default"],
    ["ch_c", "acct_other"],
  ] as const) {
    await sql(`insert into charges (id, account_id, livemode, status, amount, amount_captured, amount_refunded, amount_reserved, currency, idempotency_key,
        payment_method, providers, metadata, defer, defer_until, lease_no, created_at, updated_at)
      values ('${charge}', '${account}', false, 'succeeded', 4200, 4200, 100, 300, 'usd', '${charge}', '{"tokens": {}}', '{stripe}', '{}', true, now(), 1,
        now(), now())`);
    await sql(`insert into attempts (id, charge_id, no, provider, provider_account, request, live, outcome, started_at)
      values ('at_${charge}', '${charge}', 1, 'stripe', 'acct', '{"amount": "4200"}', true, 'approved', now())`);
    for (const [no, state] of [
      [1, "succeeded"],
      [2, "failed"],
      [3, "in_doubt"],
    ] as const) {
      const id = `re_${charge.slice(3)}${no}`;
      await sql(`insert into operations (id, account_id, charge_id, attempt_id, kind, state, provider_key, reference, amount, currency, captured,
          reason, metadata, failure, provider_reference, created_at, updated_at)
        values ('${id}', '${account}', '${charge}', 'at_${charge}', 'refund', '${state}', '${id}', 'pi_1', ${no}00, 'usd', true, 'why',
          '{"ticket": "7"}', '{"code": "refund_failed", "message": "No.", "provider_code": "x", "since": "2026-06-01T00:00:00Z"}', 're_there',
          '2026-06-01T00:00:00Z', '2026-06-01T00:00:01Z')`);
    }
    await sql(`insert into operations (id, account_id, charge_id, attempt_id, kind, state, provider_key, reference, amount, currency, captured, created_at,
        updated_at)
      values ('op_${charge}', '${account}', '${charge}', 'at_${charge}', 'compensate', 'succeeded', 'key_${charge}', 'pi_2', 4200, 'usd', true, now(), now())`);
  }
}

describe("POST /v1/refunds", () => {
  it("hands the refund to the money core and answers with it", async () => {
    const answer = await post({ charge: "ch_a", amount: 1_000, reason: "returned", metadata: { ticket: "7" } });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe("/v1/refunds/re_1");
    expect(answer.headers["idempotent-replayed"]).toBeUndefined();
    expect(answer.body).toEqual({
      id: "re_1",
      object: "refund",
      livemode: false,
      charge: "ch_a",
      status: "succeeded",
      amount: 1_000,
      currency: "usd",
      reason: "returned",
      provider: "stripe",
      provider_reference: "re_at_stripe",
      failure: null,
      metadata: { ticket: "7" },
      created_at: "2026-06-01T00:00:00.000Z",
      updated_at: "2026-06-01T00:00:00.000Z",
    });
    expect(http.charges.refunds).toMatchObject([
      { accountId: "acct_default", actor: "key:key_billing", idempotencyKey: "r-1", chargeId: "ch_a", amount: 1_000n, reason: "returned" },
    ]);
    const again = await post({ charge: "ch_a", amount: 1_000, reason: "returned", metadata: { ticket: "7" } });
    expect(again.headers["idempotent-replayed"]).toBe("true");
  });

  it.each<[OperationState, number]>([
    ["succeeded", 201],
    ["failed", 201],
    ["processing", 202],
    ["pending", 202],
    ["in_doubt", 202],
    ["deferred", 202],
  ])("that is %s answers %i", async (state, status) => {
    const failure = { code: "refund_failed", message: "No.", provider_code: "x", since: "2026-06-01T00:00:00Z" };
    http.charges.nextRefund = { state, failure };
    const answer = await post({ charge: "ch_a" });
    expect([answer.status, answer.body.status]).toEqual([status, state]);
    // What a doubt was refused with so far is no failure yet.
    expect(answer.body.failure).toEqual(state === "failed" ? { code: "refund_failed", message: "No.", provider_code: "x" } : null);
  });

  it("without an amount asks for what is left, and is another request than one with it", async () => {
    await post({ charge: "ch_a" }, "r-2");
    await post({ charge: "ch_a", amount: 4_200 }, "r-3");
    const [whole, part] = http.charges.refunds;
    expect(whole).toMatchObject({ amount: null, reason: null, metadata: {} });
    expect(whole?.fingerprint.equals(part!.fingerprint)).toBe(false);
  });

  it("has another fingerprint than a charge with the same body, and needs a key", async () => {
    const body = { charge: "ch_a" };
    await post(body);
    const fingerprint = http.charges.refunds[0]?.fingerprint as Buffer;
    expect(fingerprint.equals(fingerprintOf({ method: "post", path: "/v1/refunds", json: body }))).toBe(true);
    expect(fingerprint.equals(fingerprintOf({ method: "post", path: "/v1/charges", json: body }))).toBe(false);
    expect((await http.as("billing").post("/v1/refunds").send(body)).body.code).toBe("idempotency_key_missing");
  });

  it.each([
    [{}, ["/charge"]],
    [{ charge: "pi_1" }, ["/charge"]],
    [{ charge: "ch_a", amount: 0 }, ["/amount"]],
    [{ charge: "ch_a", amount: 1.5 }, ["/amount"]],
    [{ charge: "ch_a", amount: -1 }, ["/amount"]],
    [{ charge: "ch_a", reason: "x".repeat(501) }, ["/reason"]],
    [{ charge: "ch_a", currency: "usd" }, ["/currency"]],
    [{ charge: "ch_a", metadata: { a: 1 } }, ["/metadata/a"]],
  ])("refuses %j with pointers", async (body, pointers) => {
    const answer = await post(body);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: "validation_failed", money: "none" });
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
    expect(http.charges.refunds).toEqual([]);
  });

  it.each([
    ["refund_exceeds_captured", 409, "none"],
    ["charge_disputed", 409, "none"],
    ["charge_not_refundable", 409, "as_shown"],
  ] as const)("tells %s", async (code, status, money) => {
    http.charges.next = new Problem(code, "test", { chargeId: "ch_a" });
    const answer = await post({ charge: "ch_a" });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code, money, charge: "ch_a" });
  });

  it("is for billing keys alone", async () => {
    for (const role of ["finance", "ops"] as const) {
      const answer = await http.as(role).post("/v1/refunds").set("Idempotency-Key", "x").send({ charge: "ch_a" });
      expect(answer.body.code).toBe("forbidden");
    }
  });
});

describe("GET /v1/refunds", () => {
  it("shows one refund of the account, to everybody who reads charges", async () => {
    for (const role of ["billing", "finance", "ops"] as const) {
      const { body, status } = await http.as(role).get("/v1/refunds/re_a2");
      expect(status).toBe(200);
      expect(body).toMatchObject({
        id: "re_a2",
        charge: "ch_a",
        status: "failed",
        amount: 200,
        failure: { code: "refund_failed", message: "No.", provider_code: "x" },
        provider: "stripe",
        metadata: { ticket: "7" },
        updated_at: "2026-06-01T00:00:01.000Z",
      });
    }
    expect((await http.as("billing").get("/v1/refunds/re_a3")).body).toMatchObject({ status: "in_doubt", failure: null });
  });

  it("knows neither another account's refund, nor a compensation, nor what cannot be an id", async () => {
    for (const id of ["re_c1", "op_ch_a", "re_none", "x"]) expect((await http.as("ops").get(`/v1/refunds/${id}`)).status).toBe(404);
  });

  it("lists them newest first, page by page, of all charges or of one", async () => {
    const ids = ({ body }: { body: { data: { id: string }[] } }) => body.data.map(({ id }) => id);
    expect(ids(await http.as("finance").get("/v1/refunds"))).toEqual(["re_b3", "re_b2", "re_b1", "re_a3", "re_a2", "re_a1"]);
    const first = await http.as("finance").get("/v1/refunds?charge=ch_a&limit=2");
    expect(ids(first)).toEqual(["re_a3", "re_a2"]);
    expect(first.body).toMatchObject({ has_more: true, next_cursor: "re_a2" });
    const second = await http.as("finance").get("/v1/refunds?charge=ch_a&limit=2&starting_after=re_a2");
    expect(ids(second)).toEqual(["re_a1"]);
    expect(second.body).toMatchObject({ has_more: false, next_cursor: null });
    expect(ids(await http.as("finance").get("/v1/refunds?charge=ch_c"))).toEqual([]);
    expect((await http.as("finance").get("/v1/refunds?charge=x")).status).toBe(400);
  });

  it("are shown with their charge", async () => {
    const { body } = await http.as("billing").get("/v1/charges/ch_a");
    expect(body).toMatchObject({ amount_refunded: 100, refunds: [{ id: "re_a3" }, { id: "re_a2" }, { id: "re_a1", object: "refund" }] });
  });
});
