import { createHash } from "node:crypto";
import supertest from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, createHttpFixture, type HttpFixture, KEYS } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());

const HOUR_MS = 3_600_000;

interface SignedIn {
  readonly cookie: string;
  readonly attributes: string;
  readonly body: { name: string; role: string; livemode: boolean; csrf: string; sandbox: boolean; expires_at: string };
}

async function signIn(key: string, headers: Record<string, string> = {}): Promise<SignedIn> {
  const answer = await supertest(http.app).post("/console/session").set(headers).send({ key }).expect(200);
  const [cookie = "", ...attributes] = (answer.headers["set-cookie"]?.[0] ?? "").split("; ");
  return { cookie, attributes: attributes.join("; "), body: answer.body };
}

const as = ({ cookie }: SignedIn) => supertest.agent(http.app).set("Cookie", cookie);
const write = (who: SignedIn, headers: Record<string, string>) =>
  as(who).post("/v1/charges/ch_1/resolve").set(headers).send({ outcome: "not_charged", reason: "asked the bank" });
const makeKey = async (role: string): Promise<{ id: string; key: string }> =>
  (await http.as("admin").post("/v1/keys").send({ name: "Ada", role })).body;

describe("signing in", () => {
  it("with an API key tells who it is and sets a cookie that no script and no other site gets", async () => {
    const { attributes, body } = await signIn(KEYS.finance);
    expect(body).toEqual({
      name: "finance",
      role: "finance",
      livemode: false,
      csrf: expect.stringMatching(/^[\w-]{43}$/),
      sandbox: false,
      expires_at: "2026-06-01T12:00:00.000Z",
    });
    expect(attributes).toBe("Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
    expect((await signIn(KEYS.finance, { Origin: "https://pay.example", "Sec-Fetch-Site": "same-origin" })).attributes).toContain(
      "; Secure",
    );
  });

  it("keeps nothing with which anybody else could sign in, and no line of the log has it", async () => {
    const { cookie, body } = await signIn(KEYS.ops);
    const token = cookie.split("=")[1] as string;
    const rows = await http.db.query<{ row: string; hash: string }>({
      name: "sessions",
      text: "select s::text as row, encode(token_hash, 'hex') as hash from console_sessions s",
    });
    expect(rows.map(({ hash }) => hash)).toContain(createHash("sha256").update(token).digest("hex"));
    const kept = JSON.stringify(rows) + http.log.join("");
    for (const secret of [token, body.csrf, KEYS.ops]) expect(kept).not.toContain(secret);
  });

  it("is refused with an unknown key, and from a page of another origin", async () => {
    const post = () => supertest(http.app).post("/console/session");
    expect((await post().send({ key: "sy_test_nobody" }).expect(401)).body.code).toBe("unauthorized");
    const headers = [
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
    ];
    for (const header of headers)
      expect((await post().set(header).send({ key: KEYS.ops }).expect(403)).body.code).toBe("csrf_token_invalid");
    await post()
      .set("Content-Type", "text/plain")
      .send(JSON.stringify({ key: KEYS.ops }))
      .expect(415);
  });

  it("leaves its mark in the trail, and so does what is done through the console", async () => {
    const ops = await signIn(KEYS.ops);
    await write(ops, { "X-CSRF-Token": ops.body.csrf }).expect(200);
    expect(http.charges.commands.at(-1)).toMatchObject({ actor: "key:key_ops/console" });
    await as(ops).delete("/console/session").set("X-CSRF-Token", ops.body.csrf).expect(204);
    const trail = await http.db.query<{ type: string; actor: string }>({
      name: "console_events",
      text: "select type, actor from events where type like 'console.%' order by id desc limit 2",
    });
    expect(trail).toEqual([
      { type: "console.signed_out", actor: "key:key_ops/console" },
      { type: "console.signed_in", actor: "key:key_ops/console" },
    ]);
  });

  it("is limited per address after ten refused keys in a minute, also of a right key, and free again afterwards", async () => {
    const post = (key: string) => supertest(http.app).post("/console/session").send({ key });
    http.clock.monotonicMs += 60_000;
    await post(KEYS.ops).expect(200);
    const many = await Promise.all(Array.from({ length: 14 }, (_, n) => post(`guess ${n}`)));
    expect(many.map(({ status }) => status).sort()).toEqual([...Array(10).fill(401), ...Array(4).fill(429)]);
    const refused = await post(KEYS.ops).expect(429);
    expect(refused.body).toMatchObject({ code: "too_many_sign_ins", money: "none" });
    expect(refused.headers["retry-after"]).toBe("60");
    http.clock.monotonicMs += 60_000;
    await post(KEYS.ops).expect(200);
  });
});

describe("a session", () => {
  it("opens what its key's role may, and nothing else", async () => {
    const finance = await signIn(KEYS.finance);
    await as(finance).get("/v1/charges").expect(200);
    await as(finance).get("/v1/dead-letters").expect(403);
    await write(finance, { "X-CSRF-Token": finance.body.csrf }).expect(403);
    const admin = await signIn(ADMIN_KEY);
    expect(admin.body).toMatchObject({ name: "ADMIN_KEY", role: "admin" });
    await as(admin).get("/v1/keys").expect(200);
  });

  it("changes something only with its own token, from our own page", async () => {
    const [ops, other] = [await signIn(KEYS.ops), await signIn(KEYS.ops)];
    const token = { "X-CSRF-Token": ops.body.csrf };
    const refused: Record<string, string>[] = [
      {},
      { "X-CSRF-Token": "" },
      { "X-CSRF-Token": other.body.csrf },
      { ...token, Origin: "https://evil.example" },
      { ...token, Origin: "null" },
      { ...token, "Sec-Fetch-Site": "same-site" },
    ];
    const before = http.charges.commands.length;
    for (const headers of refused)
      expect((await write(ops, headers).expect(403)).body.code, JSON.stringify(headers)).toBe("csrf_token_invalid");
    expect(http.charges.commands.length).toBe(before);
    await write(ops, { ...token, Origin: "http://switchyard.example", Host: "switchyard.example" }).expect(200);
    await write(ops, { ...token, Origin: "https://public.example", Host: "inner", "Sec-Fetch-Site": "same-origin" }).expect(200);
  });

  it("is not asked where a key is given", async () => {
    const ops = await signIn(KEYS.ops);
    await as(ops).get("/v1/charges").set("Authorization", "Bearer unknown").expect(401);
    await as(ops).get("/v1/dead-letters").set("Authorization", `Bearer ${KEYS.billing}`).expect(403);
  });

  it("tells who is signed in, and nothing when nobody is", async () => {
    const ops = await signIn(KEYS.ops);
    expect((await as(ops).get("/console/session").expect(200)).body).toEqual(ops.body);
    await supertest(http.app).get("/console/session").expect(204);
    for (const cookie of ["switchyard_session=", "switchyard_session=x", `switchyard_session=${"A".repeat(43)}`, `${ops.cookie}A`])
      await supertest(http.app).get("/v1/charges").set("Cookie", cookie).expect(401);
    await supertest(http.app).get("/v1/charges").set("Cookie", `theme=dark; ${ops.cookie}; other=1`).expect(200);
  });

  it("is over when it is signed out, which takes its token, too", async () => {
    const ops = await signIn(KEYS.ops);
    await as(ops).delete("/console/session").expect(403);
    const answer = await as(ops).delete("/console/session").set("X-CSRF-Token", ops.body.csrf).expect(204);
    expect(answer.headers["set-cookie"]?.[0]).toMatch(/^switchyard_session=; .*Max-Age=0/);
    await as(ops).get("/v1/charges").expect(401);
    await as(ops).get("/console/session").expect(204);
  });

  it("is over when the same browser signs in again", async () => {
    const first = await signIn(KEYS.ops);
    await signIn(KEYS.finance, { Cookie: first.cookie });
    await as(first).get("/v1/charges").expect(401);
  });

  it("is over at once when its key is revoked", async () => {
    const { id, key } = await makeKey("finance");
    const ada = await signIn(key);
    expect(ada.body.name).toBe("Ada");
    await as(ada).get("/v1/charges").expect(200);
    await http.as("admin").delete(`/v1/keys/${id}`).expect(200);
    await as(ada).get("/v1/charges").expect(401);
    await supertest(http.app).post("/console/session").send({ key }).expect(401);
  });

  it("ends elsewhere within five seconds", async () => {
    const { id, key } = await makeKey("finance");
    const ada = await signIn(key);
    await as(ada).get("/v1/charges").expect(200);
    await http.db.query({ name: "revoke_elsewhere", text: "update api_keys set revoked_at = now() where id = $1", values: [id] });
    http.clock.monotonicMs += 4_999;
    await as(ada).get("/v1/charges").expect(200);
    http.clock.monotonicMs += 1;
    await as(ada).get("/v1/charges").expect(401);
  });

  it("lasts twelve hours, however much it is used, and is forgotten afterwards", async () => {
    const ops = await signIn(KEYS.ops);
    http.clock.nowMs += 12 * HOUR_MS - 1;
    await as(ops).get("/v1/charges").expect(200);
    http.clock.nowMs += 1;
    await as(ops).get("/v1/charges").expect(401);
    await signIn(KEYS.ops);
    const rows = await http.db.query({ name: "sessions_left", text: "select 1 from console_sessions" });
    expect(rows).toHaveLength(1);
  });
});

it("beyond loopback the cookie is for HTTPS only", async () => {
  const open = await createHttpFixture({ loopback: false });
  const answer = await supertest(open.app).post("/console/session").send({ key: KEYS.ops });
  await open.close();
  expect(answer.headers["set-cookie"]?.[0]).toContain("; Secure");
});
