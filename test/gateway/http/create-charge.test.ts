import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Problem } from "../../../gateway/problems.ts";
import { DatabaseAmbiguous, DatabaseUnavailable } from "../../../gateway/store/database.ts";
import { createHttpFixture, type HttpFixture, VALID_CHARGE } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());
beforeEach(() => {
  http.charges.next = {};
  http.charges.created.length = 0;
});

const lastInput = () => http.charges.created.at(-1);

describe("POST /v1/charges", () => {
  it("hands the charge to the money core and answers with it", async () => {
    const answer = await http.charge({ ...VALID_CHARGE, reference: "invoice-1042", metadata: { customer: "42" } }, "key-1");
    expect(answer.status).toBe(201);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.body).toEqual({
      id: answer.body.id,
      object: "charge",
      livemode: false,
      status: "succeeded",
      amount: 4200,
      amount_captured: 4200,
      amount_refunded: 0,
      currency: "usd",
      capture: "automatic",
      failover: "proven",
      authorized_until: null,
      settlement: null,
      disputed: false,
      reference: "invoice-1042",
      payment_method: null,
      provider: "stripe",
      provider_reference: "pi_1",
      failure: null,
      deferred: null,
      next_action: null,
      attempts: [],
      metadata: { customer: "42" },
      created_at: "2026-06-01T00:00:00.000Z",
      updated_at: "2026-06-01T00:00:00.000Z",
    });
    expect(answer.headers.location).toBe(`/v1/charges/${answer.body.id}`);
    expect(answer.headers["idempotent-replayed"]).toBeUndefined();
    expect(lastInput()).toMatchObject({
      accountId: "acct_default",
      actor: "key:key_billing",
      idempotencyKey: "key-1",
      money: { amount: 4200n, currency: "usd" },
      paymentMethod: { tokens: { stripe: VALID_CHARGE.payment_method.stripe }, type: "card", brand: "visa", country: "US" },
      allowDuplicateReference: false,
      defer: { untilMs: Date.parse("2026-06-04T00:00:00Z") },
    });
    expect(lastInput()?.fingerprint).toHaveLength(32);
  });

  it("gives two requests that differ only in key order one fingerprint", async () => {
    await http.charge(VALID_CHARGE);
    await http.charge(Object.fromEntries(Object.entries(VALID_CHARGE).reverse()));
    const [first, second] = http.charges.created;
    expect(first?.fingerprint.equals(second?.fingerprint as Buffer)).toBe(true);
  });

  it("answers 201 when the charge is final for the caller and 202 when it is not", async () => {
    for (const status of ["succeeded", "authorized", "failed", "canceled", "requires_action"] as const) {
      http.charges.next = { status };
      expect((await http.charge(VALID_CHARGE)).status).toBe(201);
    }
    for (const status of ["processing", "pending", "in_doubt", "deferred"] as const) {
      http.charges.next = { status };
      expect((await http.charge(VALID_CHARGE)).status).toBe(202);
    }
  });

  it("says when an answer is a repetition", async () => {
    await http.charge(VALID_CHARGE, "again");
    const answer = await http.charge(VALID_CHARGE, "again");
    expect(answer.headers["idempotent-replayed"]).toBe("true");
  });

  it("shows the reasons of its attempts and no tokens", async () => {
    const attempt = {
      id: "at_1" as const,
      no: 1,
      provider: "stripe",
      providerAccount: "acct_1",
      live: false,
      outcome: "declined" as const,
      ambiguous: false,
      detail: { reason: "insufficient_funds" },
      object: "pi_1",
      providerReference: null,
      request: { amount: "4200", currency: "usd", token: { payment_method: "pm_secret" }, description: null, reference: null },
      nextLookAt: null,
      looks: 0,
      decision: {},
      startedAt: new Date(0),
      finishedAt: new Date(212),
      latencyMs: 212,
    };
    http.charges.next = { status: "failed", attempts: [attempt] };
    const answer = await http.charge(VALID_CHARGE);
    expect(answer.body.attempts).toEqual([
      {
        id: "at_1",
        provider: "stripe",
        outcome: "declined",
        started_at: "1970-01-01T00:00:00.000Z",
        finished_at: "1970-01-01T00:00:00.212Z",
        latency_ms: 212,
        provider_reference: null,
        reason: "insufficient_funds",
      },
    ]);
    expect(answer.text).not.toMatch(/pm_/);
  });

  it("needs an idempotency key of visible ASCII", async () => {
    const request = () => http.as("billing").post("/v1/charges");
    expect((await request().send(VALID_CHARGE)).body.code).toBe("idempotency_key_missing");
    for (const key of ["with space", "k".repeat(256), "ümlaut"]) {
      const answer = await request().set("Idempotency-Key", Buffer.from(key, "latin1").toString("latin1")).send(VALID_CHARGE);
      expect(answer.body.code, key).toBe("idempotency_key_invalid");
    }
    expect((await request().set("Idempotency-Key", "k".repeat(255)).send(VALID_CHARGE)).status).toBe(201);
  });

  it("tells the money core's refusals with their advice", async () => {
    http.charges.next = new Problem("idempotency_key_in_use", "Still running.", { retryAfterS: 1.2, chargeId: "ch_1" });
    const busy = await http.charge(VALID_CHARGE);
    expect(busy.status).toBe(409);
    expect(busy.headers["retry-after"]).toBe("2");
    expect(busy.body).toMatchObject({ code: "idempotency_key_in_use", charge: "ch_1", money: "unknown" });
    http.charges.next = new DatabaseUnavailable("no connection");
    const away = await http.charge(VALID_CHARGE);
    expect(away.status).toBe(503);
    expect(away.headers["retry-after"]).toBe("2");
    expect(away.body).toMatchObject({ code: "database_unavailable", money: "unknown" });
    http.charges.next = new DatabaseAmbiguous("lost");
    const lost = await http.charge(VALID_CHARGE);
    expect(lost.status).toBe(503);
    expect(lost.body).toMatchObject({ code: "outcome_unknown_retry_same_key", money: "unknown" });
    expect(lost.body.action).toMatch(/same Idempotency-Key/);
  });

  it("repeats the answer of an accepted charge even when the same body would be refused today", async () => {
    const body = { ...VALID_CHARGE, defer: { until: "2026-06-01T00:01:00Z" } };
    await http.charge(body, "kept");
    const input = lastInput();
    await http.db.query({
      name: "seed",
      text: `with c as (insert into charges (id, account_id, livemode, status, amount, currency, idempotency_key, payment_method, providers, metadata, defer,
          defer_until, lease_no, created_at, updated_at)
        values ('ch_kept', 'acct_default', false, 'failed', 4200, 'usd', 'kept', '{}', '{stripe}', '{}', true, now(), 1, now(), now()) returning id)
        insert into idempotency_keys (account_id, key, operation, fingerprint, charge_id, created_at) select 'acct_default', 'kept', 'create', $1, id, now() from c`,
      values: [input?.fingerprint],
    });
    http.clock.nowMs += 3_600_000;
    const again = await http.charge(body, "kept");
    expect(again.status).toBe(201);
    expect(again.body).toMatchObject({ id: "ch_kept", status: "failed" });
    expect(again.headers["idempotent-replayed"]).toBe("true");
    expect((await http.charge({ ...body, amount: 1 }, "kept")).status).toBe(422);
    expect((await http.charge(body, "another")).body.errors).toEqual([{ pointer: "/defer/until", detail: "must be in the future" }]);
    http.clock.nowMs -= 3_600_000;
  });

  it("goes on with the charge when its caller hangs up", async () => {
    let open = () => {};
    http.charges.gate = new Promise((resolve) => {
      open = resolve;
    });
    const request = http.charge(VALID_CHARGE, "hang-up");
    request.end(() => {});
    await expect.poll(() => http.charges.created.length).toBe(1);
    request.abort();
    // Until the server's socket has seen it: several turns of the event loop, however late the first one comes.
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setTimeout(resolve, 20));
    const lines = http.log.length;
    open();
    await expect.poll(() => http.log.length).toBe(lines + 1);
    http.charges.gate = Promise.resolve();
    expect(JSON.parse(http.log.at(-1) as string)).toMatchObject({ status: 201, hung_up: true, charge: expect.stringMatching(/^ch_/) });
  });
});
