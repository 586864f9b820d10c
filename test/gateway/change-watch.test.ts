import { afterAll, beforeAll, expect, test } from "vitest";
import { watchChanges } from "../../gateway/change-watch.ts";
import { type Database, openDatabase, type Statement } from "../../gateway/store/database.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { ManualClock } from "../support/manual-clock.ts";

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, maxConnections: 2, onIdleError: () => {}, connectTimeoutMs: 60_000 });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

test("who leaves and comes back while a look is under way has one watch", async () => {
  const clock = new ManualClock();
  const asked: string[] = [];
  let answered = 0;
  let passes = (): void => {};
  const slow = new Promise<void>((resolve) => (passes = resolve));
  const query: Database["query"] = async <Row extends object>(statement: Statement) => {
    asked.push(statement.name);
    await slow;
    return db.query<Row>(statement).finally(() => (answered += 1));
  };
  const silent = { info() {}, warn() {}, error() {} };
  const changes = watchChanges({ db: { query }, fleet: { status: () => [], onChange() {} }, clock, log: silent });
  const leave = changes.listen("acct_default", () => {});
  leave();
  changes.listen("acct_default", () => {});
  passes();
  for (const looks of [2, 3, 4]) {
    await expect.poll(() => answered, { timeout: 30_000 }).toBe(looks);
    await new Promise(setImmediate);
    clock.pass(500);
    await new Promise(setImmediate);
  }
  expect(asked).toEqual(["changes_begin", "changes_begin", "changes_read", "changes_read", "changes_read"]);
  await changes.stop();
});
