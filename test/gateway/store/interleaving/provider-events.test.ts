import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import type { Database } from "../../../../gateway/store/database.ts";
import { recordEvent } from "../../../../gateway/store/provider-events.ts";
import { writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import type { DisputeStatus, EventSubject, PaymentSubject } from "../../../../providers/contract/webhook.ts";
import { acceptance, at, attemptId, failedOver, intent, NOW, newId, patch, succeeded, transition } from "./rows.ts";
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

async function accepted(): Promise<string> {
  const { id } = acceptance();
  await acceptCharges(stage.db, [acceptance({ id })]);
  return id;
}

/** `db` in a transaction of the stage's own: one of its statements stands for the whole. */
const flat = (db: Database): Database => ({ ...db, transaction: (work) => work(db.query) });

function arrives(db: Database, subject: EventSubject, id = newId("evt")) {
  const event = { id, type: "test", createdAtMs: NOW.getTime(), subject };
  return recordEvent(db, { provider: "stripe", event, receivedAt: NOW, lookAt: at(60), newId });
}

const paid = (chargeId: string, no = 1): PaymentSubject => ({
  kind: "payment",
  object: null,
  reference: null,
  attemptId: attemptId(chargeId, no),
  chargeId,
  money: { amount: 4200n, currency: "usd" },
});

const dispute = (chargeId: string, name: string, status: DisputeStatus): EventSubject => ({
  kind: "dispute",
  dispute: name,
  payment: null,
  object: null,
  attemptId: attemptId(chargeId, 1),
  chargeId,
  status,
  reason: null,
  networkCode: null,
  money: null,
  evidenceDueByMs: null,
});

const attemptsOf = (id: string) =>
  stage.rows<{ no: number; live: boolean; next_look_at: Date | null }>(
    "select no, live, next_look_at from attempts where charge_id = $1 order by no",
    id,
  );

describe("two deliveries of one event", () => {
  it("are one: the second waits for the first, and finds it stored", async () => {
    const id = await accepted();
    const open = await stage.hold(a, (db) => arrives(db, paid(id), "evt_twice"));
    const second = arrives(b.db, paid(id), "evt_twice");
    await stage.waits(second, b, a);
    await open.commit();
    expect([open.result.stored, (await second).stored]).toEqual([true, false]);
  });

  it("are one where the first is rolled back: the second is it", async () => {
    const id = await accepted();
    const open = await stage.hold(a, (db) => arrives(db, paid(id), "evt_again"));
    const second = arrives(b.db, paid(id), "evt_again");
    await stage.waits(second, b, a);
    await open.rollback();
    expect((await second).stored).toBe(true);
  });
});

describe("a webhook that money moved, while the attempt's end is being written", () => {
  it("that came first: whoever fails over without knowing of it begins nothing", async () => {
    const id = await accepted();
    await writeTransitions(stage.db, [failedOver(id, 2)]);
    const open = await stage.hold(a, (db) => arrives(db, paid(id)));
    const third = writeTransitions(b.db, [transition(id, { attempt: patch(attemptId(id, 2)), next_attempt: intent(id, 3) })]);
    await stage.waits(third, b, a);
    await open.commit();
    expect(await third).toEqual([false]);
    expect(await attemptsOf(id)).toEqual([
      { no: 1, live: false, next_look_at: new Date(0) },
      { no: 2, live: true, next_look_at: null },
    ]);
  });

  it("that came second marks the attempt which was closed meanwhile, and takes the charge from its holder", async () => {
    const id = await accepted();
    const open = await stage.hold(a, (db) => writeTransitions(db, [failedOver(id, 2)]));
    const late = arrives(b.db, paid(id));
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect(await attemptsOf(id)).toMatchObject([{ no: 1, live: false, next_look_at: new Date(0) }, { no: 2 }]);
    expect(await writeTransitions(b.db, [transition(id, { attempt: patch(attemptId(id, 2)), next_attempt: intent(id, 3) })])).toEqual([
      false,
    ]);
  });

  it("that came second to its success changes nothing", async () => {
    const id = await accepted();
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(id)]));
    const late = arrives(b.db, paid(id));
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toMatchObject({ stored: true, known: true });
    expect(await attemptsOf(id)).toMatchObject([{ live: true, next_look_at: null }]);
    expect(await stage.rows("select lease_no, next_action_at from charges where id = $1", id)).toEqual([
      { lease_no: 1, next_action_at: null },
    ]);
  });

  it("after its success locks nothing", async () => {
    const id = await accepted();
    await writeTransitions(stage.db, [succeeded(id)]);
    const open = await stage.hold(a, (db) => db.query({ name: "", text: "select from charges where id = $1 for update", values: [id] }));
    await stage.passes(arrives(b.db, paid(id)), b);
    await open.commit();
  });
});

describe("two disputes of one charge at the same moment", () => {
  it("leave the flag that both of them make", async () => {
    const id = await accepted();
    await writeTransitions(stage.db, [succeeded(id)]);
    const [first, second] = [newId("du"), newId("du")];
    await arrives(stage.db, dispute(id, first, "open"));
    const open = await stage.hold(a, (db) => arrives(flat(db), dispute(id, second, "open")));
    const event = { id: newId("evt"), type: "test", createdAtMs: NOW.getTime() + 1_000, subject: dispute(id, first, "won") };
    const won = recordEvent(b.db, { provider: "stripe", event, receivedAt: NOW, lookAt: at(60), newId });
    await stage.waits(won, b, a);
    await open.commit();
    await won;
    expect(await stage.rows("select disputed from charges where id = $1", id)).toEqual([{ disputed: true }]);
  });
});
