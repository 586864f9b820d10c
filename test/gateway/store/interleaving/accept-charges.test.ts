import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Acceptance, acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import { groupCommit } from "../../../../gateway/store/group-commit.ts";
import { writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { acceptance, cancelKey, NOW, newId, transition } from "./rows.ts";
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

/** Whatever a refused intent could have left. */
async function traces({ id }: Acceptance): Promise<string[]> {
  const found = await stage.rows<{ kind: string }>(
    `select 'charge' as kind from charges where id = $1
      union all select 'attempt' from attempts where charge_id = $1
      union all select 'key' from idempotency_keys where charge_id = $1
      union all select 'event' from events where charge_id = $1 order by kind`,
    id,
  );
  return found.map(({ kind }) => kind);
}
const ALL = ["attempt", "charge", "event", "key"];

describe("two intents with one key at the same moment", () => {
  it("the second is told that the key is taken once the first is committed, and leaves nothing", async () => {
    const idempotency_key = newId("key");
    const [first, second] = [acceptance({ idempotency_key }), acceptance({ idempotency_key })];
    const open = await stage.hold(a, (db) => acceptCharges(db, [first]));
    const late = acceptCharges(b.db, [second]);
    await stage.waits(late, b, a);
    await open.commit();
    expect([open.result, await late]).toEqual([["accepted"], ["taken"]]);
    expect([await traces(first), await traces(second)]).toEqual([ALL, []]);
  });

  it("the second is accepted if the first is rolled back", async () => {
    const idempotency_key = newId("key");
    const [first, second] = [acceptance({ idempotency_key }), acceptance({ idempotency_key })];
    const open = await stage.hold(a, (db) => acceptCharges(db, [first]));
    const late = acceptCharges(b.db, [second]);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual(["accepted"]);
    expect([await traces(first), await traces(second)]).toEqual([[], ALL]);
  });

  it("that arrive in one batch are one charge", async () => {
    const idempotency_key = newId("key");
    const twins = [acceptance({ idempotency_key }), acceptance({ idempotency_key })];
    const accept = groupCommit((rows: readonly Acceptance[]) => acceptCharges(b.db, rows));
    expect(await Promise.all(twins.map(accept))).toEqual(["accepted", "taken"]);
    expect(await Promise.all(twins.map(traces))).toEqual([ALL, []]);
  });
});

describe("two charges with one reference at the same moment", () => {
  it("the second is refused once the first is committed, and its key stays free", async () => {
    const reference = newId("invoice");
    const [first, second] = [acceptance({ reference }), acceptance({ reference })];
    const open = await stage.hold(a, (db) => acceptCharges(db, [first]));
    const late = acceptCharges(b.db, [second]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual(["taken"]);
    expect([await traces(first), await traces(second)]).toEqual([ALL, []]);
    const again = acceptance({ idempotency_key: second.idempotency_key });
    expect(await acceptCharges(b.db, [again])).toEqual(["accepted"]);
  });

  it("the second is accepted if the first is rolled back", async () => {
    const reference = newId("invoice");
    const [first, second] = [acceptance({ reference }), acceptance({ reference })];
    const open = await stage.hold(a, (db) => acceptCharges(db, [first]));
    const late = acceptCharges(b.db, [second]);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual(["accepted"]);
    expect([await traces(first), await traces(second)]).toEqual([[], ALL]);
  });

  it("that arrive in one batch are one charge, and one refusal", async () => {
    const reference = newId("invoice");
    const twins = [acceptance({ reference }), acceptance({ reference })];
    expect(await acceptCharges(b.db, twins)).toEqual(["accepted", "taken"]);
    expect(await Promise.all(twins.map(traces))).toEqual([ALL, []]);
  });

  it("do not wait for each other where the later one allows a duplicate", async () => {
    const reference = newId("invoice");
    const open = await stage.hold(a, (db) => acceptCharges(db, [acceptance({ reference })]));
    const second = acceptance({ reference, allow_duplicate_reference: true });
    expect(await stage.passes(acceptCharges(b.db, [second]), b)).toEqual(["accepted"]);
    await open.commit();
  });
});

it("accepts the others of a batch exactly once where one has a key that is just being taken, or a reference", async () => {
  const idempotency_key = newId("key");
  const reference = newId("invoice");
  const open = await stage.hold(a, (db) => acceptCharges(db, [acceptance({ idempotency_key, reference })]));
  const batch = [acceptance(), acceptance({ idempotency_key }), acceptance({ reference }), acceptance()];
  const accept = groupCommit((rows: readonly Acceptance[]) => acceptCharges(b.db, rows));
  const answers = Promise.all(batch.map(accept));
  await stage.waits(answers, b, a);
  await open.commit();
  expect(await answers).toEqual(["accepted", "taken", "taken", "accepted"]);
  expect(await Promise.all(batch.map(traces))).toEqual([ALL, [], [], ALL]);
});

describe("a cancel's key and a charge's key at the same moment", () => {
  /** A deferred charge, and the transition that cancels it with `key`. */
  async function withdrawn(key: string) {
    const charge = acceptance({ status: "deferred" });
    await acceptCharges(stage.db, [charge]);
    const cancel = { from_status: "deferred", status: "canceled", next_action_at: null, lease_until: null } as const;
    return { charge, change: transition(charge.id, { ...cancel, command: cancelKey(key) }) };
  }
  const statusOf = async (id: string) => (await stage.rows<{ status: string }>("select status from charges where id = $1", id))[0]?.status;

  it("the charge is refused once the cancel is committed", async () => {
    const key = newId("key");
    const { change } = await withdrawn(key);
    const second = acceptance({ idempotency_key: key });
    const open = await stage.hold(a, (db) => writeTransitions(db, [change]));
    const late = acceptCharges(b.db, [second]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual(["taken"]);
    expect(await traces(second)).toEqual([]);
  });

  it("the charge is accepted if the cancel is rolled back", async () => {
    const key = newId("key");
    const { charge, change } = await withdrawn(key);
    const second = acceptance({ idempotency_key: key });
    const open = await stage.hold(a, (db) => writeTransitions(db, [change]));
    const late = acceptCharges(b.db, [second]);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual(["accepted"]);
    expect([await traces(second), await statusOf(charge.id)]).toEqual([ALL, "deferred"]);
  });

  it("the cancel fails as a whole once the charge is committed: still deferred, no event", async () => {
    const key = newId("key");
    const { charge, change } = await withdrawn(key);
    const open = await stage.hold(a, (db) => acceptCharges(db, [acceptance({ idempotency_key: key })]));
    const late = writeTransitions(b.db, [change]);
    await stage.waits(late, b, a);
    await open.commit();
    await expect(late).rejects.toMatchObject({ constraint: "idempotency_keys_pkey" });
    expect([await traces(charge), await statusOf(charge.id)]).toEqual([["charge", "event", "key"], "deferred"]);
  });

  it("the cancel is written if the charge is rolled back", async () => {
    const key = newId("key");
    const { charge, change } = await withdrawn(key);
    const open = await stage.hold(a, (db) => acceptCharges(db, [acceptance({ idempotency_key: key })]));
    const late = writeTransitions(b.db, [change]);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual([true]);
    const keys = await stage.rows("select operation, charge_id, created_at from idempotency_keys where key = $1", key);
    expect([keys, await statusOf(charge.id)]).toEqual([[{ operation: "cancel", charge_id: charge.id, created_at: NOW }], "canceled"]);
  });
});
