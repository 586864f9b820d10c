import { expect, it } from "vitest";
import { Charges, isOpen } from "../../../gateway/client/charges.ts";
import { Events } from "../../../gateway/client/events.ts";
import { Refunds } from "../../../gateway/client/refunds.ts";
import { impatient, json, problem, reset, scripted } from "./scripted-gateway.ts";

const REQUEST = { amount: 4_200, currency: "usd", payment_method: "pm_1" };
const charge = (status: string, more: object = {}) => ({ id: "ch_1", object: "charge", status, settlement: null, ...more });

it("waits for a charge until it is decided, looking ever less often, and when it is told to", async () => {
  const looks = Array.from({ length: 8 }, () => json(200, charge("deferred")));
  const gateway = await scripted(
    json(202, charge("deferred")),
    ...looks,
    json(200, charge("in_doubt"), { "retry-after": "7" }),
    json(200, charge("succeeded")),
  );
  const { transport, slept } = impatient(gateway.url);
  expect(await new Charges(transport).create(REQUEST, { wait: { timeoutMs: 60_000 } })).toMatchObject({ status: "succeeded" });
  expect(gateway.asked.map(({ method }) => method)).toEqual(["POST", ...Array(10).fill("GET")]);
  expect(slept.slice(0, 3)).toEqual([200, 320, 512]);
  expect(slept.at(-2)).toBe(5_000);
  expect(slept.at(-1)).toBe(7_000);
});

it("looks with its own pauses when it is told to look now", async () => {
  const now = json(202, charge("deferred"), { "retry-after": "0" });
  const gateway = await scripted(now, now, json(200, charge("succeeded")));
  const { transport, slept } = impatient(gateway.url);
  expect(await new Charges(transport).create(REQUEST, { wait: { timeoutMs: 60_000 } })).toMatchObject({ status: "succeeded" });
  expect(slept).toEqual([200, 320]);
});

it("an accepted charge is the answer, also when it is still open at the end, or cannot be read meanwhile", async () => {
  const gateway = await scripted(json(202, charge("deferred")), problem(401, "unauthorized", "none"));
  const { transport } = impatient(gateway.url);
  const answer = await new Charges(transport).create(REQUEST, { wait: { timeoutMs: 3_000 } });
  expect(answer).toEqual(charge("deferred"));
  expect(isOpen(answer)).toBe(true);
});

it("without waiting a 202 is an answer like any other", async () => {
  const gateway = await scripted(json(202, charge("in_doubt")));
  expect(await new Charges(impatient(gateway.url).transport).create(REQUEST)).toMatchObject({ status: "in_doubt" });
  expect(gateway.asked).toHaveLength(1);
});

it("what is open: no decision yet about the charge, or about its capture or void", () => {
  const open = (status: string, settlement: object | null = null) => isOpen(charge(status, { settlement }) as never);
  expect(["processing", "pending", "in_doubt", "deferred"].every((status) => open(status))).toBe(true);
  expect(["requires_action", "authorized", "succeeded", "failed", "canceled"].some((status) => open(status))).toBe(false);
  expect(open("authorized", { kind: "capture", state: "in_doubt", amount: 1 })).toBe(true);
});

it("waitFor throws what the reading throws while nothing was read, and goes over lost looks after that", async () => {
  const unknown = await scripted(problem(404, "not_found", "none"));
  await expect(new Charges(impatient(unknown.url).transport).waitFor("ch_1", { timeoutMs: 60_000 })).rejects.toMatchObject({
    code: "not_found",
  });
  const shaky = await scripted(json(200, charge("pending")), reset, reset, json(200, charge("failed")));
  expect(await new Charges(impatient(shaky.url).transport).waitFor("ch_1", { timeoutMs: 60_000 })).toMatchObject({ status: "failed" });
});

it("an abort while waiting gives back what is known", async () => {
  const controller = new AbortController();
  const gateway = await scripted(json(202, charge("deferred")), () => controller.abort());
  const call = new Charges(impatient(gateway.url).transport).create(REQUEST, { wait: { timeoutMs: 60_000 }, signal: controller.signal });
  expect(await call).toMatchObject({ status: "deferred" });
});

it("waits for refunds as well", async () => {
  const refund = (status: string) => ({ id: "re_1", object: "refund", status });
  const gateway = await scripted(json(202, refund("pending")), json(200, refund("pending")), json(200, refund("succeeded")));
  const refunds = new Refunds(impatient(gateway.url).transport);
  expect(await refunds.create({ charge: "ch_1", amount: 5 }, { wait: { timeoutMs: 60_000 }, idempotencyKey: "k" })).toEqual(
    refund("succeeded"),
  );
  expect(gateway.asked.map(({ method, path, key }) => [method, path, key])).toEqual([
    ["POST", "/v1/refunds", "k"],
    ["GET", "/v1/refunds/re_1", undefined],
    ["GET", "/v1/refunds/re_1", undefined],
  ]);
});

it("goes through all pages of a list, and through the events up to now, also over an empty page", async () => {
  const page = (ids: string[], next_cursor: string | null) =>
    json(200, { object: "list", data: ids.map((id) => ({ id })), has_more: next_cursor !== null, next_cursor });
  const lists = await scripted(page(["ch_3", "ch_2"], "ch_2"), page(["ch_1"], null));
  const ids: string[] = [];
  for await (const { id } of new Charges(impatient(lists.url).transport).each({ status: "failed", limit: 2, reference: undefined }))
    ids.push(id);
  expect(ids).toEqual(["ch_3", "ch_2", "ch_1"]);
  expect(lists.asked.map(({ path }) => path)).toEqual([
    "/v1/charges?status=failed&limit=2",
    "/v1/charges?status=failed&limit=2&starting_after=ch_2",
  ]);

  const part = (seqs: number[], has_more: boolean, next_cursor: string) =>
    json(200, { object: "list", data: seqs.map((seq) => ({ data: { seq } })), has_more, next_cursor, head: 9 });
  const events = await scripted(part([1], true, "4"), part([], true, "8"), part([9], false, "9"));
  const seqs: number[] = [];
  for await (const { data } of new Events(impatient(events.url).transport).each({ type: "charge.*" })) seqs.push(data.seq);
  expect(seqs).toEqual([1, 9]);
  expect(events.asked.map(({ path }) => path)).toEqual(["", "&after=4", "&after=8"].map((after) => `/v1/events?type=charge.*${after}`));
});
