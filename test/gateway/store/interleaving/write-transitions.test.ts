import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import { groupCommit } from "../../../../gateway/store/group-commit.ts";
import { type Transition, writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { acceptance, attemptId, cancelKey, compensation, doubted, failedOver, newId, succeeded, transition } from "./rows.ts";
import { openStage, type Session, type Stage } from "./sessions.ts";

let stage: Stage;
let a: Session;
let b: Session;
let c: Session;
beforeAll(async () => {
  stage = await openStage();
  [a, b, c] = await Promise.all([stage.session(), stage.session(), stage.session()]);
});
afterEach(() => stage.rest());
afterAll(() => stage.close());

async function charges(count: number): Promise<string[]> {
  const rows = Array.from({ length: count }, () => acceptance());
  await acceptCharges(stage.db, rows);
  return rows.map(({ id }) => id);
}

const attemptsOf = (id: string) =>
  stage.rows<{ id: string; live: boolean }>("select id, live from attempts where charge_id = $1 order by no", id);
const eventsOf = async (id: string) =>
  (await stage.rows<{ type: string }>("select type from events where charge_id = $1 order by id", id)).map(({ type }) => type);
const statusOf = async (id: string) => (await stage.rows<{ status: string }>("select status from charges where id = $1", id))[0]?.status;

describe("two batches with the same charges in opposite order", () => {
  it("queue up at the first charge instead of a deadlock: the second changes nothing", async () => {
    const [low = "", middle = "", high = ""] = await charges(3);
    const open = await stage.hold(c, (db) =>
      db.query({ name: "", text: "select from charges where id = $1 for update", values: [middle] }),
    );
    const first = writeTransitions(
      a.db,
      [low, middle, high].map((id) => succeeded(id)),
    );
    await stage.waits(first, a, c);
    const second = writeTransitions(
      b.db,
      [high, middle, low].map((id) => succeeded(id)),
    );
    // Not for whoever holds the middle one: had it locked in its own order, it would hold the high one now.
    await stage.waits(second, b, a);
    await open.rollback();
    expect([await first, await second]).toEqual([
      [true, true, true],
      [false, false, false],
    ]);
    for (const id of [low, middle, high]) expect(await eventsOf(id)).toEqual(["attempt.started", "charge.succeeded"]);
  });

  it("each write what is theirs, where only one charge is in both", async () => {
    const [low = "", shared = "", high = ""] = await charges(3);
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(shared), succeeded(low)]));
    const late = writeTransitions(
      b.db,
      [high, shared].map((id) => succeeded(id)),
    );
    await stage.waits(late, b, a);
    await open.commit();
    expect([open.result, await late]).toEqual([
      [true, true],
      [true, false],
    ]);
    for (const id of [low, shared, high]) expect(await eventsOf(id)).toEqual(["attempt.started", "charge.succeeded"]);
  });
});

it("writes one of two holders of a charge in the same batch: the present one", async () => {
  const [id = ""] = await charges(1);
  await stage.rows("update charges set lease_no = 2 where id = $1", id);
  const zombie = transition(id, { status: "failed", next_action_at: null, lease_until: null });
  expect(await writeTransitions(b.db, [zombie, succeeded(id, { lease_no: 2 })])).toEqual([false, true]);
  expect([await statusOf(id), await eventsOf(id)]).toEqual(["succeeded", ["attempt.started", "charge.succeeded"]]);
});

describe("the next intent, twice at the same moment", () => {
  it("under one lease: the table refuses a second live attempt, and nothing of that change is left (law 1)", async () => {
    const [id = ""] = await charges(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [failedOver(id, 2)]));
    const late = writeTransitions(b.db, [failedOver(id, 3)]);
    await stage.waits(late, b, a);
    await open.commit();
    await expect(late).rejects.toMatchObject({ constraint: "attempts_one_live" });
    expect(await attemptsOf(id)).toEqual([
      { id: attemptId(id, 1), live: false },
      { id: attemptId(id, 2), live: true },
    ]);
    expect(await eventsOf(id)).toEqual(["attempt.started", "charge.processing"]);
  });

  it("under one lease: the second is written if the first is rolled back", async () => {
    const [id = ""] = await charges(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [failedOver(id, 2)]));
    const late = writeTransitions(b.db, [failedOver(id, 3)]);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual([true]);
    expect(await attemptsOf(id)).toEqual([
      { id: attemptId(id, 1), live: false },
      { id: attemptId(id, 3), live: true },
    ]);
  });

  it("under two leases: the old one's is not written", async () => {
    const [id = ""] = await charges(1);
    const open = await stage.hold(a, async (db) => {
      await db.query({ name: "", text: "update charges set lease_no = 2 where id = $1", values: [id] });
      return writeTransitions(db, [failedOver(id, 2, { lease_no: 2 })]);
    });
    const late = writeTransitions(b.db, [failedOver(id, 3)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([false]);
    expect((await attemptsOf(id)).map((attempt) => attempt.id)).toEqual([attemptId(id, 1), attemptId(id, 2)]);
  });

  it("against the end of the same charge: only the first is written", async () => {
    const [id = ""] = await charges(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(id)]));
    const late = writeTransitions(b.db, [failedOver(id, 2)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([false]);
    expect(await attemptsOf(id)).toEqual([{ id: attemptId(id, 1), live: true }]);
  });
});

describe("a compensation, twice at the same moment", () => {
  it("is one operation (law 8)", async () => {
    const [id = ""] = await charges(1);
    const sendBack = () => transition(id, { operation: compensation(id) });
    const open = await stage.hold(a, (db) => writeTransitions(db, [sendBack()]));
    const late = writeTransitions(b.db, [sendBack()]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([true]);
    expect(await stage.rows("select from operations where charge_id = $1", id)).toHaveLength(1);
  });
});

describe("a dead letter, opened twice at the same moment", () => {
  const lettersOf = (id: string) =>
    stage.rows<{ id: string; state: string }>("select id, state from dead_letters where charge_id = $1", id);
  const again = (id: string) => doubted(id, { from_status: "in_doubt" });

  async function oldDoubt(): Promise<string> {
    const [id = ""] = await charges(1);
    await writeTransitions(stage.db, [transition(id, { status: "in_doubt" })]);
    return id;
  }

  it("is one letter, and told of once", async () => {
    const id = await oldDoubt();
    const letter = again(id);
    const open = await stage.hold(a, (db) => writeTransitions(db, [letter]));
    const late = writeTransitions(b.db, [again(id)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect([open.result, await late]).toEqual([[true], [true]]);
    expect(await lettersOf(id)).toEqual([{ id: letter.dead_letter?.id, state: "open" }]);
    expect((await eventsOf(id)).filter((type) => type === "dead_letter.opened")).toHaveLength(1);
  });

  it("is the second one's if the first is rolled back", async () => {
    const id = await oldDoubt();
    const second = again(id);
    const open = await stage.hold(a, (db) => writeTransitions(db, [again(id)]));
    const late = writeTransitions(b.db, [second]);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual([true]);
    expect(await lettersOf(id)).toEqual([{ id: second.dead_letter?.id, state: "open" }]);
    expect((await eventsOf(id)).filter((type) => type === "dead_letter.opened")).toHaveLength(1);
  });
});

describe("group commit", () => {
  const write = (session: Session) => groupCommit((rows: readonly Transition[]) => writeTransitions(session.db, rows));
  const canceled = (id: string, key: string) =>
    transition(id, { status: "canceled", next_action_at: null, lease_until: null, command: cancelKey(key) });

  it("writes the others exactly once, and tells the one whose key is just being taken by somebody else", async () => {
    const [other = "", first = "", conflicting = "", last = ""] = await charges(4);
    const key = newId("key");
    const open = await stage.hold(a, (db) => writeTransitions(db, [canceled(other, key)]));
    const batch = Promise.allSettled([succeeded(first), canceled(conflicting, key), succeeded(last)].map(write(b)));
    await stage.waits(batch, b, a);
    await open.commit();
    expect(await batch).toMatchObject([
      { status: "fulfilled", value: true },
      { status: "rejected", reason: { constraint: "idempotency_keys_pkey" } },
      { status: "fulfilled", value: true },
    ]);
    for (const id of [first, last]) expect(await eventsOf(id)).toEqual(["attempt.started", "charge.succeeded"]);
    expect([await statusOf(conflicting), await eventsOf(conflicting)]).toEqual(["processing", ["attempt.started"]]);
  });

  it("writes the others exactly once where one of them lost its lease while the batch waited", async () => {
    const [first = "", claimed = "", last = ""] = await charges(3);
    const open = await stage.hold(a, (db) =>
      db.query({ name: "", text: "update charges set lease_no = 2 where id = $1", values: [claimed] }),
    );
    const batch = Promise.all([first, claimed, last].map((id) => succeeded(id)).map(write(b)));
    await stage.waits(batch, b, a);
    await open.commit();
    expect(await batch).toEqual([true, false, true]);
    for (const id of [first, last]) expect(await eventsOf(id)).toEqual(["attempt.started", "charge.succeeded"]);
    expect(await eventsOf(claimed)).toEqual(["attempt.started"]);
  });

  // Alone in its batch: there is nothing smaller to fall back to.
  it("comes again after a deadlock that the server ended at its cost, and writes once", async () => {
    const [id = ""] = await charges(1);
    const key = newId("key");
    // The other one never looks for deadlocks itself: the writer is the one that is ended.
    const open = await stage.hold(a, async (db) => {
      await db.query({ name: "", text: "set local deadlock_timeout = '10min'" });
      await acceptCharges(db, [acceptance({ idempotency_key: key })]);
      return db;
    });
    const written = write(b)(canceled(id, key));
    await stage.waits(written, b, a);
    const crossing = open.result.query({ name: "", text: "select from charges where id = $1 for update", values: [id] });
    await stage.waits(crossing, a, b);
    // It gets the charge only because the writer was rolled back.
    await crossing;
    await open.rollback();
    expect(await written).toBe(true);
    expect([await statusOf(id), await eventsOf(id)]).toEqual(["canceled", ["attempt.started", "charge.canceled"]]);
  });
});
