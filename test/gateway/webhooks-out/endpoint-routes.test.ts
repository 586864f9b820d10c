import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MAX_ENDPOINTS } from "../../../gateway/http/webhook-endpoint-routes.ts";
import { createHttpFixture, type HttpFixture, type KEYS } from "../http/http-fixture.ts";

let http: HttpFixture;

beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());
beforeEach(() => http.db.query({ name: "clear", text: "with d as (delete from webhook_deliveries) delete from webhook_endpoints" }));

const PATH = "/v1/webhook-endpoints";
const VALID = { url: "https://hooks.example.com:8443/token-in-the-path", events: ["charge.*", "refund.succeeded"], description: "billing" };

const send = (method: "post" | "put", path: string, body: unknown, role: keyof typeof KEYS = "billing") =>
  http.as(role)[method](path).set("Content-Type", "application/json").send(JSON.stringify(body));

async function make(more: object = {}): Promise<{ id: string; secret: string; [field: string]: unknown }> {
  return (await send("post", PATH, { ...VALID, ...more }).expect(201)).body;
}

const trail = () =>
  http.db.query<{ type: string; actor: string; data: Record<string, unknown> }>({
    name: "trail",
    text: "select type, actor, data from events where type like 'webhook%' order by id",
  });

describe("an endpoint", () => {
  test("is made with a secret that is told once", async () => {
    const made = await make();
    expect(made).toMatchObject({ object: "webhook_endpoint", ...VALID, enabled: true, disabled_reason: null, failing_since: null });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { secret, ...shown } = made;
    expect((await http.as("billing").get(`${PATH}/${made.id}`).expect(200)).body).toEqual(shown);
    expect((await http.as("billing").get(PATH).expect(200)).body).toEqual({
      object: "list",
      data: [shown],
      has_more: false,
      next_cursor: null,
    });
  });

  test("is changed in what is named, and keeps the rest", async () => {
    const { id } = await make();
    const changed = (await send("put", `${PATH}/${id}`, { events: ["*"] }).expect(200)).body;
    expect(changed).toMatchObject({ ...VALID, events: ["*"], enabled: true });
    expect((await send("put", `${PATH}/${id}`, { enabled: false, description: null }).expect(200)).body).toMatchObject({
      enabled: false,
      disabled_reason: "operator",
      description: null,
    });
    expect((await send("put", `${PATH}/${id}`, { enabled: true }).expect(200)).body).toMatchObject({
      enabled: true,
      disabled_reason: null,
    });
    await send("put", `${PATH}/${id}`, {}).expect(422);
  });

  test("is gone once it is removed", async () => {
    const { id } = await make();
    expect((await http.as("billing").delete(`${PATH}/${id}`).expect(200)).body).toEqual({ id, object: "webhook_endpoint", deleted: true });
    await http.as("billing").delete(`${PATH}/${id}`).expect(404);
    await http.as("billing").get(`${PATH}/${id}`).expect(404);
    await http.as("billing").get(`${PATH}/${id}/deliveries`).expect(404);
    await send("put", `${PATH}/${id}`, { enabled: true }).expect(404);
    expect((await http.as("billing").get(PATH)).body.data).toEqual([]);
    const [row] = await http.db.query<{ secret: Buffer }>({ name: "secret", text: "select secret from webhook_endpoints" });
    expect(row!.secret).toHaveLength(0);
  });

  test("gets a new secret, and says until when the old one signs as well", async () => {
    const { id, secret } = await make();
    const rotated = (await send("post", `${PATH}/${id}/rotate-secret`, { expires_in: 3_600 }).expect(200)).body;
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(rotated.secret).not.toBe(secret);
    expect(rotated.previous_secret_until).toBe(new Date(http.clock.nowMs + 3_600_000).toISOString());
    const day = (await send("post", `${PATH}/${id}/rotate-secret`, {}).expect(200)).body;
    expect(day.previous_secret_until).toBe(new Date(http.clock.nowMs + 86_400_000).toISOString());
  });

  test.each([
    [{ url: "https://127.0.0.1/" }, "/url", "must lead to the public internet: its address is private, reserved or this machine's"],
    [{ url: "https://billing.inside/" }, "/url", "must lead to the public internet: its address is private, reserved or this machine's"],
    [{ url: "http://hooks.example.com/" }, "/url", "must begin with https://"],
    [{ events: ["attempt.started"] }, "/events/0", "must be an event, all of a group like refund.*, or *"],
    [{ events: ["charge"] }, "/events/0", "must be an event, all of a group like refund.*, or *"],
  ])("%j is refused at %s", async (more, pointer, detail) => {
    const answer = await send("post", PATH, { ...VALID, ...more }).expect(422);
    expect(answer.body.errors).toEqual([{ pointer, detail }]);
    const { id } = await make();
    expect((await send("put", `${PATH}/${id}`, more).expect(422)).body.errors).toEqual([{ pointer, detail }]);
  });

  test("has a limit of its kind per account, also for requests that come together", async () => {
    const answers = await Promise.all(Array.from({ length: MAX_ENDPOINTS + 4 }, () => send("post", PATH, VALID)));
    expect(answers.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(MAX_ENDPOINTS);
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused.map(({ body }) => body.code)).toEqual(Array(4).fill("webhook_endpoint_limit"));
  });

  test("is billing's and admin's, and of one's own account", async () => {
    for (const role of ["finance", "ops"] as const) {
      await http.as(role).get(PATH).expect(403);
      await send("post", PATH, VALID, role).expect(403);
      await http.as(role).get("/v1/events").expect(403);
    }
    await http.as("admin").get(PATH).expect(200);
    const { id } = await make();
    await http.db.query({ name: "account", text: "insert into accounts (id, name) values ('acct_other', 'other') on conflict do nothing" });
    await http.db.query({ name: "move", text: "update webhook_endpoints set account_id = 'acct_other' where id = $1", values: [id] });
    await http.as("billing").get(`${PATH}/${id}`).expect(404);
    await send("post", `${PATH}/${id}/rotate-secret`, {}).expect(404);
    await send("post", `${PATH}/${id}/test`, {}).expect(404);
    await http.as("billing").delete(`${PATH}/${id}`).expect(404);
    expect((await http.as("billing").get(PATH)).body.data).toEqual([]);
  });
});

test("every act is in the trail with its author; no secret and no path is, nor in the log", async () => {
  const before = (await trail()).length;
  const { id, secret } = await make();
  const second = (await send("post", `${PATH}/${id}/rotate-secret`, {})).body.secret;
  await send("put", `${PATH}/${id}`, { events: ["*"] });
  await send("put", `${PATH}/${id}`, { enabled: false });
  await send("put", `${PATH}/${id}`, { enabled: true });
  await send("post", `${PATH}/${id}/test`, {});
  await http.as("billing").delete(`${PATH}/${id}`);
  const told = (await trail()).slice(before);
  expect(told.map(({ type }) => type)).toEqual(
    ["created", "secret_rotated", "updated", "disabled", "enabled", "tested", "deleted"].map((what) => `webhook_endpoint.${what}`),
  );
  expect(new Set(told.map(({ actor }) => actor))).toEqual(new Set(["key:key_billing"]));
  expect(told[0]!.data).toEqual({ endpoint: id, host: "hooks.example.com:8443", events: VALID.events });
  const everything = JSON.stringify([told, http.log]);
  for (const hidden of [secret, second, "token-in-the-path"]) expect(everything).not.toContain(hidden.replace("whsec_", ""));
});

describe("a test event", () => {
  test("becomes a delivery that can be looked at; one at a time", async () => {
    const { id } = await make();
    const sent = (await send("post", `${PATH}/${id}/test`, {}).expect(202)).body;
    expect(sent).toMatchObject({ object: "webhook_delivery", type: "webhook_endpoint.test", state: "pending", tries: 0, subject: null });
    expect((await send("post", `${PATH}/${id}/test`, {}).expect(202)).body.id).toBe(sent.id);
    const { body } = await http.as("billing").get(`${PATH}/${id}/deliveries`).expect(200);
    expect(body.data).toEqual([sent]);
    expect((await http.as("billing").get(`${PATH}/${id}/deliveries?state=dead`)).body.data).toEqual([]);
  });

  test("is not sent to a disabled endpoint", async () => {
    const { id } = await make();
    await send("put", `${PATH}/${id}`, { enabled: false });
    expect((await send("post", `${PATH}/${id}/test`, {}).expect(409)).body.code).toBe("webhook_endpoint_disabled");
  });
});

test("deliveries come by page, the newest first", async () => {
  const { id } = await make();
  await http.db.query({
    name: "deliveries",
    text: `insert into webhook_deliveries (id, endpoint_id, event_id, type, body, state, closed_at, expires_at, created_at)
      select 'evt_' || n || '_x', $1, 'evt_' || n, 'charge.succeeded', '{}', 'delivered', now(), now(), now() from generate_series(1, 5) n`,
    values: [id],
  });
  const events = async (query: string) => {
    const { body } = await http.as("billing").get(`${PATH}/${id}/deliveries?${query}`).expect(200);
    return { events: body.data.map((one: { event: string }) => one.event), cursor: body.next_cursor };
  };
  const first = await events("limit=2");
  expect(first.events).toEqual(["evt_5", "evt_4"]);
  expect(await events(`limit=4&starting_after=${first.cursor}`)).toEqual({ events: ["evt_3", "evt_2", "evt_1"], cursor: null });
});
