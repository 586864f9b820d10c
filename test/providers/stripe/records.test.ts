import { describe, expect, test } from "vitest";
import { always, errorBody, intent, json, newCall, provider, rawStripe } from "./raw-stripe.ts";

const FROM_MS = 1_800_000_000_000;
const TO_MS = FROM_MS + 3_600_000;
const page = (data: unknown[], more = false) => ({ object: "list", data, has_more: more });
const ask = (url: string, what: "payments" | "refunds", cursor: string | null = null) =>
  provider(url).records!({ what, fromMs: FROM_MS, toMs: TO_MS, cursor }, newCall());

describe("the records of payments", () => {
  test.each([
    ["succeeded", { amount_received: 4000 }, "captured", 4000n],
    ["requires_capture", { amount_capturable: 4200 }, "held", 4200n],
    ["processing", {}, "pending", 4200n],
    ["requires_action", {}, "none", 0n],
    ["requires_payment_method", {}, "none", 0n],
    ["canceled", {}, "none", 0n],
    ["a_status_of_tomorrow", {}, "none", 0n],
  ])("%s", async (status, changes, state, amount) => {
    const server = await always(200, page([intent(status, { ...changes, created: FROM_MS / 1000 })]));
    const ids = { object: "pi_1", reference: "pi_1", attemptId: "at_1", chargeId: "ch_1" };
    const record = { kind: "payment", ...ids, state, amount, currency: "usd", createdAtMs: FROM_MS };
    expect(await ask(server.url, "payments")).toEqual({ kind: "page", records: [record], next: null });
  });

  test("are asked for by whole seconds inside the window, after the cursor", async () => {
    const server = await rawStripe((_request, response) =>
      json(response, 200, page([intent("succeeded", { id: "pi_8", created: FROM_MS / 1000 })], true)),
    );
    const query = { what: "payments", fromMs: FROM_MS + 1, toMs: FROM_MS + 1001, cursor: "pi_9" } as const;
    expect(await provider(server.url).records!(query, newCall())).toMatchObject({ next: "pi_8" });
    const asked = server.seen[0]!.body;
    expect(server.seen[0]!.path).toBe("/v1/payment_intents");
    expect([asked.get("created[gte]"), asked.get("created[lt]")]).toEqual([`${FROM_MS / 1000 + 1}`, `${FROM_MS / 1000 + 2}`]);
    expect([asked.get("starting_after"), asked.get("limit")]).toEqual(["pi_9", "100"]);
  });

  test("include what is not ours", async () => {
    const theirs = intent("succeeded", { created: FROM_MS / 1000, metadata: {}, currency: "xxx" });
    const server = await always(200, page([theirs]));
    expect(await ask(server.url, "payments")).toMatchObject({ records: [{ attemptId: null, chargeId: null, currency: "xxx" }] });
  });
});

describe("the records of refunds", () => {
  const refund = (changes: object = {}) => ({
    id: "re_1",
    object: "refund",
    amount: 200,
    currency: "usd",
    created: FROM_MS / 1000,
    payment_intent: "pi_1",
    charge: { id: "ch_9", object: "charge", amount: 4200, amount_captured: 4200 },
    status: "succeeded",
    metadata: { operation_key: "op_1" },
    ...changes,
  });

  test.each([
    ["succeeded", "succeeded"],
    ["pending", "pending"],
    ["requires_action", "pending"],
    ["failed", "failed"],
    ["canceled", "failed"],
  ])("%s is %s", async (status, state) => {
    const server = await always(200, page([refund({ status })]));
    const record = { kind: "refund", reference: "re_1", payment: "pi_1", key: "op_1", state, amount: 200n, currency: "usd" };
    expect(await ask(server.url, "refunds")).toEqual({ kind: "page", records: [{ ...record, createdAtMs: FROM_MS }], next: null });
    expect(server.seen[0]!.body.get("expand[0]")).toBe("data.charge");
  });

  test("leave out the release of what was never captured, and nothing else", async () => {
    const partly = { id: "ch_9", object: "charge", amount: 4200, amount_captured: 4000 };
    const rows = [
      refund({ id: "re_release", charge: partly, metadata: {} }),
      refund({ id: "re_ours", charge: partly }),
      refund({ id: "re_less", charge: partly, metadata: {}, amount: 199 }),
      refund({ id: "re_foreign", metadata: {} }),
      refund({ id: "re_alone", metadata: {}, charge: "ch_9" }),
    ];
    const server = await always(200, page(rows, true));
    const found = await ask(server.url, "refunds");
    expect(found).toMatchObject({ next: "re_alone" });
    expect("records" in found && found.records.map(({ reference }) => reference)).toEqual(["re_ours", "re_less", "re_foreign", "re_alone"]);
  });
});

describe("what is not a whole page", () => {
  test.each([
    ["a 500", 500, errorBody("api_error")],
    ["a 401", 401, errorBody("invalid_request_error")],
    ["a 429", 429, errorBody("invalid_request_error", "rate_limit")],
    ["no list", 200, { object: "payment_intent" }],
    ["a list that does not say whether there is more", 200, { object: "list", data: [] }],
    ["more, but nothing to go on from", 200, page([], true)],
    ["a row of something else", 200, page([intent("succeeded", { created: 1 }), { id: "x_1", object: "charge" }])],
    ["a row without a time", 200, page([intent("succeeded")])],
    ["a row without an amount", 200, page([intent("succeeded", { created: 1, amount_received: null })])],
  ])("%s is unknown", async (_name, status, body) => {
    expect(await ask((await always(status, body)).url, "payments")).toMatchObject({ kind: "unknown" });
  });

  test("no connection and no answer are unknown", async () => {
    expect(await ask("http://127.0.0.1:1", "refunds")).toMatchObject({ kind: "unknown", cause: "connection_lost" });
    const silent = await rawStripe(() => {});
    const query = { what: "refunds", fromMs: FROM_MS, toMs: TO_MS, cursor: null } as const;
    expect(await provider(silent.url).records!(query, newCall(200))).toMatchObject({ kind: "unknown" });
  });
});
