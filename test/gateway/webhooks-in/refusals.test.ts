import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Database, DatabaseUnavailable, openDatabase } from "../../../gateway/store/database.ts";
import { createRefusals, type Refusals } from "../../../gateway/webhooks-in/refusals.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { silent } from "../../support/engine.ts";
import { ManualClock } from "../../support/manual-clock.ts";

let test: TestDatabase;
let db: Database;
let clock: ManualClock;
let away = false;
const writes: Promise<unknown>[] = [];
let refusals: Refusals;
beforeAll(async () => {
  test = await createTestDatabase();
  const real = openDatabase({ url: test.url, maxConnections: 2, onIdleError: () => {}, connectTimeoutMs: 60_000 });
  db = {
    ...real,
    query(statement) {
      const result: Promise<never[]> = away ? Promise.reject(new DatabaseUnavailable("away")) : real.query(statement);
      writes.push(result.catch(() => {}));
      return result;
    },
  };
});
beforeEach(async () => {
  away = false;
  clock = new ManualClock();
  refusals = createRefusals({ db, clock, log: silent });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

/** All that was told of `provider` so far. */
async function told(provider: string): Promise<string[]> {
  await Promise.all(writes.splice(0));
  const rows = await db.query<{ data: { reason: string; count: number } }>({
    name: "",
    text: "select data from events where type = 'webhook.refused' and provider = $1 order by id",
    values: [provider],
  });
  return rows.map(({ data }) => `${data.reason} ${data.count}`);
}

describe("refused webhooks in the trail", () => {
  it("are told at once, and then in sums: however many come, and each of them once", async () => {
    for (let i = 0; i < 1_000; i++) await refusals.note("a", "signature", "");
    expect(await told("a")).toEqual(["signature 1"]);
    clock.pass(60_000);
    expect(await told("a")).toEqual(["signature 1", "signature 999"]);
    await refusals.note("a", "signature", "");
    clock.pass(60_000);
    expect(await told("a")).toEqual(["signature 1", "signature 999", "signature 1"]);
    clock.pass(600_000);
    await refusals.note("a", "signature", "");
    expect(await told("a")).toEqual(["signature 1", "signature 999", "signature 1", "signature 1"]);
  });

  it("are told apart by provider and reason", async () => {
    await refusals.note("b", "signature", "");
    await refusals.note("b", "too_old", "");
    await refusals.note("c", "signature", "");
    expect([await told("b"), await told("c")]).toEqual([["signature 1", "too_old 1"], ["signature 1"]]);
  });

  it("are not lost when the instance stops", async () => {
    for (let i = 0; i < 3; i++) await refusals.note("d", "signature", "");
    await refusals.stop();
    expect(await told("d")).toEqual(["signature 1", "signature 2"]);
  });

  it("wait while the database is away", async () => {
    away = true;
    await refusals.note("e", "signature", "");
    await refusals.note("e", "signature", "");
    away = false;
    clock.pass(60_000);
    expect(await told("e")).toEqual(["signature 2"]);
  });
});
