import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NewFinding, recordFindings } from "../../../gateway/store/findings.ts";
import { ACCOUNT, createHttpFixture, type HttpFixture } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
  await record("fi_1", { kind: "unknown_payment", subject: "pi_1" });
  await record("fi_2", { kind: "paid_twice", provider: "paypal", subject: "=capture", charge_id: "ch_1" });
  await record("fi_3", { kind: "missing_payment", subject: "pi_3" });
  await record("fi_4", { kind: "missing_payment", subject: "pi_4", account_id: "acct_other" });
});
afterAll(() => http.close());

function record(id: string, more: Partial<NewFinding>): Promise<string[]> {
  const finding: NewFinding = {
    id,
    account_id: ACCOUNT,
    kind: "unknown_payment",
    provider: "stripe",
    subject: id,
    charge_id: null,
    attempt_id: null,
    operation_id: null,
    our_amount: null,
    their_amount: "4200",
    currency: "usd",
    detail: {},
    ...more,
  };
  return recordFindings(http.db, [finding], { actor: "system:test", now: new Date(http.clock.nowMs) });
}

const idsOf = async (path: string) => (await http.as("finance").get(path)).body.data.map(({ id }: { id: string }) => id);
const change = (id: string, body: object) => http.as("ops").post(`/v1/reconciliation/${id}`).send(body);
const events = async (type: string) =>
  await http.db.query<{ actor: string; data: object }>({
    name: "t_events",
    text: "select actor, data from events where type = $1 order by id",
    values: [type],
  });

describe("GET /v1/reconciliation", () => {
  it("lists the account's findings, newest first, by page and filter", async () => {
    expect(await idsOf("/v1/reconciliation")).toEqual(["fi_3", "fi_2", "fi_1"]);
    const first = await http.as("finance").get("/v1/reconciliation?limit=2");
    expect(first.body).toMatchObject({ has_more: true, next_cursor: "fi_2" });
    expect(await idsOf(`/v1/reconciliation?starting_after=${first.body.next_cursor}`)).toEqual(["fi_1"]);
    expect(await idsOf("/v1/reconciliation?kind=missing_payment")).toEqual(["fi_3"]);
    expect(await idsOf("/v1/reconciliation?provider=paypal")).toEqual(["fi_2"]);
    expect(await idsOf("/v1/reconciliation?charge=ch_1")).toEqual(["fi_2"]);
    expect(await idsOf("/v1/reconciliation?state=resolved")).toEqual([]);
    expect(await idsOf("/v1/reconciliation?owner=nobody")).toEqual([]);
    expect((await http.as("finance").get("/v1/reconciliation?kind=wrong")).status).toBe(400);
  });

  it("shows both amounts, in minor units", async () => {
    const { body } = await http.as("ops").get("/v1/reconciliation?charge=ch_1");
    expect(body.data[0]).toMatchObject({
      object: "finding",
      kind: "paid_twice",
      charge: "ch_1",
      our_amount: null,
      their_amount: 4200,
      state: "open",
    });
  });

  it("as CSV holds all that match, and nothing that a spreadsheet would run", async () => {
    const { text, headers } = await http.as("finance").get("/v1/reconciliation?limit=1").set("Accept", "text/csv");
    expect(headers["content-type"]).toContain("text/csv");
    const lines = text.trimEnd().split("\r\n");
    expect(lines[0]).toBe(
      "id,kind,provider,subject,charge,attempt,operation,our_amount,their_amount,currency,state,owner,note,first_seen_at,last_seen_at,closed_at,closed_by",
    );
    expect(lines).toHaveLength(4);
    expect(lines[2]).toMatch(/^fi_2,paid_twice,paypal,'=capture,ch_1,,,,4200,usd,open,/);
  });

  it("is not for billing keys", async () => {
    expect((await http.as("billing").get("/v1/reconciliation")).status).toBe(403);
    expect((await http.as("finance").post("/v1/reconciliation/fi_1").send({ owner: "ada" })).status).toBe(403);
  });
});

describe("POST /v1/reconciliation/{id}", () => {
  it("gives it an owner and a note, resolves and reopens it, each with its author in the trail", async () => {
    const owned = await change("fi_1", { owner: "ada", note: "looking" });
    expect(owned).toMatchObject({ status: 200, body: { owner: "ada", note: "looking", state: "open" } });
    expect(await idsOf("/v1/reconciliation?owner=ada")).toEqual(["fi_1"]);
    const resolved = await change("fi_1", { state: "resolved" });
    expect(resolved.body).toMatchObject({ owner: "ada", state: "resolved", closed_by: "key:key_ops", closed_at: expect.any(String) });
    expect(await idsOf("/v1/reconciliation?state=open")).toEqual(["fi_3", "fi_2"]);
    const reopened = await change("fi_1", { state: "open", owner: null });
    expect(reopened.body).toMatchObject({ owner: null, note: "looking", state: "open", closed_by: null, closed_at: null });
    for (const type of ["changed", "resolved", "reopened"])
      expect(await events(`reconciliation.${type}`)).toMatchObject([{ actor: "key:key_ops", data: { id: "fi_1", subject: "pi_1" } }]);
  });

  it("does not open a second row of what is open already", async () => {
    await record("fi_5", { subject: "pi_5", their_amount: "1" });
    await change("fi_5", { state: "resolved" });
    await record("fi_6", { subject: "pi_5", their_amount: "2" });
    expect(await change("fi_5", { state: "open" })).toMatchObject({ status: 409, body: { code: "finding_superseded" } });
  });

  it("of another account does not exist", async () => {
    expect((await change("fi_4", { owner: "ada" })).status).toBe(404);
    expect((await change("fi_0", {})).status).toBe(404);
  });
});

describe("runs", () => {
  const start = (body: object) => http.as("ops").post("/v1/reconciliation/runs").send(body);
  const window = { from: "2026-05-01T00:00:00Z", to: "2026-05-02T00:00:00Z" };

  it("are asked for, listed and read", async () => {
    const started = await start({ ...window, provider: "stripe" });
    expect(started).toMatchObject({
      status: 202,
      body: { object: "reconciliation_run", state: "queued", from: "2026-05-01T00:00:00.000Z", provider: "stripe", actor: "key:key_ops" },
    });
    const { id } = started.body;
    expect(await events("reconciliation.requested")).toMatchObject([{ actor: "key:key_ops", data: { run: id } }]);
    expect(await idsOf("/v1/reconciliation/runs")).toEqual([id]);
    expect(await idsOf("/v1/reconciliation/runs?state=finished")).toEqual([]);
    expect((await http.as("finance").get(`/v1/reconciliation/runs/${id}`)).body).toEqual(started.body);
    expect((await http.as("finance").get("/v1/reconciliation/runs/rr_0")).status).toBe(404);
  });

  it("are refused for a window that cannot be compared", async () => {
    const pointers = async (body: object) => ((await start(body)).body.errors ?? []).map(({ pointer }: { pointer: string }) => pointer);
    expect(await pointers({ ...window, from: window.to })).toEqual(["/from"]);
    expect(await pointers({ ...window, to: "2026-06-02T00:00:00Z" })).toEqual(["/to"]);
    expect(await pointers({ ...window, from: "2026-03-01T00:00:00Z" })).toEqual(["/from"]);
    expect(await pointers({ ...window, provider: "adyen" })).toEqual(["/provider"]);
    expect(await pointers({ from: "yesterday", to: window.to })).toEqual(["/from"]);
    expect((await http.as("finance").post("/v1/reconciliation/runs").send(window)).status).toBe(403);
  });
});
