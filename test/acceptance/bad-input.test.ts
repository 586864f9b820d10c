import { afterAll, beforeAll, expect, it } from "vitest";
import { allCharges, ask } from "./client.ts";
import { startWorld, type World } from "./harness.ts";

let world: World;
let url: string;
beforeAll(async () => {
  world = await startWorld();
  ({ url } = await world.start());
});
afterAll(() => world.close());

const TOKENS = { stripe: { payment_method: "pm_card_visa" } };
const GOOD = { amount: 4200, currency: "usd", payment_method: TOKENS };

it.each<[string, unknown, number, string]>([
  ["no body", undefined, 400, "invalid_json"],
  ["no JSON", "{", 400, "invalid_json"],
  ["an array", [], 422, "validation_failed"],
  ["a key twice", '{"amount":1,"amount":2,"currency":"usd","payment_method":{}}', 422, "validation_failed"],
  ["nothing in it", {}, 422, "validation_failed"],
  ["an unknown field", { ...GOOD, ammount: 1 }, 422, "validation_failed"],
  ["no amount", { ...GOOD, amount: undefined }, 422, "validation_failed"],
  ["zero", { ...GOOD, amount: 0 }, 422, "validation_failed"],
  ["less than nothing", { ...GOOD, amount: -1 }, 422, "validation_failed"],
  ["a fraction", { ...GOOD, amount: 42.5 }, 422, "validation_failed"],
  ["an amount in words", { ...GOOD, amount: "4200" }, 422, "validation_failed"],
  ["too much", { ...GOOD, amount: 1e12 }, 422, "validation_failed"],
  ["more than a number holds", JSON.stringify(GOOD).replace("4200", "9007199254740993"), 422, "validation_failed"],
  ["no such currency", { ...GOOD, currency: "xxx" }, 422, "validation_failed"],
  ["a loud currency", { ...GOOD, currency: "USD" }, 422, "validation_failed"],
  ["no payment method", { ...GOOD, payment_method: {} }, 422, "validation_failed"],
  ["an unknown processor", { ...GOOD, payment_method: { adyen: { token: "x" } } }, 422, "validation_failed"],
  ["a broken token", { ...GOOD, payment_method: { stripe: {} } }, 422, "validation_failed"],
  [
    "a card number as a token",
    { ...GOOD, payment_method: { stripe: { payment_method: "4242424242424242" } } },
    422,
    "card_number_not_allowed",
  ],
  ["a card number in the metadata", { ...GOOD, metadata: { note: "card 4242 4242 4242 4242" } }, 422, "card_number_not_allowed"],
  ["a null character", { ...GOOD, description: "a\u0000b" }, 422, "validation_failed"],
  ["half a character", '{"amount":4200,"currency":"usd","description":"\\ud800","payment_method":{}}', 422, "validation_failed"],
  ["a time in the past", { ...GOOD, defer: { until: "2020-01-01T00:00:00Z" } }, 422, "validation_failed"],
  ["too large a body", { ...GOOD, description: "x".repeat(70_000) }, 413, "body_too_large"],
  ["too deep a body", `${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`, 400, "invalid_json"],
])("refuses %s and keeps nothing", async (what, body, status, code) => {
  const key = `bad-${what.replaceAll(" ", "-")}`;
  const answer = await ask(url, "POST /v1/charges", { key, body });
  expect({ status: answer.status, type: answer.type, code: answer.body.code, money: answer.body.money }).toEqual({
    status,
    type: "application/problem+json",
    code,
    money: "none",
  });
  expect(answer.text).not.toContain("4242424242424242");
});

it.each<[string, { key?: string; headers?: Record<string, string> }, number, string]>([
  ["without an idempotency key", {}, 400, "idempotency_key_missing"],
  ["with an idempotency key that is too long", { key: "k".repeat(256) }, 400, "idempotency_key_invalid"],
  ["with a space in its key", { key: "a b" }, 400, "idempotency_key_invalid"],
  ["without an API key", { key: "no-auth", headers: { authorization: "" } }, 401, "unauthorized"],
  ["with somebody's API key", { key: "bad-auth", headers: { authorization: "Bearer nobody" } }, 401, "unauthorized"],
  ["as a form", { key: "form", headers: { "content-type": "application/x-www-form-urlencoded" } }, 415, "unsupported_media_type"],
])("refuses a good charge %s", async (_, options, status, code) => {
  const answer = await ask(url, "POST /v1/charges", { body: GOOD, ...options });
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
});

it.each<[string, number]>([
  ["GET /v1/charges/ch_0000000000", 404],
  ["GET /v1/charges/nonsense", 404],
  ["GET /v1/charges?limit=0", 400],
  ["GET /v1/charges?colour=red", 400],
  ["GET /v1/routing/stats?from=yesterday", 400],
  ["GET /v1/nothing", 404],
  ["DELETE /v1/charges", 405],
  ["GET /%zz", 404],
])("answers %s with a problem, %i", async (address, status) => {
  const answer = await ask(url, address);
  expect({ status: answer.status, type: answer.type }).toEqual({ status, type: "application/problem+json" });
});

it("kept nothing of all that, and asked nobody for money", async () => {
  expect(await allCharges(url)).toEqual([]);
  expect(world.sandbox.ledger()).toEqual([]);
  expect(world.sandbox.requests().filter(({ operation }) => operation !== "identify" && operation !== "token")).toEqual([]);
});
