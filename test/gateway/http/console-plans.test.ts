import supertest from "supertest";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Principal } from "../../../gateway/http/route.ts";
import { createHttpApp } from "../../../gateway/http/server.ts";
import { type Database, openDatabase } from "../../../gateway/store/database.ts";
import { explained } from "../../bench/console/explained.ts";
import { consoleReads, pageRequests, sampleCharge } from "../../bench/console/pages.ts";
import { seed } from "../../bench/console/seed.ts";
import { createTestDatabase, run, type TestDatabase } from "../../support/database.ts";

/** Enough that a scan is never the cheaper way to a page; `bench:console` does the same with a million. */
const CHARGES = 20_000;
/** A page of 100 charges with their attempts, found and read. */
const MOST_ROWS = 1_000;
const DAYS = 30;
const NOW = new Date("2026-06-15T12:00:30Z");

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({ url: test.url, maxConnections: 4, onIdleError: () => {}, connectTimeoutMs: 60_000 });
  await seed(test.url, { charges: CHARGES, days: DAYS, endsAt: NOW });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

/** The console's reads over a database whose statements are explained. */
function reads() {
  const watched = explained(db, test.url, MOST_ROWS);
  const app = createHttpApp({
    routes: consoleReads(watched.db, NOW),
    authenticate: async (): Promise<Principal> => ({ accountId: "acct_default", keyId: "1", role: "ops", actor: "key:1" }),
    log: { info: () => {}, error: () => {} },
    metrics: { observeRequest: () => {} },
    clock: { monotonic: () => 0 },
    newRequestId: () => "req_1",
    version: "test",
  });
  return { watched, get: (path: string) => supertest(app).get(path).set("Authorization", "Bearer ops") };
}

it("nothing that a page of the console reads goes through the charges, their attempts or the trail", async () => {
  const { watched, get } = reads();
  const sample = await sampleCharge(db);
  for (const { path } of pageRequests(NOW, DAYS, sample)) {
    const answer = await get(path);
    expect(answer.status, `${path}: ${answer.text.slice(0, 300)}`).toBe(200);
    if (path.includes("q=") && !path.includes("nothing"))
      expect(answer.body.data.map((charge: { id: string }) => charge.id)).toEqual([sample.id]);
  }
  await watched.close();
  expect(watched.seen.size).toBeGreaterThan(20);
  expect(watched.scans).toEqual([]);
  expect(watched.excesses).toEqual([]);
});

it("without the indexes that are there for it, it would", async () => {
  await run(test.url, "drop index charges_by_provider; drop index charges_by_status; drop index charges_deferred");
  const { watched, get } = reads();
  await get("/v1/charges?provider=nobody").expect(200);
  await get("/v1/routing/queue").expect(200);
  await watched.close();
  for (const name of ["waiting", "list_charges"]) expect(watched.excesses).toContain(`${name} looks at ${CHARGES} rows of charges`);
});

it("the statistics of the seeded charges are those of the charges", async () => {
  const [truth] = await db.query<{ succeeded: bigint; amount: bigint }>({
    name: "truth",
    text: "select count(*) as succeeded, sum(amount)::bigint as amount from charges where status = 'succeeded' and currency = 'eur'",
  });
  const [row] = await db.query<{ succeeded: bigint; amount: bigint }>({
    name: "rolled",
    text: `select sum(charges_succeeded)::bigint as succeeded, sum(amount_succeeded)::bigint as amount from stats_segments
      where grain = 'day' and currency = 'eur'`,
  });
  expect(row).toEqual(truth);
});
