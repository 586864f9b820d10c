import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AttemptId, ChargeId } from "../../../../gateway/ids.ts";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import { claimDeferred, claimOne, releaseClaim } from "../../../../gateway/store/claim-charges.ts";
import { hintAttempt, takeAttemptsToLookAt } from "../../../../gateway/store/closed-attempts.ts";
import { writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { acceptance, at, attemptId, failedOver, intent, NOW, patch, succeeded, transition } from "./rows.ts";
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

/** Its first attempt was given up; `held`: the second one is live under the lease 1, else the charge is deferred. */
async function givenUp(held: boolean): Promise<{ id: ChargeId; first: AttemptId }> {
  const { id } = acceptance();
  await acceptCharges(stage.db, [acceptance({ id })]);
  const row = held
    ? failedOver(id, 2)
    : transition(id, { status: "deferred", attempt: patch(attemptId(id, 1)), lease_until: null, next_action_at: NOW.toISOString() });
  expect(await writeTransitions(stage.db, [row])).toEqual([true]);
  return { id: id as ChargeId, first: attemptId(id, 1) as AttemptId };
}

const attemptsOf = (id: string) =>
  stage.rows<{ no: number; live: boolean; next_look_at: Date | null }>(
    "select no, live, next_look_at from attempts where charge_id = $1 order by no",
    id,
  );
const third = (id: string) => transition(id, { attempt: patch(attemptId(id, 2)), next_attempt: intent(id, 3) });

describe("late evidence about an attempt while the next one fails over", () => {
  it("that came first: the one who does not know of it begins nothing", async () => {
    const { id, first } = await givenUp(true);
    const open = await stage.hold(a, (db) => hintAttempt(db, first, NOW));
    const late = writeTransitions(b.db, [third(id)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([false]);
    expect(await attemptsOf(id)).toEqual([
      { no: 1, live: false, next_look_at: NOW },
      { no: 2, live: true, next_look_at: null },
    ]);
  });

  it("that came second is noted all the same, and the holder's next write is refused", async () => {
    const { id, first } = await givenUp(true);
    const open = await stage.hold(a, (db) => writeTransitions(db, [third(id)]));
    const late = hintAttempt(b.db, first, NOW);
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect(await attemptsOf(id)).toMatchObject([{ next_look_at: NOW }, { live: false }, { no: 3, live: true }]);
    expect(await writeTransitions(b.db, [transition(id, { attempt: patch(attemptId(id, 3)), next_attempt: intent(id, 4) })])).toEqual([
      false,
    ]);
  });

  it("that is rolled back leaves the holder its right", async () => {
    const { id, first } = await givenUp(true);
    const open = await stage.hold(a, (db) => hintAttempt(db, first, NOW));
    const late = writeTransitions(b.db, [third(id)]);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual([true]);
  });

  it("keeps others away until the holder's lease ends: what they sent may still be under way", async () => {
    const { id, first } = await givenUp(true);
    await hintAttempt(a.db, first, NOW);
    const take = (now: Date) => claimOne(b.db, { now, leaseUntil: at(90), id, accountId: null, statuses: ["processing"] });
    expect(await take(at(29))).toBeNull();
    await releaseClaim(b.db, { id, leaseNo: 1 }, NOW);
    expect(await take(at(29))).toBeNull();
    expect(await take(at(31))).not.toBeNull();
  });
});

describe("late evidence about an attempt that is live", () => {
  const looks = () => takeAttemptsToLookAt(stage.db, { now: NOW, until: at(60), limit: 1_000 });

  it("is not lost while its end is being written: then it is due for a look", async () => {
    const { id } = acceptance();
    await acceptCharges(stage.db, [acceptance({ id })]);
    const open = await stage.hold(a, (db) => writeTransitions(db, [failedOver(id, 2)]));
    const late = hintAttempt(b.db, attemptId(id, 1) as AttemptId, NOW);
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect(await attemptsOf(id)).toEqual([
      { no: 1, live: false, next_look_at: NOW },
      { no: 2, live: true, next_look_at: null },
    ]);
  });

  const ended = (id: string) =>
    transition(id, { status: "deferred", attempt: patch(attemptId(id, 1)), lease_until: null, next_action_at: NOW.toISOString() });

  it("outlives its end, and is looked at only then", async () => {
    const { id } = acceptance();
    await acceptCharges(stage.db, [acceptance({ id })]);
    await hintAttempt(a.db, attemptId(id, 1) as AttemptId, NOW);
    expect(await looks()).not.toContainEqual(expect.objectContaining({ chargeId: id }));
    expect(await writeTransitions(b.db, [ended(id)])).toEqual([true]);
    expect(await looks()).toContainEqual({ id: attemptId(id, 1), chargeId: id, due: at(60) });
  });

  it("refuses the write that ends it and begins the next one; others beside it are written", async () => {
    const [{ id }, other] = [acceptance(), acceptance()];
    await acceptCharges(stage.db, [acceptance({ id }), other]);
    await hintAttempt(a.db, attemptId(id, 1) as AttemptId, NOW);
    expect(await writeTransitions(b.db, [failedOver(id, 2), failedOver(other.id, 2)])).toEqual([false, true]);
    expect(await attemptsOf(id)).toEqual([{ no: 1, live: true, next_look_at: NOW }]);
  });

  it("refuses it too when it comes while the write waits for the charge", async () => {
    const { id } = acceptance();
    await acceptCharges(stage.db, [acceptance({ id })]);
    const open = await stage.hold(a, (db) => hintAttempt(db, attemptId(id, 1) as AttemptId, NOW));
    const late = writeTransitions(b.db, [failedOver(id, 2)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([false]);
    expect(await attemptsOf(id)).toEqual([{ no: 1, live: true, next_look_at: NOW }]);
  });

  it("is not needed once it is approved", async () => {
    const { id } = acceptance();
    await acceptCharges(stage.db, [acceptance({ id })]);
    await hintAttempt(a.db, attemptId(id, 1) as AttemptId, NOW);
    const approved = patch(attemptId(id, 1), { live: true, outcome: "approved" });
    expect(await writeTransitions(b.db, [succeeded(id, { attempt: approved })])).toEqual([true]);
    await hintAttempt(a.db, attemptId(id, 1) as AttemptId, NOW);
    expect(await attemptsOf(id)).toEqual([{ no: 1, live: true, next_look_at: null }]);
  });
});

describe("late evidence about an attempt while the deferred charge is claimed", () => {
  const claim = { now: NOW, leaseUntil: at(30), limit: 1_000, usable: [{ provider: "stripe", currencies: null }] };
  const begin = (id: string, leaseNo: number) =>
    transition(id, { from_status: "deferred", lease_no: leaseNo, next_attempt: intent(id, 2) });

  it("that came first: the claim passes over the charge, and takes it with the evidence in sight", async () => {
    const { id, first } = await givenUp(false);
    const open = await stage.hold(a, (db) => hintAttempt(db, first, NOW));
    expect(await stage.passes(claimDeferred(b.db, claim), b)).not.toContainEqual(expect.objectContaining({ id }));
    await open.commit();
    expect(await claimDeferred(b.db, claim)).toContainEqual({ id, leaseNo: 3 });
    expect(await attemptsOf(id)).toMatchObject([{ next_look_at: NOW }]);
  });

  it("that came second: the claimant, who may have read the charge before, begins nothing", async () => {
    const { id, first } = await givenUp(false);
    const open = await stage.hold(a, (db) => claimDeferred(db, claim));
    const mine = open.result.find((one) => one.id === id);
    const late = hintAttempt(b.db, first, NOW);
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect(await writeTransitions(a.db, [begin(id, mine?.leaseNo ?? 0)])).toEqual([false]);
    expect(await attemptsOf(id)).toEqual([{ no: 1, live: false, next_look_at: NOW }]);
  });
});

describe("late evidence about an attempt while its success is being adopted", () => {
  const adopt = (id: string) =>
    transition(id, {
      from_status: "deferred",
      status: "succeeded",
      amount_captured: "4200",
      next_action_at: null,
      lease_until: null,
      reopen: patch(attemptId(id, 1), { live: true, outcome: "approved", provider_reference: `pi_${id}` }),
    });

  it("that came first: the look begins anew, with the evidence noted", async () => {
    const { id, first } = await givenUp(false);
    const open = await stage.hold(a, (db) => hintAttempt(db, first, NOW));
    const late = writeTransitions(b.db, [adopt(id)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([false]);
    expect(await attemptsOf(id)).toEqual([{ no: 1, live: false, next_look_at: NOW }]);
  });

  it("that crosses it is not needed any more, or is noted: whichever of the two the server ends", async () => {
    const { id, first } = await givenUp(false);
    const { id: other } = acceptance();
    await acceptCharges(stage.db, [acceptance({ id: other })]);
    const c = await stage.session();
    const open = await stage.hold(c, (db) => db.query({ name: "", text: "select from charges where id = $1 for update", values: [other] }));
    const adopted = writeTransitions(a.db, [adopt(id), succeeded(other)]).catch(() => [false]);
    await stage.waits(adopted, a, c);
    const late = hintAttempt(b.db, first, NOW).catch(() => "not noted");
    await stage.waits(late, b, a);
    await open.rollback();
    const [[written]] = await Promise.all([adopted, late]);
    const [attempt] = await attemptsOf(id);
    expect(attempt).toMatchObject(written ? { live: true } : { live: false, next_look_at: NOW });
  });
});
