import request from "supertest";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFleet, type Fleet } from "../../../gateway/health/fleet.ts";
import { OverrideWatcher } from "../../../gateway/health/overrides.ts";
import { providersRoutes } from "../../../gateway/http/providers-routes.ts";
import type { Principal, Role } from "../../../gateway/http/route.ts";
import { createHttpApp } from "../../../gateway/http/server.ts";
import { type Database, openDatabase } from "../../../gateway/store/database.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { ManualClock } from "../../support/manual-clock.ts";

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({ url: test.url, maxConnections: 2, onIdleError: () => {}, connectTimeoutMs: 60_000 });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

let clock: ManualClock;
let fleet: Fleet;
let app: ReturnType<typeof createHttpApp>;
beforeEach(async () => {
  await db.query({ name: "clean", text: "delete from provider_overrides" });
  clock = new ManualClock();
  const overrides = new OverrideWatcher({ db, clock, onError: () => {} });
  await overrides.refresh();
  const capabilities = { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, holdMs: 1, currencies: null };
  const providers = ["stripe", "paypal"].map((id) => ({ id, capabilities }));
  fleet = createFleet({ providers, clock, random: () => 0.5, overrides, instance: "test", documents: null, onBug: () => {} });
  for (const { id } of providers) fleet.markVerified(id);
  app = createHttpApp({
    routes: providersRoutes({ fleet, overrides, clock }),
    authenticate: async (role): Promise<Principal> => ({ accountId: "acct_default", keyId: "1", role: role as Role, actor: "key:1" }),
    log: { info: () => {}, error: () => {} },
    metrics: { observeRequest: () => {} },
    clock,
    newRequestId: () => "req_1",
    version: "test",
  });
});

function as(role: Role) {
  const headers = { Authorization: `Bearer ${role}` };
  return {
    list: () => request(app).get("/v1/providers").set(headers),
    put: (id: string, body: object) => request(app).put(`/v1/providers/${id}/override`).set(headers).send(body),
    remove: (id: string) => request(app).delete(`/v1/providers/${id}/override`).set(headers),
  };
}

const DOWN = { mode: "down", reason: "they told us" };

describe("GET /v1/providers", () => {
  it("tells health, breaker, approval, latency, share and override of each, in configured order", async () => {
    const answer = await as("finance").list().expect(200);
    expect(answer.body.data.map(({ id }: { id: string }) => id)).toEqual(["stripe", "paypal"]);
    expect(answer.body.data[0]).toEqual({
      id: "stripe",
      object: "provider",
      health: "up",
      reason: null,
      verified: true,
      breaker: {
        state: "closed",
        scope: "fleet",
        reason: null,
        since: "2026-01-01T00:00:00.000Z",
        open_until: null,
        trips: 0,
        fault_rate: 0.01,
        weight: 1,
      },
      approval: { rate: 0.87, outcomes: 0 },
      latency_ms: { p50: null, p95: null, p99: null },
      share: null,
      in_flight: 0,
      override: null,
    });
  });

  it("says why a breaker is open and until when", async () => {
    for (let i = 0; i < 4; i++) {
      const ticket = fleet.circuit("stripe").admit();
      if (!ticket.admitted) throw new Error("refused");
      await ticket.run(
        async () => ({ kind: "unknown" }),
        () => true,
      );
      ticket.release();
    }
    const answer = await as("ops").list().expect(200);
    expect(answer.body.data[0]).toMatchObject({
      health: "unavailable",
      reason: "open: 100 % of the last attempts were faults, 4 in a row, the last: an error",
      breaker: {
        state: "open",
        scope: "fleet",
        reason: "100 % of the last attempts were faults, 4 in a row, the last: an error",
        open_until: "2026-01-01T00:00:04.500Z",
      },
      share: 1,
    });
  });

  it("is not for billing keys", async () => {
    await as("billing").list().expect(403);
  });
});

describe("the override of a provider", () => {
  it("is in force with the answer, and gone with the answer to its removal", async () => {
    const set = await as("ops").put("stripe", DOWN).expect(200);
    const override = { ...DOWN, actor: "key:1", created_at: "2026-01-01T00:00:00.000Z", expires_at: null };
    expect(set.body).toMatchObject({ id: "stripe", health: "unavailable", reason: "an operator set it down", override });
    expect(fleet.available()).toEqual(["paypal"]);
    const removed = await as("ops").remove("stripe").expect(200);
    expect(removed.body).toMatchObject({ id: "stripe", health: "up", override: null });
    await as("ops").remove("stripe").expect(200);
  });

  it("ends by itself", async () => {
    const set = await as("ops")
      .put("stripe", { ...DOWN, expires_in: 60 })
      .expect(200);
    expect(set.body.override.expires_at).toBe("2026-01-01T00:01:00.000Z");
    clock.pass(60_000);
    expect((await as("ops").list()).body.data[0]).toMatchObject({ health: "up", override: null });
  });

  it("names its author in the trail", async () => {
    await as("ops").put("paypal", { mode: "only", reason: "a drill" });
    const [event] = await db.query({ name: "last_event", text: "select type, actor, provider, data from events order by id desc limit 1" });
    expect(event).toMatchObject({ type: "override.set", actor: "key:1", provider: "paypal", data: { mode: "only", reason: "a drill" } });
  });

  it.each([
    [{}, ["/mode", "/reason"]],
    [{ mode: "off", reason: "x" }, ["/mode"]],
    [{ mode: "down", reason: "   " }, ["/reason"]],
    [{ mode: "down", reason: "x".repeat(501) }, ["/reason"]],
    [{ ...DOWN, expires_in: 0 }, ["/expires_in"]],
    [{ ...DOWN, expires_in: 30 * 86_400 + 1 }, ["/expires_in"]],
    [{ ...DOWN, expires_in: 1.5 }, ["/expires_in"]],
    [{ ...DOWN, until: "tomorrow" }, ["/until"]],
  ])("is refused as %o", async (body, pointers) => {
    const answer = await as("ops").put("stripe", body).expect(422);
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
    expect(fleet.available()).toHaveLength(2);
  });

  it("exists only for providers that are configured", async () => {
    await as("ops").put("nobody", DOWN).expect(404);
    await as("ops").remove("nobody").expect(404);
  });

  it("is for ops keys, not for finance", async () => {
    await as("finance").put("stripe", DOWN).expect(403);
    await as("admin").put("stripe", DOWN).expect(200);
  });
});
