import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fingerprintOf } from "../../../gateway/idempotency/fingerprint.ts";
import { acceptCharges } from "../../../gateway/store/accept-charges.ts";
import { acceptance } from "../store/interleaving/rows.ts";
import { createHttpFixture, type HttpFixture, VALID_CHARGE } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());

const STRIPE = { customer: "cus_1", payment_method: "pm_card_visa" };
const PAYPAL = { vault_id: "8kk845" };
const METHOD = { stripe: STRIPE, paypal: PAYPAL, type: "card", brand: "visa", country: "US", exp_month: 6, exp_year: 2026 };

const billing = () => http.as("billing");
const post = (body: object, path = "") => billing().post(`/v1/payment-methods${path}`).send(body);
const put = (id: string, provider: string, body: object) => billing().put(`/v1/payment-methods/${id}/tokens/${provider}`).send(body);
const get = async (id: string) => (await http.as("finance").get(`/v1/payment-methods/${id}`)).body;
const stored = async (more: object = {}): Promise<{ id: string }> => (await post({ ...METHOD, ...more })).body;

async function faultsOf(answer: PromiseLike<{ status: number; body: { errors: { pointer: string; detail: string }[] } }>) {
  const { status, body } = await answer;
  expect(status).toBe(422);
  return Object.fromEntries(body.errors.map(({ pointer, detail }) => [pointer, detail]));
}

const trail = (id: string) =>
  http.db.query<{ type: string; actor: string; provider: string | null; data: object }>({
    name: "pm_trail",
    text: "select type, actor, provider, data - 'payment_method' as data from events where data ->> 'payment_method' = $1 order by id",
    values: [id],
  });

describe("POST /v1/payment-methods", () => {
  it("stores the tokens of one instrument, and shows which provider has one without showing it", async () => {
    const answer = await post({ ...METHOD, metadata: { customer: "42" } });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/v1/payment-methods/${answer.body.id}`);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^pm_[0-9a-z]{26}$/),
      object: "payment_method",
      type: "card",
      brand: "visa",
      country: "US",
      exp_month: 6,
      exp_year: 2026,
      expired: false,
      tokens: ["paypal", "stripe"].map((provider) => ({ provider, state: "active", reason: null, updated_at: "2026-06-01T00:00:00.000Z" })),
      metadata: { customer: "42" },
      created_at: "2026-06-01T00:00:00.000Z",
      updated_at: "2026-06-01T00:00:00.000Z",
      deleted_at: null,
    });
    expect(await get(answer.body.id)).toEqual(answer.body);
    expect(await trail(answer.body.id)).toEqual([
      { type: "payment_method.created", actor: "key:key_billing", provider: null, data: { providers: ["paypal", "stripe"] } },
    ]);
    for (const shown of [answer.text, JSON.stringify(await trail(answer.body.id)), http.log.join("\n")]) {
      expect(shown).not.toMatch(/cus_1|pm_card_visa|8kk845/);
    }
  });

  it("tells every fault at once, each with its pointer", async () => {
    const body = { stripe: { payment_method: "" }, adyen: {}, country: "Germany", exp_month: 13, exp_year: 26, metadata: { a: 1 } };
    expect(Object.keys(await faultsOf(post(body))).sort()).toEqual([
      "/adyen",
      "/country",
      "/exp_month",
      "/exp_year",
      "/metadata/a",
      "/stripe/payment_method",
    ]);
    expect(await faultsOf(post({ type: "card" }))).toEqual({ "": "needs a token for at least one of: stripe, paypal" });
    expect(await faultsOf(post({ stripe: STRIPE, exp_month: 6 }))).toEqual({ "/exp_year": "exp_month and exp_year go together" });
  });

  it("refuses card numbers wherever they are, and keeps nothing", async () => {
    const before = (await billing().get("/v1/payment-methods?limit=100")).body.data.length;
    for (const body of [
      { ...METHOD, metadata: { note: "4111 1111 1111 1111" } },
      { ...METHOD, stripe: { payment_method: "4111111111111111" } },
    ]) {
      expect((await post(body)).body.code).toBe("card_number_not_allowed");
    }
    const { id } = await stored();
    expect((await put(id, "stripe", { token: { payment_method: "5555555555554444" } })).body.code).toBe("card_number_not_allowed");
    expect((await post({ metadata: { note: "378282246310005" } }, `/${id}`)).body.code).toBe("card_number_not_allowed");
    expect((await billing().get("/v1/payment-methods?limit=100")).body.data).toHaveLength(before + 1);
  });

  it("calls it expired from the first day of the month after", async () => {
    const { id } = await stored();
    http.clock.nowMs = Date.parse("2026-06-30T23:59:59.999Z");
    expect(await get(id)).toMatchObject({ expired: false });
    http.clock.nowMs += 1;
    expect(await get(id)).toMatchObject({ expired: true });
    http.clock.nowMs = Date.parse("2026-06-01T00:00:00Z");
    const { id: ageless } = await stored({ exp_month: undefined, exp_year: undefined });
    expect(await get(ageless)).toMatchObject({ exp_month: null, exp_year: null, expired: false });
  });
});

describe("POST /v1/payment-methods/{id}", () => {
  it("changes what is given, forgets what is null, and keeps the rest", async () => {
    const { id } = await stored({ metadata: { customer: "42" } });
    http.clock.nowMs += 1_000;
    const changed = await post({ exp_month: 7, exp_year: 2031, country: null }, `/${id}`);
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ exp_month: 7, exp_year: 2031, country: null, brand: "visa", metadata: { customer: "42" } });
    expect(Date.parse(changed.body.updated_at) - Date.parse(changed.body.created_at)).toBe(1_000);
    expect((await post({ metadata: { other: "1" }, exp_month: null, exp_year: null }, `/${id}`)).body).toMatchObject({
      metadata: { other: "1" },
      exp_month: null,
      exp_year: null,
    });
    expect((await trail(id)).slice(1)).toEqual([
      {
        type: "payment_method.updated",
        actor: "key:key_billing",
        provider: null,
        data: { fields: ["country", "exp_month", "exp_year"] },
      },
      {
        type: "payment_method.updated",
        actor: "key:key_billing",
        provider: null,
        data: { fields: ["exp_month", "exp_year", "metadata"] },
      },
    ]);
  });

  it("wants both parts of the expiry, and nothing that it does not know", async () => {
    const { id } = await stored();
    expect(await faultsOf(post({ exp_month: 7 }, `/${id}`))).toEqual({ "/exp_year": "exp_month and exp_year go together" });
    expect(await faultsOf(post({ exp_month: 7, exp_year: null }, `/${id}`))).toEqual({ "/exp_year": "exp_month and exp_year go together" });
    expect(await faultsOf(post({ type: "wallet", stripe: STRIPE }, `/${id}`))).toEqual({
      "/type": "is not a known field",
      "/stripe": "is not a known field",
    });
  });

  it("changes nothing, and writes nothing, where nothing is given", async () => {
    const { id } = await stored();
    const before = await get(id);
    expect((await post({}, `/${id}`)).body).toEqual(before);
    expect(await trail(id)).toHaveLength(1);
  });
});

describe("the tokens of a payment method", () => {
  it("are added, replaced and removed one by one", async () => {
    const { id } = await stored({ paypal: undefined });
    expect((await put(id, "paypal", { token: PAYPAL })).body.tokens).toMatchObject([{ provider: "paypal" }, { provider: "stripe" }]);
    expect((await put(id, "paypal", { token: { vault_id: "another" } })).status).toBe(200);
    const removed = await billing().delete(`/v1/payment-methods/${id}/tokens/paypal`);
    expect(removed.body.tokens).toMatchObject([{ provider: "stripe", state: "active" }]);
    expect((await trail(id)).slice(1).map(({ type, provider, data }) => ({ type, provider, data }))).toEqual([
      { type: "payment_method.token_added", provider: "paypal", data: { replaced: false } },
      { type: "payment_method.token_added", provider: "paypal", data: { replaced: true } },
      { type: "payment_method.token_removed", provider: "paypal", data: {} },
    ]);
    expect((await billing().delete(`/v1/payment-methods/${id}/tokens/paypal`)).body.code).toBe("not_found");
  });

  it("stay as they are when the same one is put again", async () => {
    const { id } = await stored();
    const before = await get(id);
    http.clock.nowMs += 1_000;
    expect((await put(id, "stripe", { token: { payment_method: "pm_card_visa", customer: "cus_1" } })).body).toEqual(before);
    expect(await trail(id)).toHaveLength(1);
  });

  it("are checked by their provider's adapter", async () => {
    const { id } = await stored();
    expect(await faultsOf(put(id, "stripe", { token: { payment_method: "" } }))).toEqual({ "/token/payment_method": "must be text" });
    expect(await faultsOf(put(id, "stripe", {}))).toEqual({ "/token": "is required" });
    expect(await faultsOf(put(id, "stripe", { token: null }))).toEqual({ "/token": "must be an object" });
    expect((await put(id, "adyen", { token: STRIPE })).body.code).toBe("not_found");
    expect(await trail(id)).toHaveLength(1);
  });
});

describe("DELETE /v1/payment-methods/{id}", () => {
  it("is for good: it is not listed, takes no change, and can still be read", async () => {
    const { id } = await stored();
    const deleted = await billing().delete(`/v1/payment-methods/${id}`);
    expect(deleted.body).toMatchObject({ id, deleted_at: new Date(http.clock.nowMs).toISOString() });
    http.clock.nowMs += 1_000;
    expect((await billing().delete(`/v1/payment-methods/${id}`)).body).toEqual(deleted.body);
    for (const change of [
      post({ brand: "amex" }, `/${id}`),
      put(id, "stripe", { token: { payment_method: "pm_new" } }),
      billing().delete(`/v1/payment-methods/${id}/tokens/stripe`),
    ]) {
      expect((await change).body).toMatchObject({ code: "payment_method_gone", status: 409, money: "none" });
    }
    expect(await get(id)).toEqual(deleted.body);
    const ids = (await billing().get("/v1/payment-methods?limit=100")).body.data.map((method: { id: string }) => method.id);
    expect(ids).not.toContain(id);
    expect((await trail(id)).map(({ type }) => type)).toEqual(["payment_method.created", "payment_method.deleted"]);
  });
});

describe("GET /v1/payment-methods", () => {
  it("pages, newest first", async () => {
    const made = [];
    for (let i = 0; i < 3; i++) {
      made.unshift((await stored()).id);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const first = (await billing().get("/v1/payment-methods?limit=2")).body;
    expect(first).toMatchObject({ data: [{ id: made[0] }, { id: made[1] }], has_more: true, next_cursor: made[1] });
    const next = (await billing().get(`/v1/payment-methods?limit=1&starting_after=${first.next_cursor}`)).body;
    expect(next.data).toMatchObject([{ id: made[2] }]);
  });

  it("finds an instrument by what its provider calls it", async () => {
    const { id } = await stored({ paypal: { vault_id: "findme" } });
    await stored({ paypal: { vault_id: "another" } });
    const search = async (query: string) => (await http.as("ops").get(`/v1/payment-methods?${query}`)).body;
    expect((await search("provider=paypal&reference=findme")).data).toMatchObject([{ id }]);
    expect((await search("provider=stripe&reference=findme")).data).toEqual([]);
    expect((await search("reference=findme")).errors).toEqual([{ pointer: "?provider", detail: "provider and reference go together" }]);
    await billing().delete(`/v1/payment-methods/${id}`);
    expect((await search("provider=paypal&reference=findme")).data).toEqual([]);
  });

  it("knows those of the caller's account alone", async () => {
    const { id } = await stored();
    await http.db.query({
      name: "pm_other",
      text: "insert into accounts (id, name) values ('acct_other', 'other') on conflict do nothing",
    });
    await http.db.query({ name: "pm_move", text: "update payment_methods set account_id = 'acct_other' where id = $1", values: [id] });
    expect((await get(id)).code).toBe("not_found");
    expect((await post({ brand: "amex" }, `/${id}`)).body.code).toBe("not_found");
    expect((await put(id, "stripe", { token: { payment_method: "pm_new" } })).body.code).toBe("not_found");
    expect((await billing().delete(`/v1/payment-methods/${id}`)).body.code).toBe("not_found");
    const answer = await http.charge({ ...VALID_CHARGE, payment_method: id });
    expect(answer.body).toMatchObject({ code: "validation_failed", errors: [{ pointer: "/payment_method" }] });
  });
});

describe("a charge by the id of a stored payment method", () => {
  it("copies its usable tokens, and names it", async () => {
    const { id } = await stored();
    const answer = await http.charge({ ...VALID_CHARGE, payment_method: id });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.body.payment_method).toBe(id);
    expect(http.charges.created.at(-1)).toMatchObject({
      paymentMethodId: id,
      paymentMethod: { tokens: { stripe: STRIPE, paypal: PAYPAL }, type: "card", brand: "visa", country: "US" },
    });
  });

  it("is refused where there is no such id, and where what looks like one is none", async () => {
    expect(await faultsOf(http.charge({ ...VALID_CHARGE, payment_method: "pm_0" }))).toEqual({
      "/payment_method": "is no payment method of this account",
    });
    for (const payment_method of ["pm_card_visa", "", 42, null, ["pm_1"]]) {
      expect(await faultsOf(http.charge({ ...VALID_CHARGE, payment_method }))).toEqual({
        "/payment_method":
          "must be the id of a stored payment method (pm_...), or an object with a token for at least one of: stripe, paypal",
      });
    }
  });

  it("answers a key that was accepted before the method was deleted, or lost its tokens, with its charge", async () => {
    const { id } = await stored({ paypal: undefined });
    const body = { ...VALID_CHARGE, payment_method: id };
    const fingerprint = fingerprintOf({ method: "post", path: "/v1/charges", json: body }).toString("hex");
    const accepted = acceptance({ status: "deferred", idempotency_key: "before", fingerprint, payment_method_id: id });
    expect(await acceptCharges(http.db, [accepted])).toEqual(["accepted"]);
    for (const change of [`/v1/payment-methods/${id}/tokens/stripe`, `/v1/payment-methods/${id}`]) {
      await billing().delete(change);
      const again = await http.charge(body, "before");
      expect(again).toMatchObject({
        status: 202,
        headers: { "idempotent-replayed": "true" },
        body: { id: accepted.id, payment_method: id },
      });
      expect((await http.charge(body, "another")).body.money).toBe("none");
    }
    expect((await http.charge({ ...body, amount: 1 }, "before")).status).toBe(422);
  });

  it("is refused once it is deleted, or has no token left", async () => {
    const { id } = await stored({ paypal: undefined });
    await billing().delete(`/v1/payment-methods/${id}/tokens/stripe`);
    const answer = await http.charge({ ...VALID_CHARGE, payment_method: id });
    expect(answer.body).toMatchObject({ code: "payment_method_gone", status: 409, money: "none" });
    await billing().delete(`/v1/payment-methods/${id}`);
    expect(await faultsOf(http.charge({ ...VALID_CHARGE, payment_method: id }))).toEqual({ "/payment_method": "was deleted" });
  });
});
