import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RulesWatcher } from "../../../gateway/health/rules-watcher.ts";
import type { Principal, Role } from "../../../gateway/http/route.ts";
import { routingRoutes } from "../../../gateway/http/routing-routes.ts";
import { RULES_EXAMPLE } from "../../../gateway/http/routing-rules-schema.ts";
import { createHttpApp } from "../../../gateway/http/server.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import { chargeInput, type Engine, eventually, reread, startEngine } from "../../support/engine.ts";

let engine: Engine;
let app: ReturnType<typeof createHttpApp>;
beforeAll(async () => {
  engine = await startEngine();
  const { db, fleet, rules, core } = engine;
  app = createHttpApp({
    routes: routingRoutes({ db, fleet, rules, providers: core.providers, clock: systemClock }),
    authenticate: async (role): Promise<Principal> => ({ accountId: "acct_default", keyId: "1", role: role as Role, actor: "key:1" }),
    log: { info: () => {}, error: () => {} },
    metrics: { observeRequest: () => {} },
    clock: systemClock,
    newRequestId: () => "req_1",
    version: "test",
  });
});
afterAll(() => engine.close());

const get = (path: string, role: Role = "finance") => request(app).get(path).set("Authorization", `Bearer ${role}`);
const put = (body: object, role: Role = "ops") => request(app).put("/v1/routing/rules").set("Authorization", `Bearer ${role}`).send(body);
const explain = (body: object, role: Role = "ops") =>
  request(app)
    .post("/v1/routing/explain")
    .set("Authorization", `Bearer ${role}`)
    .send({ amount: 4200, currency: "usd", ...body });
const pointers = (answer: request.Response) => answer.body.errors.map(({ pointer }: { pointer: string }) => pointer);
const inForce = () => engine.rules.current().version;
async function set(rules: object, comment?: string) {
  return put({ version: inForce(), rules, ...(comment ? { comment } : {}) }).expect(200);
}

describe("the routing rules", () => {
  it("are the defaults until somebody sets some", async () => {
    const answer = await get("/v1/routing/rules").expect(200);
    expect(answer.body).toEqual({ object: "routing_rules", version: 0, actor: null, comment: null, created_at: null, rules: {} });
    expect((await get("/v1/routing/rules/versions")).body).toMatchObject({ data: [], has_more: false });
  });

  it("are in force with the answer, kept as a version, and in the trail with their digest", async () => {
    const written = await set(RULES_EXAMPLE, "contract volume");
    expect(written.body).toMatchObject({ version: 1, rules: RULES_EXAMPLE, actor: "key:1", comment: "contract volume" });
    expect(engine.rules.current()).toEqual({ version: 1, rules: RULES_EXAMPLE });
    await set({});
    expect((await get("/v1/routing/rules")).body).toMatchObject({ version: 2, rules: {} });
    expect((await get("/v1/routing/rules?version=1")).body).toMatchObject({ version: 1, rules: RULES_EXAMPLE });
    await get("/v1/routing/rules?version=99").expect(404);
    const page = await get("/v1/routing/rules/versions?limit=1");
    expect(page.body).toMatchObject({ data: [{ version: 2, actor: "key:1" }], has_more: true, next_cursor: "2" });
    expect((await get("/v1/routing/rules/versions?starting_after=2")).body).toMatchObject({
      data: [{ version: 1, comment: "contract volume" }],
    });
    const [event] = await engine.db.query<{ sha256: string }>({
      name: "rules_event",
      text: "select e.actor, e.data, encode(sha256(convert_to(r.rules::text, 'UTF8')), 'hex') as sha256 from events e, routing_rules r where e.type = 'routing.rules_set' and r.version = 1 order by e.id limit 1",
    });
    expect(event).toMatchObject({ actor: "key:1", data: { version: 1, comment: "contract volume", sha256: event?.sha256 } });
  });

  it("are not overwritten by somebody who read an older version, nor by two at once", async () => {
    const version = inForce();
    const answers = await Promise.all([put({ version, rules: {} }), put({ version, rules: {} })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const stale = await put({ version, rules: {} }).expect(409);
    expect(stale.body).toMatchObject({ code: "routing_rules_changed", money: "none" });
    expect(inForce()).toBe(version + 1);
  });

  it("cannot be changed behind the trail's back", async () => {
    for (const change of ["update routing_rules set actor = 'x'", "delete from routing_rules"])
      await expect(engine.db.query({ name: `tamper ${change.slice(0, 6)}`, text: change })).rejects.toMatchObject({ code: "23001" });
  });

  it.each<[object, string[]]>([
    [{ strategy: "best" }, ["/rules/strategy"]],
    [{ strategy: "order" }, ["/rules/strategy"]],
    [{ strategy: "weights", weights: { stripe: 0 } }, ["/rules/weights"]],
    [{ order: ["nobody"], providers: { adyen: {} } }, ["/rules/order/0", "/rules/providers/adyen"]],
    [{ order: ["stripe", "stripe"] }, ["/rules/order"]],
    [{ rules: [{ name: "r", when: {}, use: { order: ["stripe"] } }] }, ["/rules/rules/0/use/order"]],
    [{ rules: [{ name: "r", when: { currencies: ["USD"] }, use: {} }] }, ["/rules/rules/0/when/currencies/0"]],
    [{ rules: [{ name: "r", when: { amount: { currency: "usd", min: 2, max: 1 } }, use: {} }] }, ["/rules/rules/0/when/amount/max"]],
    [{ rules: Array.from({ length: 201 }, (_, i) => ({ name: `r${i}`, when: {}, use: {} })) }, ["/rules/rules"]],
    [{ exploration: { share: 1.1 } }, ["/rules/exploration/share"]],
    [{ objective: { kind: "profit" } }, ["/rules/objective/margin"]],
    [{ providers: { stripe: { limits: { per_second: 0 } } } }, ["/rules/providers/stripe/limits/per_second"]],
    [{ colour: "red" }, ["/rules/colour"]],
  ])("are refused as %o", async (rules, expected) => {
    const version = inForce();
    expect(pointers(await put({ version, rules }).expect(422))).toEqual(expected);
    expect(inForce()).toBe(version);
  });

  it("are read by finance, and set by ops alone", async () => {
    await put({ version: inForce(), rules: {} }, "finance").expect(403);
    await get("/v1/routing/rules", "billing").expect(403);
    await explain({ payment_method: { providers: ["stripe"] } }, "finance").expect(403);
  });
});

describe("a rules watcher", () => {
  it("takes another instance's rules with the next poll, and tells once of providers that are gone", async () => {
    const unknown: unknown[] = [];
    const other = new RulesWatcher({
      db: engine.db,
      clock: systemClock,
      providers: ["stripe"],
      onError: () => {},
      onUnknown: (version, providers) => unknown.push([version, providers]),
    });
    await set({ strategy: "order", order: ["paypal", "stripe"] });
    await other.refresh();
    await other.refresh();
    expect(other.current()).toEqual(engine.rules.current());
    expect(unknown).toEqual([[inForce(), ["paypal"]]]);
    await set({});
    await other.refresh();
    expect(other.current().rules).toEqual({});
  });

  it("does not start without having read the table, and keeps the last known when it cannot be read", async () => {
    const gone = { ...engine.db, query: () => Promise.reject(new Error("away")) };
    const blind = new RulesWatcher({ db: gone, clock: systemClock, providers: [], onError: () => {}, onUnknown: () => {} });
    await expect(blind.start()).rejects.toThrow("away");
    expect(blind.current()).toEqual({ version: 0, rules: {} });
  });
});

describe("explaining", () => {
  it("answers for tokens as for a list of providers, in words and numbers, and charges nothing", async () => {
    const byTokens = await explain({ payment_method: { stripe: { payment_method: "pm_1" }, type: "card" } }).expect(200);
    expect(byTokens.body).toMatchObject({ order: ["stripe"], strategy: "success_rate", rule: null });
    const byList = await explain({ payment_method: { providers: ["stripe", "paypal"], country: "US" } }).expect(200);
    expect(byList.body.candidates[0]).toMatchObject({ provider: "stripe", propensity: 1, obstacle: null, health: 0.99 });
    expect(byList.body.reason).toContain("stripe was chosen because it has the best prospects: expected approval 87.0 %");
    expect(engine.sandbox.requests().filter(({ operation }) => operation === "prepare")).toEqual([]);
  });

  it("tries a draft of rules that are not in force", async () => {
    const draft = { strategy: "weights", weights: { stripe: 1, paypal: 3 } };
    const answer = await explain({ payment_method: { providers: ["stripe", "paypal"] }, charge: "ch_1", rules: draft }).expect(200);
    expect(answer.body.candidates).toMatchObject([
      { propensity: 0.25, weight: 1 },
      { propensity: 0.75, weight: 3 },
    ]);
    expect(engine.rules.current().rules).toEqual({});
    expect(pointers(await explain({ payment_method: { providers: ["nobody"] } }).expect(422))).toEqual(["/payment_method/providers/0"]);
    expect(pointers(await explain({ payment_method: { providers: ["stripe"] }, rules: { order: ["x"] } }).expect(422))).toEqual([
      "/rules/order/0",
    ]);
  });
});

describe("the decisions of a charge", () => {
  it("are told for each attempt, after the rules by which it was routed", async () => {
    await set({ rules: [{ name: "dollars to paypal", when: { currencies: ["usd"] }, use: { strategy: "order", order: ["paypal"] } }] });
    const { charge } = await engine.charges.create(chargeInput());
    const version = inForce();
    await set({});
    const answer = await get(`/v1/routing/decisions/${charge.id}`).expect(200);
    expect(answer.body).toMatchObject({
      charge: charge.id,
      data: [
        {
          provider: "paypal",
          outcome: "approved",
          decision: { strategy: "order", rule: "dollars to paypal", rules_version: version, order: ["paypal", "stripe"] },
        },
      ],
    });
    expect(answer.body.data[0].decision.reason).toMatch(/^paypal was chosen because the rule "dollars to paypal" put it before stripe;/);
    await get("/v1/routing/decisions/ch_nothere").expect(404);
  });

  it("refuse a charge that no provider may take by the rules", async () => {
    await set({ providers: { stripe: { accepts: [{ currencies: ["eur"] }] }, paypal: { accepts: [{ currencies: ["eur"] }] } } });
    await expect(engine.charges.create(chargeInput())).rejects.toMatchObject({
      code: "validation_failed",
      faults: [{ pointer: "/payment_method" }],
    });
    await set({});
  });

  it("under rules that leave nobody for a deferred charge are waited out", async () => {
    const by = () => ({ accountId: "acct_default", actor: "key:1", now: new Date() });
    const ids = ["stripe", "paypal"];
    for (const provider of ids) await engine.overrides.set({ provider, mode: "down", reason: "test", expiresAt: null }, by());
    const { charge } = await engine.charges.create(chargeInput());
    await set({
      rules: [{ name: "nobody", when: { currencies: ["usd"] }, use: { providers: ["stripe"] } }],
      providers: { stripe: { accepts: [{ currencies: ["eur"] }] } },
    });
    for (const provider of ids) await engine.overrides.remove(provider, by());
    const turn = async () => {
      const text = "update charges set next_action_at = $2 where id = $1 and lease_until is null";
      await engine.db.query({ name: "make_due", text, values: [charge.id, new Date()] });
      await engine.worker.pass();
      await engine.worker.idle();
      return reread(engine, charge);
    };
    expect(await turn()).toMatchObject({ status: "deferred", failure: null, attempts: [] });
    await set({});
    await eventually(turn, ({ status }) => status === "succeeded");
  });

  it("of an earlier version, which kept sentences, can still be read", async () => {
    const { charge } = await engine.charges.create(chargeInput());
    const old = {
      order: ["stripe"],
      reason: "stripe is the only one",
      candidates: [{ provider: "stripe", eligible: true, probe: false, score: 0.9, why: "approval 90 %", unavailable: null }],
    };
    await engine.db.query({
      name: "old",
      text: "update attempts set decision = $2 where charge_id = $1",
      values: [charge.id, JSON.stringify(old)],
    });
    const answer = await get(`/v1/routing/decisions/${charge.id}`).expect(200);
    expect(answer.body.data[0].decision).toMatchObject({
      reason: "stripe is the only one",
      candidates: [{ words: "approval 90 %", propensity: null }],
    });
  });
});
