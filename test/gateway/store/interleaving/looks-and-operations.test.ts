import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClaimedOperation as Operation } from "../../../../gateway/charges/operation.ts";
import type { AttemptId } from "../../../../gateway/ids.ts";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import { countLook, hintAttempt, takeAttemptsToLookAt } from "../../../../gateway/store/closed-attempts.ts";
import type { Database } from "../../../../gateway/store/database.ts";
import { claimOperations, type OperationWrite, writeOperation } from "../../../../gateway/store/operations.ts";
import { writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { acceptance, at, attemptId, compensation, NOW, newId, operationWrite, patch, told, transition } from "./rows.ts";
import { openStage, type Session, type Stage } from "./sessions.ts";

let stage: Stage;
let a: Session;
let b: Session;
beforeAll(async () => {
  stage = await openStage();
  [a, b] = await Promise.all([stage.session(), stage.session()]);
});
afterEach(async () => {
  await stage.rest();
  await stage.rows("update attempts set next_look_at = null");
  await stage.rows("update operations set next_action_at = null");
});
afterAll(() => stage.close());

/** The charge failed; its attempt was given up without a fence, and is due for a look. */
async function givenUp(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId("ch"));
  await acceptCharges(
    stage.db,
    ids.map((id) => acceptance({ id })),
  );
  const closing = ids.map((id) => {
    const attempt = patch(attemptId(id, 1), { outcome: "settled", ambiguous: true, next_look_at: at(-1).toISOString() });
    return transition(id, { status: "failed", next_action_at: null, lease_until: null, attempt });
  });
  await writeTransitions(stage.db, closing);
  return ids;
}

describe("looks at attempts that were given up", () => {
  const take = (db: Database, limit: number) => takeAttemptsToLookAt(db, { now: NOW, until: at(30), limit });
  const lookAt = async (id: AttemptId) =>
    (await stage.rows<{ at: Date | null }>("select next_look_at as at from attempts where id = $1", id))[0]?.at;

  it("are taken by two workers without waiting, none twice, none left", async () => {
    const all = await givenUp(5);
    const open = await stage.hold(a, (db) => take(db, 3));
    const second = await stage.passes(take(b.db, 10), b);
    await open.commit();
    expect([open.result.length, second.length]).toEqual([3, 2]);
    expect([...open.result, ...second].map(({ chargeId }) => chargeId as string).sort()).toEqual(all);
    expect(await take(b.db, 10)).toEqual([]);
  });

  it("are due again when the one who took them is rolled back", async () => {
    await givenUp(2);
    const open = await stage.hold(a, (db) => take(db, 10));
    expect(await stage.passes(take(b.db, 10), b)).toEqual([]);
    await open.rollback();
    expect(await take(b.db, 10)).toHaveLength(2);
  });

  it("come at once where evidence is heard while a look is being taken or counted", async () => {
    const [chargeId = ""] = await givenUp(1);
    const id = attemptId(chargeId, 1) as AttemptId;
    const taken = await stage.hold(a, (db) => take(db, 1));
    const first = hintAttempt(b.db, id, NOW);
    await stage.waits(first, b, a);
    await taken.commit();
    await first;
    expect(await lookAt(id)).toEqual(NOW);
    const counted = await stage.hold(a, (db) => countLook(db, id, NOW, at(3_600)));
    const second = hintAttempt(b.db, id, NOW);
    await stage.waits(second, b, a);
    await counted.commit();
    await second;
    expect(await lookAt(id)).toEqual(NOW);
    // A look that began before the evidence came tells nothing of it.
    await countLook(a.db, id, at(60), null);
    expect(await lookAt(id)).toEqual(NOW);
  });
});

describe("compensations", () => {
  const take = (db: Database, limit: number) => claimOperations(db, { now: NOW, leaseUntil: at(30), limit });
  const write = (db: Database, operation: Operation, more: Partial<OperationWrite>) =>
    writeOperation(db, operation, operationWrite(operation, more));
  const done = (db: Database, operation: Operation) =>
    write(db, operation, { state: "succeeded", provider_reference: "re_1", events: [told(operation.chargeId, "compensation.done")] });
  const dead = (db: Database, operation: Operation) =>
    write(db, operation, {
      state: "failed",
      dead_letter: { id: newId("dl"), kind: "compensation", reason: "declined" },
      events: [told(operation.chargeId, "dead_letter.opened")],
    });
  const stateOf = async ({ id }: Operation) => (await stage.rows("select state, lease_no from operations where id = $1", id))[0];
  const eventsOf = async (operation: Operation) =>
    (await stage.rows<{ type: string }>("select type from events where charge_id = $1 order by id", operation.chargeId))
      .map(({ type }) => type)
      .slice(2);

  async function due(count: number): Promise<string[]> {
    const ids = await givenUp(count);
    const rows = ids.map((id) =>
      transition(id, {
        from_status: "failed",
        status: "failed",
        next_action_at: null,
        lease_until: null,
        operation: compensation(id),
        events: [],
      }),
    );
    await writeTransitions(stage.db, rows);
    return ids;
  }

  /** Claimed by the lease 1, which has ended. */
  async function crashed(): Promise<Operation> {
    await due(1);
    const [operation] = await claimOperations(stage.db, { now: at(-60), leaseUntil: at(-30), limit: 1 }).then((early) =>
      early.length > 0 ? early : claimOperations(stage.db, { now: NOW, leaseUntil: NOW, limit: 1 }),
    );
    if (!operation) throw new Error("nothing to claim");
    return operation;
  }

  it("are claimed by two workers without waiting, none twice, none left", async () => {
    const all = await due(5);
    const open = await stage.hold(a, (db) => take(db, 3));
    const second = await stage.passes(take(b.db, 10), b);
    await open.commit();
    expect([open.result.length, second.length]).toEqual([3, 2]);
    expect([...open.result, ...second].map(({ chargeId }) => chargeId as string).sort()).toEqual(all);
    expect(await take(b.db, 10)).toEqual([]);
  });

  it("are written by the one who claimed last: the old one waits, and writes nothing, no letter and no event", async () => {
    const old = await crashed();
    const open = await stage.hold(a, (db) => take(db, 1));
    expect(open.result).toMatchObject([{ id: old.id, leaseNo: 2 }]);
    const late = dead(b.db, old);
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect([await stateOf(old), await eventsOf(old)]).toEqual([{ state: "processing", lease_no: 2 }, []]);
    expect(await stage.rows("select from dead_letters where charge_id = $1", old.chargeId)).toEqual([]);
  });

  it("are passed over while the old one's outcome is being written, and then over", async () => {
    const old = await crashed();
    const open = await stage.hold(a, (db) => done(db, old));
    expect(await stage.passes(take(b.db, 10), b)).toEqual([]);
    await open.commit();
    expect(await take(b.db, 10)).toEqual([]);
    expect([await stateOf(old), await eventsOf(old)]).toEqual([{ state: "succeeded", lease_no: 1 }, ["compensation.done"]]);
  });
});
