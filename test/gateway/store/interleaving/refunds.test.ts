import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Operation } from "../../../../gateway/charges/operation.ts";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import { acceptRefund, type RefundIntent } from "../../../../gateway/store/accept-refunds.ts";
import type { Database } from "../../../../gateway/store/database.ts";
import { reopenDeadLetter } from "../../../../gateway/store/dead-letters.ts";
import { claimOperations, hintRefund, type OperationWrite, writeOperation } from "../../../../gateway/store/operations.ts";
import { writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { acceptance, at, NOW, newId, operationWrite, succeeded, told } from "./rows.ts";
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
  await stage.rows("update operations set next_action_at = null");
});
afterAll(() => stage.close());

/** 42.00 usd, captured at stripe. */
async function paid(): Promise<string> {
  const id = newId("ch");
  await acceptCharges(stage.db, [acceptance({ id })]);
  await writeTransitions(stage.db, [succeeded(id)]);
  return id;
}

function intent(chargeId: string, amount: bigint, more: Partial<RefundIntent> = {}): RefundIntent {
  const id = newId("re") as Operation["id"];
  return {
    id,
    accountId: "acct_default",
    chargeId,
    amount,
    reason: null,
    metadata: {},
    idempotencyKey: `key-${id}`,
    fingerprint: Buffer.alloc(32, 9),
    actor: "key:test",
    now: NOW,
    leaseUntil: at(30),
    ...more,
  };
}

const write = (db: Database, refund: Operation, state: Operation["state"], more: Partial<OperationWrite> = {}) =>
  writeOperation(db, refund, operationWrite(refund, { state, events: [told(refund.chargeId, `refund.${state}`)], ...more }));

async function amounts(chargeId: string): Promise<string> {
  const [row] = await stage.rows<{ amounts: string }>(
    "select amount_refunded || ' of ' || amount_reserved as amounts from charges where id = $1",
    chargeId,
  );
  return row!.amounts;
}

const refundsOf = (chargeId: string) =>
  stage.rows<{ id: string; state: string }>("select id, state from operations where charge_id = $1 order by id", chargeId);
const keysOf = async (chargeId: string) =>
  (await stage.rows("select from idempotency_keys where charge_id = $1 and operation = 'refund'", chargeId)).length;

describe("two refunds of the same money", () => {
  it.each([
    ["commits", false],
    ["is rolled back", true],
  ] as const)("at the same moment: the second waits, and has it only if the first %s", async (end, second) => {
    const id = await paid();
    const first = await stage.hold(a, (db) => acceptRefund(db, intent(id, 4_200n)));
    expect(first.result).toMatchObject({ state: "processing", amount: 4_200n, leaseNo: 1, provider: "stripe", reference: `pi_${id}` });
    const racing = acceptRefund(b.db, intent(id, 1n));
    await stage.waits(racing, b, a);
    await (end === "commits" ? first.commit() : first.rollback());
    expect((await racing) !== null).toBe(second);
    expect(await amounts(id)).toBe(second ? "0 of 1" : "0 of 4200");
    expect(await refundsOf(id)).toHaveLength(1);
    expect(await keysOf(id)).toBe(1);
  });

  it("that fit side by side are both reserved, whoever waits", async () => {
    const id = await paid();
    const first = await stage.hold(a, (db) => acceptRefund(db, intent(id, 2_200n)));
    const racing = acceptRefund(b.db, intent(id, 2_000n));
    await stage.waits(racing, b, a);
    await first.commit();
    expect(await racing).toMatchObject({ amount: 2_000n });
    expect(await amounts(id)).toBe("0 of 4200");
  });

  it("with the same key: the second waits, and reserves and leaves nothing", async () => {
    const id = await paid();
    const first = intent(id, 1_000n);
    const open = await stage.hold(a, (db) => acceptRefund(db, first));
    const racing = acceptRefund(b.db, intent(id, 1_000n, { idempotencyKey: first.idempotencyKey }));
    await stage.waits(racing, b, a);
    await open.commit();
    expect(await racing).toBeNull();
    expect(await amounts(id)).toBe("0 of 1000");
    expect(await refundsOf(id)).toMatchObject([{ id: first.id }]);
  });

  it("with the same key for two charges: the second waits for the key, and reserves nothing", async () => {
    const [one, other] = [await paid(), await paid()];
    const first = intent(one, 1_000n);
    const open = await stage.hold(a, (db) => acceptRefund(db, first));
    const racing = acceptRefund(b.db, intent(other, 1_000n, { idempotencyKey: first.idempotencyKey }));
    await stage.waits(racing, b, a);
    await open.commit();
    expect(await racing).toBeNull();
    expect([await amounts(one), await amounts(other)]).toEqual(["0 of 1000", "0 of 0"]);
  });
});

describe("a refund waits", () => {
  it("for a dispute that is being opened, and is not made", async () => {
    const id = await paid();
    const open = await stage.hold(a, (db) =>
      db.query({ name: "", text: "update charges set disputed = true where id = $1", values: [id] }),
    );
    const racing = acceptRefund(b.db, intent(id, 1n));
    await stage.waits(racing, b, a);
    await open.commit();
    expect(await racing).toBeNull();
    expect(await amounts(id)).toBe("0 of 0");
  });

  it("for nobody while the one that has the money is just failing: it is refused, and made once that is written", async () => {
    const id = await paid();
    const refund = (await acceptRefund(stage.db, intent(id, 4_200n))) as Operation;
    const failing = await stage.hold(a, (db) => write(db, refund, "failed"));
    expect(await stage.passes(acceptRefund(b.db, intent(id, 4_200n)), b)).toBeNull();
    await failing.commit();
    expect(await acceptRefund(b.db, intent(id, 4_200n))).toMatchObject({ amount: 4_200n });
    expect(await amounts(id)).toBe("0 of 4200");
  });

  it("for nobody where the charge holds no money, or is another account's", async () => {
    const id = newId("ch");
    await acceptCharges(stage.db, [acceptance({ id })]);
    expect(await acceptRefund(a.db, intent(id, 1n))).toBeNull();
    const other = await paid();
    expect(await acceptRefund(a.db, intent(other, 1n, { accountId: "acct_other" }))).toBeNull();
    expect(await acceptRefund(a.db, intent(other, 0n))).toBeNull();
    expect(await acceptRefund(a.db, intent(other, -1n))).toBeNull();
  });
});

describe("the outcome of a refund", () => {
  it.each([
    [["succeeded"], "1000 of 1000"],
    [["failed"], "0 of 0"],
    [["pending", "in_doubt", "deferred"], "0 of 1000"],
    [["succeeded", "failed"], "0 of 0"],
    [["failed", "succeeded"], "1000 of 1000"],
    [["pending", "pending", "succeeded", "succeeded"], "1000 of 1000"],
  ] as const)("%j moves the charge's amounts with it", async (states, expected) => {
    const id = await paid();
    let refund = (await acceptRefund(stage.db, intent(id, 1_000n))) as Operation;
    for (const state of states) {
      expect(await write(stage.db, refund, state)).toBe(true);
      refund = { ...refund, state };
    }
    expect(await amounts(id)).toBe(expected);
  });

  it("is written by the one who claimed last, once: the old one changes no amount and tells nothing", async () => {
    const id = await paid();
    const old = (await acceptRefund(stage.db, intent(id, 1_000n, { leaseUntil: at(-1) }))) as Operation;
    const claimed = await stage.hold(a, (db) => claimOperations(db, { now: NOW, leaseUntil: at(30), limit: 1 }));
    expect(claimed.result).toMatchObject([{ id: old.id, leaseNo: 2, sentBefore: true }]);
    const late = write(b.db, old, "failed");
    await stage.waits(late, b, a);
    await claimed.commit();
    expect(await late).toBe(false);
    expect(await write(stage.db, claimed.result[0]!, "succeeded")).toBe(true);
    expect(await write(stage.db, claimed.result[0]!, "succeeded")).toBe(false);
    expect(await amounts(id)).toBe("1000 of 1000");
    const events = await stage.rows<{ type: string }>(
      "select type from events where charge_id = $1 and type like 'refund.%' order by id",
      id,
    );
    expect(events.map(({ type }) => type)).toEqual(["refund.created", "refund.succeeded"]);
  });

  it("never takes more than was captured: a late success whose money is spoken for is refused whole", async () => {
    const id = await paid();
    const first = (await acceptRefund(stage.db, intent(id, 4_200n))) as Operation;
    await write(stage.db, first, "failed");
    await acceptRefund(stage.db, intent(id, 1n));
    await expect(write(stage.db, { ...first, state: "failed" }, "succeeded")).rejects.toMatchObject({ constraint: "charges_refunds" });
    expect(await amounts(id)).toBe("0 of 1");
    expect((await refundsOf(id))[0]).toMatchObject({ state: "failed" });
  });

  it("leaves a hint due that came while it was being found out, and one that comes while it is being written", async () => {
    const id = await paid();
    const refund = (await acceptRefund(stage.db, intent(id, 1_000n))) as Operation;
    const hint = (db: Database) => hintRefund(db, { provider: "stripe", refund: "re_1", key: refund.providerKey, now: at(1) });
    const dueOf = async () =>
      (await stage.rows<{ at: Date | null }>("select next_action_at as at from operations where id = $1", refund.id))[0]?.at;
    expect(await hint(stage.db)).toBe(true);
    await write(stage.db, refund, "succeeded");
    expect(await dueOf()).toEqual(at(1));

    await stage.rows("update operations set next_action_at = null where id = $1", refund.id);
    const looked = { ...refund, state: "succeeded" as const };
    const open = await stage.hold(a, (db) => write(db, looked, "succeeded"));
    const racing = hint(b.db);
    await stage.waits(racing, b, a);
    await open.commit();
    expect(await racing).toBe(true);
    expect(await dueOf()).toEqual(at(1));
  });

  it("and a person's replay of its dead letter do not lock each other out", async () => {
    const id = await paid();
    const refund = (await acceptRefund(stage.db, intent(id, 1_000n))) as Operation;
    const letter = { id: newId("dl"), kind: "refund", reason: "test" } as const;
    await stage.rows(
      `insert into dead_letters (id, account_id, kind, charge_id, attempt_id, operation_id, reason, created_at)
       values ($1, 'acct_default', 'refund', $2, $3, $4, 'test', now())`,
      letter.id,
      id,
      refund.attemptId,
      refund.id,
    );
    const open = await stage.hold(a, (db) => write(db, refund, "succeeded", { settled_by: "system:worker" }));
    const replay = reopenDeadLetter(b.db, { accountId: "acct_default", id: letter.id, actor: "key:ops", now: NOW });
    await stage.waits(replay, b, a);
    await open.commit();
    expect(await replay).toEqual({ found: true, wasOpen: false });
    expect(await stage.rows("select state from dead_letters where id = $1", letter.id)).toEqual([{ state: "settled" }]);
  });
});
