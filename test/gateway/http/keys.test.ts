import supertest from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROLES, type Role } from "../../../gateway/http/route.ts";
import { ensureKey, revokeKey } from "../../../gateway/store/api-keys.ts";
import { ACCOUNT, ADMIN_KEY, createHttpFixture, type HttpFixture } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());

const withKey = (key: string) => supertest.agent(http.app).set("Authorization", `Bearer ${key}`);
const make = async (role: Role): Promise<{ id: string; key: string }> =>
  (
    await http
      .as("admin")
      .post("/v1/keys")
      .send({ name: `for ${role}`, role })
  ).body;
const events = () =>
  http.db.query<{ type: string; actor: string; key: string }>({
    name: "key_events",
    text: "select type, actor, data->>'key_id' as key from events where type like 'key.%' order by id",
  });

describe("a request", () => {
  it("without a valid key is told how to authenticate", async () => {
    for (const authorization of [undefined, "Basic YTpi", "Bearer", "Bearer unknown", `Bearer ${"x".repeat(600)}`, "bearer  a b"]) {
      const request = supertest(http.app).get("/v1/charges");
      const answer = await (authorization === undefined ? request : request.set("Authorization", authorization));
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toBe('Bearer realm="switchyard"');
      expect(answer.body.code).toBe("unauthorized");
    }
  });

  it("is told the roles that may do it", async () => {
    const answer = await http.as("finance").post("/v1/charges").send({});
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ code: "forbidden", detail: "This key has the role finance; this takes one of: billing, admin." });
  });

  it("may do what its role may do, and nothing else", async () => {
    const table: [method: "get" | "post" | "put" | "delete", path: string, roles: Role[]][] = [
      ["get", "/v1/charges", ["billing", "finance", "ops"]],
      ["get", "/v1/charges/ch_1", ["billing", "finance", "ops"]],
      ["post", "/v1/charges", ["billing"]],
      ["post", "/v1/charges/ch_1/cancel", ["billing"]],
      ["post", "/v1/charges/ch_1/resolve", ["ops"]],
      ["post", "/v1/payment-methods", ["billing"]],
      ["get", "/v1/payment-methods", ["billing", "finance", "ops"]],
      ["get", "/v1/payment-methods/pm_1", ["billing", "finance", "ops"]],
      ["post", "/v1/payment-methods/pm_1", ["billing"]],
      ["delete", "/v1/payment-methods/pm_1", ["billing"]],
      ["put", "/v1/payment-methods/pm_1/tokens/stripe", ["billing"]],
      ["delete", "/v1/payment-methods/pm_1/tokens/stripe", ["billing"]],
      ["get", "/v1/dead-letters", ["ops"]],
      ["post", "/v1/dead-letters/dl_1/replay", ["ops"]],
      ["get", "/v1/keys", []],
      ["post", "/v1/keys", []],
      ["delete", "/v1/keys/key_x", []],
    ];
    for (const [method, path, roles] of table) {
      for (const role of ROLES) {
        const allowed = role === "admin" || roles.includes(role);
        const { status } = await http.as(role)[method](path);
        expect(status === 403, `${role} ${method} ${path}: ${status}`).toBe(!allowed);
        expect(status).not.toBe(401);
      }
    }
  });

  it("with ADMIN_KEY may do everything", async () => {
    expect((await withKey(ADMIN_KEY).get("/v1/keys")).status).toBe(200);
    expect((await withKey(`${ADMIN_KEY}x`).get("/v1/keys")).status).toBe(401);
  });
});

describe("an API key", () => {
  it("is told once, works, and is kept as a hash only", async () => {
    const answer = await http.as("admin").post("/v1/keys").send({ name: "billing core", role: "billing" });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ object: "api_key", name: "billing core", role: "billing", revoked_at: null });
    expect(answer.body.key).toMatch(/^sy_test_[\w-]{43}$/);
    expect((await withKey(answer.body.key).get("/v1/charges")).status).toBe(200);
    const list = await http.as("admin").get("/v1/keys");
    expect(list.text).not.toContain(answer.body.key);
    expect(list.body.data.map((key: { id: string }) => key.id)).toContain(answer.body.id);
    const kept = await http.db.query<{ row: string }>({ name: "kept", text: "select k::text as row from api_keys k" });
    expect(JSON.stringify(kept)).not.toContain(answer.body.key);
    expect(http.log.join("")).not.toContain(answer.body.key);
  });

  it("needs a name and a known role", async () => {
    const answer = await http.as("admin").post("/v1/keys").send({ role: "root", note: "x" });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual(["/name", "/note", "/role"]);
  });

  it("stops at once where it is revoked", async () => {
    const made = await make("ops");
    expect((await withKey(made.key).get("/v1/dead-letters")).status).toBe(200);
    const revoked = await http.as("admin").delete(`/v1/keys/${made.id}`);
    expect(revoked.status).toBe(200);
    expect(revoked.body.revoked_at).not.toBeNull();
    expect((await withKey(made.key).get("/v1/dead-letters")).status).toBe(401);
    expect((await http.as("admin").delete(`/v1/keys/${made.id}`)).body).toEqual(revoked.body);
  });

  it("stops within five seconds where it was revoked elsewhere", async () => {
    const made = await make("ops");
    expect((await withKey(made.key).get("/v1/dead-letters")).status).toBe(200);
    await http.db.query({ name: "revoke_elsewhere", text: "update api_keys set revoked_at = now() where id = $1", values: [made.id] });
    http.clock.monotonicMs += 4_000;
    expect((await withKey(made.key).get("/v1/dead-letters")).status).toBe(200);
    http.clock.monotonicMs += 1_000;
    expect((await withKey(made.key).get("/v1/dead-letters")).status).toBe(401);
  });

  it("leaves its making and its end in the trail, with their authors", async () => {
    const made = await make("finance");
    await http.as("admin").delete(`/v1/keys/${made.id}`);
    await http.as("admin").delete(`/v1/keys/${made.id}`);
    expect((await events()).filter(({ key }) => key === made.id)).toEqual([
      { type: "key.created", actor: "key:key_admin", key: made.id },
      { type: "key.revoked", actor: "key:key_admin", key: made.id },
    ]);
  });

  it("that two revoke at the same moment is revoked once, and both are told so", async () => {
    const made = await make("admin");
    const by = { accountId: ACCOUNT, actor: "key:test", now: new Date(), keepOne: true, id: made.id };
    const answers = await Promise.all([1, 2, 3, 4].map(() => revokeKey(http.db, by)));
    for (const answer of answers) expect(answer).toMatchObject({ id: made.id, revokedAt: expect.any(Date) });
    expect((await events()).filter((event) => event.key === made.id && event.type === "key.revoked")).toHaveLength(1);
  });

  it("of another account is not there", async () => {
    await http.db.query({ name: "other_account", text: "insert into accounts (id, name) values ('acct_other', 'other')" });
    const now = new Date(0);
    await ensureKey(http.db, {
      accountId: "acct_other",
      id: "key_theirs",
      name: "t",
      role: "admin",
      key: "sy_test_theirs",
      actor: "system:test",
      now,
    });
    expect((await http.as("admin").delete("/v1/keys/key_theirs")).status).toBe(404);
    expect((await http.as("admin").get("/v1/keys")).text).not.toContain("key_theirs");
    expect((await withKey("sy_test_theirs").get("/v1/keys")).body.data).toHaveLength(1);
  });

  it("with the last admin's rights cannot be revoked, also not by two who revoke each other", async () => {
    expect((await http.as("admin").delete("/v1/keys/key_admin")).body.code).toBe("last_admin_key");
    const other = await make("admin");
    const by = { accountId: ACCOUNT, actor: "key:test", now: new Date(), keepOne: true };
    const answers = await Promise.all([other.id, "key_admin"].map((id) => revokeKey(http.db, { ...by, id })));
    expect(answers.filter((answer) => answer === "last_admin_key")).toHaveLength(1);
    const left = await http.db.query<{ id: string }>({
      name: "admins_left",
      text: "select id from api_keys where account_id = $1 and role = 'admin' and revoked_at is null",
      values: [ACCOUNT],
    });
    expect(left).toHaveLength(1);
  });
});

describe("a ready-made key", () => {
  it("is put in place once, and stays revoked", async () => {
    const key = {
      accountId: ACCOUNT,
      id: "key_ready",
      name: "ready",
      role: "ops" as const,
      key: "sy_test_ready",
      actor: "system:start",
      now: new Date(0),
    };
    await ensureKey(http.db, key);
    await ensureKey(http.db, key);
    expect((await withKey("sy_test_ready").get("/v1/dead-letters")).status).toBe(200);
    expect((await events()).filter((event) => event.key === "key_ready")).toHaveLength(1);
    await withKey(ADMIN_KEY).delete("/v1/keys/key_ready");
    await ensureKey(http.db, key);
    expect((await withKey("sy_test_ready").get("/v1/dead-letters")).status).toBe(401);
    await ensureKey(http.db, { ...key, key: "sy_test_renewed" });
    expect((await withKey("sy_test_renewed").get("/v1/dead-letters")).status).toBe(200);
  });
});
