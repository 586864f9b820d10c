import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { OverrideWatcher } from "../../../gateway/health/overrides.ts";
import { type Database, openDatabase } from "../../../gateway/store/database.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** Generous: the promise is 1 s, the machine may be busy. */
const SOON = { timeout: 10_000, interval: 20 };

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({ url: test.url, maxConnections: 4, onIdleError: () => {}, connectTimeoutMs: 60_000 });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});
beforeEach(() => db.query({ name: "clean", text: "delete from provider_overrides" }));

const started: OverrideWatcher[] = [];
afterEach(() => {
  for (const watcher of started.splice(0)) watcher.stop();
});

async function watch(more: { db?: Database; clock?: ManualClock; onError?: (error: unknown) => void } = {}): Promise<OverrideWatcher> {
  const watcher = new OverrideWatcher({ db: more.db ?? db, clock: more.clock ?? systemClock, onError: more.onError ?? (() => {}) });
  await watcher.start();
  started.push(watcher);
  return watcher;
}

function by(now = Date.now()) {
  return { accountId: "acct_default", actor: "key:ops", now: new Date(now) };
}

const DOWN = { provider: "stripe", mode: "down", reason: "they told us", expiresAt: null } as const;

describe("an override", () => {
  it("is in force at once where it was set, soon on another instance, and gone on both when removed", async () => {
    const [one, other] = [await watch(), await watch()];
    await one.set(DOWN, by());
    expect(one.modeOf("stripe")).toBe("down");
    await vi.waitFor(() => expect(other.modeOf("stripe")).toBe("down"), SOON);
    expect(other.current().get("stripe")).toMatchObject({ reason: "they told us", actor: "key:ops", expiresAt: null });
    await other.remove("stripe", by());
    expect(other.modeOf("stripe")).toBeNull();
    await vi.waitFor(() => expect(one.modeOf("stripe")).toBeNull(), SOON);
  });

  it("survives a restart", async () => {
    await (await watch()).set(DOWN, by());
    expect((await watch()).modeOf("stripe")).toBe("down");
  });

  it("ends by the clock, without a word from the database", async () => {
    const clock = new ManualClock();
    const watcher = await watch({ clock });
    await watcher.set({ ...DOWN, expiresAt: new Date(clock.now() + 60_000) }, by(clock.now()));
    clock.pass(59_999);
    expect(watcher.modeOf("stripe")).toBe("down");
    clock.pass(1);
    expect(watcher.modeOf("stripe")).toBeNull();
    expect(watcher.current().size).toBe(0);
  });

  it("replaces the one before", async () => {
    const watcher = await watch();
    await watcher.set(DOWN, by());
    await watcher.set({ ...DOWN, mode: "up", reason: "all is well" }, by());
    expect([...watcher.current().values()]).toMatchObject([{ mode: "up", reason: "all is well" }]);
  });

  it("leaves its author, its reason and what it replaced in the trail", async () => {
    const before = await db.query<{ id: bigint }>({ name: "last", text: "select coalesce(max(id), 0) id from events" });
    const watcher = await watch();
    await watcher.set(DOWN, by());
    await watcher.set({ ...DOWN, mode: "drain", expiresAt: new Date("2030-01-01T00:00:00Z") }, by());
    await watcher.remove("stripe", by());
    expect(await watcher.remove("stripe", by())).toBeNull();
    const events = await db.query({
      name: "events",
      text: "select type, actor, account_id, provider, data from events where id > $1 order by id",
      values: [before[0]?.id],
    });
    const common = { actor: "key:ops", account_id: "acct_default", provider: "stripe" };
    expect(events).toMatchObject([
      { ...common, type: "override.set", data: { mode: "down", reason: "they told us", expires_at: null, before: null } },
      { ...common, type: "override.set", data: { mode: "drain", before: { mode: "down", reason: "they told us" } } },
      { ...common, type: "override.removed", data: { mode: "drain" } },
    ]);
    expect(new Date((events[1] as { data: { expires_at: string } }).data.expires_at)).toEqual(new Date("2030-01-01T00:00:00Z"));
  });
});

describe("a watcher", () => {
  it("keeps the last known overrides while the database is away, and goes on when it is back", async () => {
    let away = false;
    let failed = 0;
    const flaky: Database = {
      ...db,
      query(statement) {
        if (!away) return db.query(statement);
        failed += 1;
        return Promise.reject(new Error("away"));
      },
    };
    const errors: unknown[] = [];
    const [one, other] = [await watch(), await watch({ db: flaky, onError: (error) => errors.push(error) })];
    await one.set(DOWN, by());
    await other.refresh();
    away = true;
    await vi.waitFor(() => expect(failed).toBeGreaterThan(2), SOON);
    expect(errors).toHaveLength(1);
    expect(other.modeOf("stripe")).toBe("down");
    await one.remove("stripe", by());
    away = false;
    await vi.waitFor(() => expect(other.modeOf("stripe")).toBeNull(), SOON);
  });

  it("does not start without having read the table once", async () => {
    const gone: Database = { ...db, query: () => Promise.reject(new Error("away")) };
    await expect(watch({ db: gone })).rejects.toThrow("away");
  });

  it("does not undo its own write by a read that began before it", async () => {
    const slow = Promise.withResolvers<void>();
    let delay = false;
    const delayed: Database = {
      ...db,
      async query(statement) {
        const rows = await db.query(statement);
        if (delay && statement.name === "list_overrides") await slow.promise;
        return rows as never;
      },
    };
    const watcher = await watch({ db: delayed, clock: new ManualClock() });
    delay = true;
    const reading = watcher.refresh();
    await db.query({ name: "settle", text: "select 1" });
    await watcher.set(DOWN, by());
    slow.resolve();
    await reading;
    expect(watcher.modeOf("stripe")).toBe("down");
  });
});
