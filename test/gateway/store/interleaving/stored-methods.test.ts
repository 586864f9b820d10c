import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Acceptance, acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import { deleteMethod, insertMethod, putToken, removeToken } from "../../../../gateway/store/payment-methods.ts";
import { type Transition, writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { acceptance, attemptId, NOW, newId, patch, transition } from "./rows.ts";
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

const by = (id: string) => ({ accountId: "acct_default", id, actor: "key:test", now: NOW });

/** With a token for each provider, which are what the rows' attempts send. */
async function stored(): Promise<string> {
  const id = newId("pm") as `pm_${string}`;
  const tokens = ["stripe", "paypal"].map((provider) => ({ provider, reference: id, token: {} }));
  const nothing = { brand: null, country: null, expMonth: null, expYear: null, metadata: {} };
  await insertMethod(stage.db, { ...by(id), id, type: "card", ...nothing, tokens });
  return id;
}

const chargeOf = (id: string, version = 1, more: Partial<Acceptance> = {}) =>
  acceptance({ payment_method_id: id, payment_method_version: version, ...more });

const isThere = async ({ id }: Acceptance) => (await stage.rows("select from charges where id = $1", id)).length === 1;

describe("an intent with a stored payment method", () => {
  it("is accepted by the version that it was read from, and by no other", async () => {
    const id = await stored();
    expect(await acceptCharges(stage.db, [chargeOf(id)])).toEqual(["accepted"]);
    await putToken(stage.db, by(id), { provider: "stripe", reference: "new", token: { new: true } });
    const stale = chargeOf(id);
    expect(await acceptCharges(stage.db, [stale, chargeOf(id, 2), acceptance()])).toEqual(["stale", "accepted", "accepted"]);
    expect(await isThere(stale)).toBe(false);
    await removeToken(stage.db, by(id), "paypal");
    await deleteMethod(stage.db, by(id));
    expect(await acceptCharges(stage.db, [chargeOf(id, 4), chargeOf("pm_unknown")])).toEqual(["stale", "stale"]);
  });

  it("waits for a deletion that is under way, and is not accepted after it", async () => {
    const id = await stored();
    const deletion = await stage.hold(a, (db) => deleteMethod(db, by(id)));
    const charge = chargeOf(id);
    const late = acceptCharges(b.db, [charge]);
    await stage.waits(late, b, a);
    await deletion.commit();
    expect(await late).toEqual(["stale"]);
    expect(await isThere(charge)).toBe(false);
  });

  it("is accepted when that deletion is rolled back", async () => {
    const id = await stored();
    const deletion = await stage.hold(a, (db) => deleteMethod(db, by(id)));
    const late = acceptCharges(b.db, [chargeOf(id)]);
    await stage.waits(late, b, a);
    await deletion.rollback();
    expect(await late).toEqual(["accepted"]);
  });

  it("lets a deletion wait: whoever sees the method deleted sees the charge", async () => {
    const id = await stored();
    const charge = chargeOf(id);
    const open = await stage.hold(a, (db) => acceptCharges(db, [charge]));
    const deletion = deleteMethod(b.db, by(id));
    await stage.waits(deletion, b, a);
    await open.commit();
    await deletion;
    expect(await isThere(charge)).toBe(true);
  });

  it("does not wait for another one with the same method", async () => {
    const id = await stored();
    await stage.hold(a, (db) => acceptCharges(db, [chargeOf(id)]));
    expect(await stage.passes(acceptCharges(b.db, [chargeOf(id)]), b)).toEqual(["accepted"]);
  });

  it("whose key is taken is no other charge, whatever became of the method", async () => {
    const id = await stored();
    const first = chargeOf(id);
    await acceptCharges(stage.db, [first]);
    const again = chargeOf(id, 1, { idempotency_key: first.idempotency_key });
    expect(await acceptCharges(stage.db, [again])).toEqual(["taken"]);
    await deleteMethod(stage.db, by(id));
    expect(await acceptCharges(stage.db, [again])).toEqual(["stale"]);
    expect(await isThere(again)).toBe(false);
  });
});

describe("an outcome by which a stored token is gone", () => {
  const gone = (chargeId: string, id: string, more: Partial<Transition> = {}): Transition =>
    transition(chargeId, {
      status: "failed",
      next_action_at: null,
      lease_until: null,
      attempt: patch(attemptId(chargeId, 1), { outcome: "declined" }),
      token_gone: { payment_method_id: id, attempt_id: attemptId(chargeId, 1), reason: "invalid_account", actor: "key:test" },
      ...more,
    });
  const accepted = async (id: string): Promise<string> => {
    const charge = chargeOf(id);
    await acceptCharges(stage.db, [charge]);
    return charge.id;
  };
  const states = (id: string) =>
    stage.rows("select provider, state, reason from payment_method_tokens where payment_method_id = $1 order by provider", id);
  const tellings = (id: string) =>
    stage.rows("select from events where type = 'payment_method.token_gone' and data ->> 'payment_method' = $1", id);
  const ACTIVE = ["paypal", "stripe"].map((provider) => ({ provider, state: "active", reason: null }));

  it("marks it with the outcome, and leaves the other one", async () => {
    const id = await stored();
    expect(await writeTransitions(stage.db, [gone(await accepted(id), id)])).toEqual([true]);
    expect(await states(id)).toEqual([ACTIVE[0], { provider: "stripe", state: "gone", reason: "invalid_account" }]);
    expect(await tellings(id)).toHaveLength(1);
  });

  it("marks and tells nothing once its lease was taken over", async () => {
    const id = await stored();
    expect(await writeTransitions(stage.db, [gone(await accepted(id), id, { lease_no: 7 })])).toEqual([false]);
    expect(await states(id)).toEqual(ACTIVE);
    expect(await tellings(id)).toEqual([]);
  });

  it("of two charges in one batch is told once", async () => {
    const id = await stored();
    const [first, second] = [await accepted(id), await accepted(id)];
    expect(await writeTransitions(stage.db, [gone(first, id), gone(second, id)])).toEqual([true, true]);
    expect((await states(id))[1]).toMatchObject({ state: "gone" });
    expect(await tellings(id)).toHaveLength(1);
  });

  it("waits for a token that is being replaced, and leaves the new one", async () => {
    const id = await stored();
    const charge = await accepted(id);
    const change = await stage.hold(a, (db) => putToken(db, by(id), { provider: "stripe", reference: "new", token: { new: true } }));
    const outcome = writeTransitions(b.db, [gone(charge, id)]);
    await stage.waits(outcome, b, a);
    await change.commit();
    expect(await outcome).toEqual([true]);
    expect(await states(id)).toEqual(ACTIVE);
    expect(await tellings(id)).toEqual([]);
  });

  it("is written for two methods in whatever order, without a deadlock", async () => {
    const [one, other] = [await stored(), await stored()];
    const [first, second, third, fourth] = [await accepted(one), await accepted(other), await accepted(one), await accepted(other)];
    const open = await stage.hold(a, (db) => writeTransitions(db, [gone(second, other), gone(first, one)]));
    const late = writeTransitions(b.db, [gone(third, one), gone(fourth, other)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([true, true]);
    expect(await tellings(one)).toHaveLength(1);
    expect(await tellings(other)).toHaveLength(1);
  });
});
