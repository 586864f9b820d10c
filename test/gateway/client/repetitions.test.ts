import { expect, it } from "vitest";
import { Charges } from "../../../gateway/client/charges.ts";
import { NoAnswerError, ProblemError } from "../../../gateway/client/errors.ts";
import { PaymentMethods } from "../../../gateway/client/payment-methods.ts";
import { Transport } from "../../../gateway/client/transport.ts";
import { type Act, deadUrl, impatient, json, problem, reset, type Scripted, scripted, silent, text } from "./scripted-gateway.ts";

const REQUEST = { amount: 4_200, currency: "usd", payment_method: { stripe: { payment_method: "pm_card_visa" } } };
const CHARGE = { id: "ch_1", object: "charge", status: "succeeded", settlement: null };
const paid = json(201, CHARGE);
const METHOD = { id: "pm_1", object: "payment_method" };
const IN_USE = problem(409, "idempotency_key_in_use", "unknown", "3");
const UNKNOWN = problem(503, "outcome_unknown_retry_same_key", "unknown", "2");

/** What a call of `create` with these acts came to. */
async function create(acts: readonly Act[], options: Parameters<Charges["create"]>[1] & { tryTimeoutMs?: number } = {}) {
  const gateway = await scripted(...acts);
  const { tryTimeoutMs, ...call } = options;
  const { transport, slept } = impatient(gateway.url, { tryTimeoutMs });
  const result = await new Charges(transport).create(REQUEST, call).catch((error: unknown) => error);
  return { result, slept, ...gateway };
}

/** The keys that were seen, each once. */
const keys = ({ asked }: Scripted) => [...new Set(asked.map(({ key }) => key))];

it("one call has one key and the same bytes over all of its tries, whatever happens to them", async () => {
  const acts = [
    reset,
    UNKNOWN,
    IN_USE,
    problem(429, "too_many_requests", "unknown", "1"),
    text(502, "<html>bad gateway</html>"),
    text(504, ""),
    problem(503, "not_ready", "unknown", "1"),
    problem(500, "internal_error", "unknown"),
    text(201, '{"id": "ch_'),
    paid,
  ];
  const done = await create(acts);
  expect(done.result).toEqual(CHARGE);
  expect(done.asked).toHaveLength(acts.length);
  expect(keys(done)).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  expect(new Set(done.asked.map(({ body }) => body))).toEqual(new Set([JSON.stringify(REQUEST)]));
  expect(done.asked[0]).toMatchObject({ method: "POST", path: "/v1/charges", headers: { authorization: "Bearer sy_test_1" } });
  // Retry-After in seconds where it was told, else a growing pause.
  expect(done.slept).toEqual([150, 2_000, 3_000, 1_000, 2_400, 3_750, 1_000, 3_750, 3_750]);
});

it("a Retry-After of now, or of a clock behind ours, is no leave to ask without a pause", async () => {
  const past = problem(503, "database_unavailable", "unknown", "Mon, 01 Jan 2024 00:00:00 GMT");
  const { result, slept } = await create([problem(503, "database_unavailable", "unknown", "0"), past, paid]);
  expect(result).toEqual(CHARGE);
  expect(slept).toEqual([150, 300]);
});

it("each call has a key of its own; a given key is used as it is", async () => {
  const gateway = await scripted(paid);
  const charges = new Charges(impatient(gateway.url).transport);
  await charges.create(REQUEST);
  await charges.create(REQUEST);
  await charges.capture("ch_1", { amount: 1 }, { idempotencyKey: "mine" });
  await charges.cancel("ch_1", { idempotencyKey: "mine-2" });
  expect(new Set(gateway.asked.map(({ key }) => key)).size).toBe(4);
  expect(gateway.asked.slice(2).map(({ method, path, key, body }) => [method, path, key, body])).toEqual([
    ["POST", "/v1/charges/ch_1/capture", "mine", '{"amount":1}'],
    ["POST", "/v1/charges/ch_1/cancel", "mine-2", ""],
  ]);
});

it("when the time is over the error tells the key, and the call goes on with it", async () => {
  // The pauses are long, so that what the tries themselves take does not matter.
  const slow = problem(503, "outcome_unknown_retry_same_key", "unknown", "20");
  const { result, asked, slept, url } = await create([slow, slow, slow, slow, slow, paid], { timeoutMs: 99_000 });
  expect(result).toBeInstanceOf(NoAnswerError);
  const error = result as NoAnswerError;
  expect(error).toMatchObject({ code: "timed_out", money: "unknown", tries: 5, retryAfterMs: 20_000, idempotencyKey: asked[0]!.key });
  expect(error.lastRefusal).toMatchObject({ code: "outcome_unknown_retry_same_key", requestId: "req_1" });
  expect(error.action).toContain("same idempotency key");
  expect(slept).toEqual([20_000, 20_000, 20_000, 20_000]);
  const { transport } = impatient(url);
  expect(await new Charges(transport).create(REQUEST, { idempotencyKey: error.idempotencyKey! })).toEqual(CHARGE);
  expect(keys({ asked, url })).toHaveLength(1);
});

it("a pause that would end after the time is not begun", async () => {
  const { result, slept } = await create([problem(503, "database_unavailable", "unknown", "60")], { timeoutMs: 30_000 });
  expect(result).toMatchObject({ code: "timed_out", tries: 1, retryAfterMs: 60_000 });
  expect(slept).toEqual([]);
});

it("Retry-After may be a date; what is neither is not believed", async () => {
  const date = new Date(Date.now() + 30_500).toUTCString();
  const { slept } = await create([problem(503, "not_ready", "unknown", date), problem(503, "not_ready", "unknown", "soon"), paid]);
  expect(slept[0]).toBeGreaterThan(15_000);
  expect(slept[1]).toBe(300);
});

it("a try without an answer ends after its own time, and the next one has the same key", async () => {
  const done = await create([silent, paid], { tryTimeoutMs: 100 });
  expect(done.result).toEqual(CHARGE);
  // On a busy machine a later try may be too slow as well.
  expect(done.asked.length).toBeGreaterThan(1);
  expect(keys(done)).toHaveLength(1);
});

it.each([
  ["invalid fields", problem(422, "validation_failed", "none"), "none"],
  ["no valid key", problem(401, "unauthorized", "none"), "none"],
  ["no provider, where the caller would not wait", problem(503, "no_provider_available", "none", "5"), "none"],
  ["a conflict that no waiting ends", problem(409, "charge_final", "as_shown"), "as_shown"],
  ["a refusal by something before the gateway", text(403, "<h1>Forbidden</h1>"), "none"],
] as const)("%s: a refusal is told at once", async (_, act, money) => {
  const { result, asked, slept } = await create([act, paid]);
  expect(result).toBeInstanceOf(ProblemError);
  expect(result).toMatchObject({ money, idempotencyKey: asked[0]!.key });
  expect([asked.length, slept]).toEqual([1, []]);
});

it("a problem says what is wrong with which field, and what to do", async () => {
  const errors = [{ pointer: "/amount", detail: "must be an integer" }];
  const body = {
    code: "validation_failed",
    detail: "One field.",
    money: "none",
    action: "Correct it.",
    errors,
    charge: "ch_9",
    request_id: "req_7",
  };
  const { result } = await create([json(422, body)]);
  expect(result).toMatchObject({
    name: "ProblemError",
    status: 422,
    code: "validation_failed",
    errors,
    charge: "ch_9",
    requestId: "req_7",
    action: "Correct it.",
  });
  expect((result as Error).message).toBe("validation_failed (422): One field.; /amount must be an integer");
});

it.each([
  ["a lost answer", reset],
  ["an unknown outcome", UNKNOWN],
  ["a success that cannot be read", text(201, "")],
  ["a success of something before the gateway", json(200, { welcome: "to our network" })],
])("doubt is sticky: after %s a refusal that says none is not believed for the whole call", async (_, first) => {
  const { result } = await create([first, problem(401, "unauthorized", "none")]);
  expect(result).toMatchObject({ name: "ProblemError", code: "unauthorized", money: "unknown" });
  expect((result as ProblemError).action).toContain("never repeat it with another one");
});

it("but after tries that surely did nothing it is", async () => {
  const busy = problem(429, "too_many_requests", "unknown", "1");
  expect((await create([busy, busy, problem(422, "validation_failed", "none")])).result).toMatchObject({ money: "none" });
});

it("where nothing was ever sent, no money moved; with a key that may be an older one nobody knows", async () => {
  // Five pauses fit, and 3.6 s are left to the last try.
  const { transport } = impatient(await deadUrl(), { timeoutMs: 8_300 });
  const charges = new Charges(transport);
  await expect(charges.create(REQUEST)).rejects.toMatchObject({ code: "timed_out", money: "none", idempotencyKey: expect.any(String) });
  await expect(charges.create(REQUEST, { idempotencyKey: "old" })).rejects.toMatchObject({ money: "unknown", idempotencyKey: "old" });
});

it("a redirect is not followed: neither key nor body goes elsewhere", async () => {
  const elsewhere = await scripted(paid);
  const { result } = await create([text(307, "", { location: `${elsewhere.url}/v1/charges` })]);
  expect(result).toMatchObject({ code: "unexpected_answer", status: 307, money: "none" });
  expect(elsewhere.asked).toEqual([]);
});

it("an abort ends the call, and tells the key", async () => {
  const controller = new AbortController();
  const gateway = await scripted(() => controller.abort());
  const call = new Charges(impatient(gateway.url).transport).create(REQUEST, { signal: controller.signal });
  await expect(call).rejects.toMatchObject({
    name: "NoAnswerError",
    code: "aborted",
    money: "unknown",
    idempotencyKey: expect.any(String),
  });
  const [asked] = gateway.asked;
  await expect(call).rejects.toMatchObject({ idempotencyKey: asked!.key });
});

it("a call that was aborted before it began sends nothing, so no money moved", async () => {
  const gateway = await scripted(paid);
  const call = new Charges(impatient(gateway.url).transport).create(REQUEST, { signal: AbortSignal.abort() });
  await expect(call).rejects.toMatchObject({ code: "aborted", money: "none", idempotencyKey: expect.any(String) });
  expect(gateway.asked).toEqual([]);
});

it("an abort in a pause ends the call too", async () => {
  const controller = new AbortController();
  const gateway = await scripted(problem(503, "not_ready", "unknown", "20"));
  const options = { url: gateway.url, apiKey: "k" };
  const { SYSTEM } = await import("../../../gateway/client/transport.ts");
  const sleep: typeof SYSTEM.sleep = (ms, signal) => {
    queueMicrotask(() => controller.abort());
    return SYSTEM.sleep(ms, signal);
  };
  const call = new Charges(new Transport(options, { ...SYSTEM, sleep })).create(REQUEST, { signal: controller.signal });
  await expect(call).rejects.toMatchObject({ code: "aborted", tries: 1 });
});

it("a read is repeated; what must not be done twice only if it cannot have arrived", async () => {
  const reads = await scripted(reset, text(502, ""), json(200, CHARGE));
  expect(await new Charges(impatient(reads.url).transport).get("ch_1")).toEqual(CHARGE);
  expect(reads.asked.map(({ method, path, key }) => [method, path, key])).toEqual(Array(3).fill(["GET", "/v1/charges/ch_1", undefined]));

  const lost = await scripted(reset, json(201, METHOD));
  const methods = new PaymentMethods(impatient(lost.url).transport);
  const refused = await methods.create({ stripe: { payment_method: "pm_1" } }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ name: "NoAnswerError", code: "unanswered", money: "none", idempotencyKey: null });
  expect((refused as NoAnswerError).action).toContain("Look whether it was done");
  expect(lost.asked).toHaveLength(1);

  const busy = await scripted(problem(503, "not_ready", "unknown", "1"), json(201, METHOD));
  expect(await new PaymentMethods(impatient(busy.url).transport).create({})).toEqual(METHOD);
});

it("of several addresses each repetition takes the next one, and the one that answered is kept", async () => {
  const gateway = await scripted(paid);
  const { transport, slept } = impatient([await deadUrl(), gateway.url]);
  const charges = new Charges(transport);
  expect(await charges.create(REQUEST)).toEqual(CHARGE);
  expect(await charges.create(REQUEST)).toEqual(CHARGE);
  expect([slept.length, gateway.asked.length]).toEqual([1, 2]);
});

it("what cannot be right is refused before anything is sent", async () => {
  const gateway = await scripted(paid);
  const charges = new Charges(impatient(gateway.url).transport);
  for (const idempotencyKey of ["", "with space", "x".repeat(256), "ümlaut"]) {
    await expect(charges.create(REQUEST, { idempotencyKey })).rejects.toThrow(TypeError);
  }
  // Each as a rejection: a promise's caller looks nowhere else.
  const methods = new PaymentMethods(impatient(gateway.url).transport);
  for (const call of [() => charges.get(""), () => charges.capture(""), () => charges.cancel(""), () => methods.deleteToken("pm_1", "")])
    await expect(call()).rejects.toThrow(TypeError);
  await expect(charges.create(REQUEST, { timeoutMs: Number.NaN })).rejects.toThrow(TypeError);
  await expect(charges.create(REQUEST, { wait: { timeoutMs: Number.NaN } })).rejects.toThrow(TypeError);
  await expect(charges.waitFor("ch_1", { timeoutMs: 0 })).rejects.toThrow(TypeError);
  expect(gateway.asked).toEqual([]);
  for (const url of ["", "gateway:8080", "ftp://gateway", "http://gateway/?a=1", []]) expect(() => impatient(url)).toThrow(/^url: /);
  expect(() => impatient(gateway.url, { apiKey: "" })).toThrow(/^apiKey: /);
});
