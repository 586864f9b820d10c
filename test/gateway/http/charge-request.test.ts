import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttpFixture, type HttpFixture, VALID_CHARGE } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());
beforeEach(() => {
  http.charges.created.length = 0;
});

const lastInput = () => http.charges.created.at(-1);

async function faultsOf(change: object): Promise<Record<string, string>> {
  const before = http.charges.created.length;
  const answer = await http.charge({ ...VALID_CHARGE, ...change });
  expect(answer.status, answer.text).toBe(422);
  expect(answer.body.code).toBe("validation_failed");
  expect(http.charges.created).toHaveLength(before);
  return Object.fromEntries(answer.body.errors.map((error: { pointer: string; detail: string }) => [error.pointer, error.detail]));
}

describe("the body of a charge", () => {
  it("takes every amount from 1 to 12 digits, exactly", async () => {
    for (const amount of [1, 999_999_999_999]) {
      const answer = await http.charge({ ...VALID_CHARGE, amount });
      expect(answer.body.amount).toBe(amount);
      expect(lastInput()?.money.amount).toBe(BigInt(amount));
    }
  });

  it("refuses every other amount", async () => {
    for (const amount of [0, -1, 1_000_000_000_000, 42.5, "4200", null, true, [4200], {}]) {
      expect(await faultsOf({ amount })).toEqual({
        "/amount": "must be an integer from 1 to 999999999999, in the currency's smallest unit",
      });
    }
  });

  it("tells every fault at once, each with its pointer", async () => {
    const faults = await faultsOf({
      amount: 0,
      currency: "USD",
      payment_method: { stripe: { payment_method: "" }, adyen: {}, country: "Germany" },
      surprise: 1,
      metadata: { a: 1, ["k".repeat(41)]: "x" },
      capture: "later",
      failover: "always",
    });
    expect(Object.keys(faults).sort()).toEqual([
      "/amount",
      "/capture",
      "/currency",
      "/failover",
      "/metadata/a",
      `/metadata/${"k".repeat(41)}`,
      "/payment_method/adyen",
      "/payment_method/country",
      "/payment_method/stripe/payment_method",
      "/surprise",
    ]);
    expect(faults["/payment_method/adyen"]).toBe("is not a known field");
    expect(faults["/capture"]).toBe("must be automatic or manual");
  });

  it("needs a token of at least one provider", async () => {
    expect(await faultsOf({ payment_method: { type: "card" } })).toEqual({
      "/payment_method": "needs a token for at least one of: stripe, paypal",
    });
    expect(Object.keys(await faultsOf({ payment_method: "pm_1" }))).toEqual(["/payment_method"]);
    expect(Object.keys(await faultsOf({ payment_method: { stripe: null } }))).toEqual(["/payment_method/stripe"]);
  });

  it("keeps texts within their limits", async () => {
    expect(await faultsOf({ reference: "" })).toHaveProperty("/reference");
    expect(await faultsOf({ reference: "r".repeat(256) })).toHaveProperty("/reference");
    expect(await faultsOf({ description: "d".repeat(501) })).toHaveProperty("/description");
    expect(await faultsOf({ metadata: { a: "x".repeat(501) } })).toHaveProperty("/metadata/a");
    expect(await faultsOf({ metadata: { "": "x" } })).toHaveProperty("/metadata/");
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, "x"]));
    expect(await faultsOf({ metadata: many })).toHaveProperty("/metadata");
    const most = { reference: "r".repeat(255), description: "d".repeat(500), metadata: { ["k".repeat(40)]: "x".repeat(500) } };
    expect((await http.charge({ ...VALID_CHARGE, ...most })).status).toBe(201);
  });

  it("keeps a charge until a time in the next 30 days, or not at all", async () => {
    await http.charge({ ...VALID_CHARGE, defer: false });
    expect(lastInput()?.defer).toBe(false);
    await http.charge({ ...VALID_CHARGE, defer: { until: "2026-06-02T02:00:00+02:00" } });
    expect(lastInput()?.defer).toEqual({ untilMs: Date.parse("2026-06-02T00:00:00Z") });
    expect(await faultsOf({ defer: { until: "2026-05-31T23:59:59Z" } })).toEqual({ "/defer/until": "must be in the future" });
    expect(await faultsOf({ defer: { until: "2026-07-02T00:00:00Z" } })).toEqual({ "/defer/until": "must be within 30 days" });
    expect(await faultsOf({ defer: { until: "tomorrow" } })).toHaveProperty("/defer/until");
    expect(await faultsOf({ defer: { until: "2026-06-31T00:00:00Z" } })).toHaveProperty("/defer/until");
    expect(await faultsOf({ defer: { until: "2026-06-02T00:00:00Z", x: 1 } })).toHaveProperty("/defer/x");
    expect(await faultsOf({ defer: true })).toEqual({ "/defer": 'must be false, or {"until": a time}' });
  });

  it("refuses a card number wherever it is, and neither repeats nor logs it", async () => {
    const number = "4111111111111111";
    const places: [object, string][] = [
      [{ description: `card ${number}` }, "/description"],
      [{ metadata: { pan: "4111 1111 1111 1111" } }, "/metadata/pan"],
      [{ metadata: { [number]: "x" } }, "/metadata"],
      [{ payment_method: { stripe: { payment_method: number } } }, "/payment_method/stripe/payment_method"],
      [{ amount: Number(number) }, "/amount"],
      [{ unknown: [{ deep: number }] }, "/unknown/0/deep"],
    ];
    for (const [change, pointer] of places) {
      const answer = await http.charge({ ...VALID_CHARGE, ...change });
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({ code: "card_number_not_allowed", money: "none", errors: [{ pointer }] });
      expect(answer.text).not.toMatch(/4111/);
    }
    const byKey = await http.charge(VALID_CHARGE, number);
    expect(byKey.body).toMatchObject({ code: "card_number_not_allowed", errors: [{ pointer: "Idempotency-Key" }] });
    expect(byKey.text).not.toMatch(/4111/);
    expect(http.charges.created).toEqual([]);
    expect(http.log.join("")).not.toMatch(/4111/);
  });
});
