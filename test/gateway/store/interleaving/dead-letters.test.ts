import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import type { Database } from "../../../../gateway/store/database.ts";
import { buryJobs } from "../../../../gateway/store/dead-jobs.ts";
import { reopenDeadLetter } from "../../../../gateway/store/dead-letters.ts";
import { writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { acceptance, at, doubted, NOW, newId, succeeded } from "./rows.ts";
import { openStage, type Session, type Stage } from "./sessions.ts";

let stage: Stage;
let a: Session;
let b: Session;
beforeAll(async () => {
  stage = await openStage();
  [a, b] = await Promise.all([stage.session(), stage.session()]);
});
afterEach(() => stage.rest());
afterAll(() => stage.close());

/** A doubt with an open letter, due in an hour. */
async function oldDoubt(): Promise<{ id: string; letterId: string }> {
  const charge = acceptance();
  await acceptCharges(stage.db, [charge]);
  const row = doubted(charge.id, { next_action_at: at(3_600).toISOString() });
  expect(await writeTransitions(stage.db, [row])).toEqual([true]);
  return { id: charge.id, letterId: row.dead_letter?.id ?? "" };
}

const replay = (db: Database, letterId: string) =>
  reopenDeadLetter(db, { accountId: "acct_default", id: letterId, actor: "key:ops", now: NOW });
const settled = (id: string) => succeeded(id, { from_status: "in_doubt", settled_by: "system:worker" });
const letterOf = async (id: string) => (await stage.rows("select state, closed_by from dead_letters where charge_id = $1", id))[0];
const chargeOf = async (id: string) => (await stage.rows("select status, next_action_at from charges where id = $1", id))[0];
const replaysOf = async (id: string) =>
  (await stage.rows("select from events where charge_id = $1 and type = 'dead_letter.replayed'", id)).length;

describe("a dead letter that two persons replay at the same moment", () => {
  it("is replayed once: the second is told that it is closed", async () => {
    const { id, letterId } = await oldDoubt();
    const open = await stage.hold(a, (db) => replay(db, letterId));
    const late = replay(b.db, letterId);
    await stage.waits(late, b, a);
    await open.commit();
    expect([open.result, await late]).toEqual([
      { found: true, wasOpen: true },
      { found: true, wasOpen: false },
    ]);
    expect([await letterOf(id), await replaysOf(id)]).toEqual([{ state: "replayed", closed_by: "key:ops" }, 1]);
  });

  it("is the second one's if the first is rolled back", async () => {
    const { id, letterId } = await oldDoubt();
    const open = await stage.hold(a, (db) => replay(db, letterId));
    const late = replay(b.db, letterId);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual({ found: true, wasOpen: true });
    expect([await chargeOf(id), await replaysOf(id)]).toEqual([{ status: "in_doubt", next_action_at: NOW }, 1]);
  });
});

describe("a replay at the moment in which its charge is settled", () => {
  it("finds the letter closed, and leaves the charge at its end", async () => {
    const { id, letterId } = await oldDoubt();
    const open = await stage.hold(a, (db) => writeTransitions(db, [settled(id)]));
    const late = replay(b.db, letterId);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual({ found: true, wasOpen: false });
    expect(await letterOf(id)).toEqual({ state: "settled", closed_by: "system:worker" });
    expect([await chargeOf(id), await replaysOf(id)]).toEqual([{ status: "succeeded", next_action_at: null }, 0]);
  });

  it("that came first keeps its name on the letter, and the charge comes to its end", async () => {
    const { id, letterId } = await oldDoubt();
    const open = await stage.hold(a, (db) => replay(db, letterId));
    const late = writeTransitions(b.db, [settled(id)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([true]);
    expect(await letterOf(id)).toEqual({ state: "replayed", closed_by: "key:ops" });
    expect([await chargeOf(id), await replaysOf(id)]).toEqual([{ status: "succeeded", next_action_at: null }, 1]);
  });

  it("that crosses the batch waits for the charge, and finds the letter closed: no deadlock", async () => {
    const { id, letterId } = await oldDoubt();
    const later = acceptance();
    await acceptCharges(stage.db, [later]);
    const c = await stage.session();
    const open = await stage.hold(c, (db) =>
      db.query({ name: "", text: "select from charges where id = $1 for update", values: [later.id] }),
    );
    // The batch has the doubt, waits for the other charge, and will come for the letter.
    const batch = writeTransitions(a.db, [settled(id), succeeded(later.id)]);
    await stage.waits(batch, a, c);
    const late = replay(b.db, letterId);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await batch).toEqual([true, true]);
    expect(await late).toEqual({ found: true, wasOpen: false });
    expect(await letterOf(id)).toEqual({ state: "settled", closed_by: "system:worker" });
    expect([await chargeOf(id), await replaysOf(id)]).toEqual([{ status: "succeeded", next_action_at: null }, 0]);
  });
});

describe("a doubt that is buried again at the moment in which its letter is replayed", () => {
  it("gets a new letter once the old one is closed", async () => {
    const { id, letterId } = await oldDoubt();
    const open = await stage.hold(a, (db) => replay(db, letterId));
    const late = writeTransitions(b.db, [doubted(id, { from_status: "in_doubt" })]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([true]);
    expect(await stage.rows("select state from dead_letters where charge_id = $1 order by id", id)).toEqual([
      { state: "replayed" },
      { state: "open" },
    ]);
  });
});

describe("a dead job, told by two instances at the same moment", () => {
  const bury = (db: Database, job: string) =>
    buryJobs(db, [{ id: newId("dl"), accountId: "acct_default", dead: { queue: "alerts", job, payload: {}, error: "test" } }], NOW);
  const lettersOf = (job: string) => stage.rows("select from dead_letters where data ->> 'job' = $1", job);

  it("is one letter", async () => {
    const job = newId("job");
    const open = await stage.hold(a, (db) => bury(db, job));
    const late = bury(b.db, job);
    await stage.waits(late, b, a);
    await open.commit();
    expect([open.result, await late]).toEqual([[job], []]);
    expect(await lettersOf(job)).toHaveLength(1);
  });

  it("is the second one's if the first is rolled back", async () => {
    const job = newId("job");
    const open = await stage.hold(a, (db) => bury(db, job));
    const late = bury(b.db, job);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual([job]);
    expect(await lettersOf(job)).toHaveLength(1);
  });
});
