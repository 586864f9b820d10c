import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type Jobs, startJobs } from "../../../gateway/queue/jobs.ts";
import { dailyRun, reconciliationKind } from "../../../gateway/queue/reconciliation-job.ts";
import { listRuns, requestRun } from "../../../gateway/store/reconciliation-runs.ts";
import { sealEvents } from "../../../gateway/store/seal-events.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import { Books, DAY, FROM, HOUR, silence, strangePayment, TO } from "../reconciliation/books.ts";

let books: Books;
beforeAll(async () => {
  books = await Books.open();
});
afterAll(() => books.close());
beforeEach(async () => {
  await books.reset();
  await books.sql("delete from installation");
});

const installedAt = (ms: number) =>
  books.sql("insert into installation (id, livemode, created_at) values ('in_1', false, $1)", [new Date(ms)]);
const runs = () => listRuns(books.db, { accountId: "acct_default", state: null, after: null, limit: 10 });

it("compares the last three days once a day, however often it is told to", async () => {
  await installedAt(DAY - 240 * HOUR);
  books.nowMs = DAY + 4 * HOUR;
  const kind = reconciliationKind(books.parts());
  await kind.run([{}]);
  await kind.run([{}]);
  expect(await runs()).toMatchObject([
    { state: "finished", day: "2026-11-01", from_at: new Date(DAY - 72 * HOUR), to_at: new Date(DAY), actor: "system:reconciliation" },
  ]);
  books.nowMs += 24 * HOUR;
  await kind.run([{}]);
  expect((await runs()).map(({ day }) => day)).toEqual(["2026-11-02", "2026-11-01"]);
});

it("knows nothing of what was paid before this installation's first day", async () => {
  books.nowMs = DAY + 4 * HOUR;
  await installedAt(DAY + HOUR);
  expect(await dailyRun(books.parts())).toBeNull();
  await books.sql("update installation set created_at = $1", [new Date(DAY - 10 * HOUR)]);
  expect(await dailyRun(books.parts())).toMatchObject({ from_at: new Date(DAY - 10 * HOUR), to_at: new Date(DAY) });
});

it("fails with its reason while a provider cannot be read, and the next try ends the same run", async () => {
  await installedAt(DAY - 240 * HOUR);
  books.nowMs = DAY + 4 * HOUR;
  books.stripe.onPage = () => silence;
  const kind = reconciliationKind(books.parts());
  await expect(kind.run([{}])).rejects.toThrow("stripe: the list of payments cannot be read");
  expect(await runs()).toMatchObject([{ state: "failed" }]);
  books.stripe.onPage = () => null;
  await kind.run([{}]);
  expect(await runs()).toMatchObject([{ state: "finished", error: null }]);
});

it("carries out, from the trail, a run that somebody asked for", async () => {
  books.stripe.payments.push(strangePayment("pi_asked"));
  const run = { id: books.newId("rr"), account_id: "acct_default", actor: "key:ops", provider: "stripe", from_at: FROM, to_at: TO };
  await requestRun(books.db, run, new Date(books.nowMs));
  const log = { info() {}, warn() {}, error() {} };
  // Nobody has installed anything here: the job that a start makes finds nothing to do.
  const kinds = [{ ...reconciliationKind(books.parts()), pollS: 0.5 }];
  const jobs: Jobs = await startJobs({ databaseUrl: books.url, database: books.db, clock: systemClock, log, kinds });
  try {
    await sealEvents(books.db, new Date());
    const end = Date.now() + 60_000;
    while ((await books.run(run.id))?.state !== "finished") {
      if (Date.now() > end) throw new Error("the run that was asked for was not made");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await books.open()).toMatchObject([{ subject: "pi_asked" }]);
  } finally {
    await jobs.stop();
  }
});
