import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import type { Operation } from "../../../gateway/charges/operation.ts";
import { hintRefund } from "../../../gateway/store/operations.ts";
import { eventually } from "../../support/engine.ts";
import { type ProviderId, RefundStage } from "./refund-stage.ts";

/** A late success that its charge could not adopt goes back whole, once, whatever becomes of the first send (law 8). */
let stage: RefundStage;
beforeAll(async () => {
  stage = await RefundStage.open();
});
beforeEach(() => stage.reset());
afterAll(() => stage.engine.close());

type Compensation = Pick<Operation, "id" | "providerKey">;

interface Row {
  state: string;
  provider_key: string;
  provider_reference: string | null;
  ambiguous: boolean;
  due: boolean | null;
}

async function read({ id }: Compensation): Promise<Row> {
  const [row] = await stage.sql<Row>(
    "select state, provider_key, provider_reference, ambiguous, next_action_at <= now() as due from operations where id = $1",
    id,
  );
  return row!;
}

/** As `lateSuccess` opens it, of a payment of 100.00; of a part of it where `amount` says so. */
async function owed(provider: ProviderId, { token, amount = 10_000 }: { token?: string; amount?: number } = {}) {
  const charge = await stage.paid(provider, token);
  const { id } = charge.attempts[0]!;
  const operation: Compensation = { id: `op_${id.slice(3)}`, providerKey: `${id}:compensate` };
  await stage.sql(
    `insert into operations (id, account_id, charge_id, attempt_id, kind, state, provider_key, object, reference, amount, currency, captured,
      next_action_at, created_at, updated_at)
    select $1, 'acct_default', c.id, a.id, 'compensate', 'processing', $2, a.object, c.provider_reference, $3, 'usd', true, now(), now(), now()
    from charges c join attempts a on a.charge_id = c.id where c.id = $4`,
    operation.id,
    operation.providerKey,
    amount,
    charge.id,
  );
  return { charge, operation };
}

async function turn(operation: Compensation): Promise<Row> {
  await stage.due(operation);
  await stage.pass();
  return read(operation);
}

/** Turn by turn, as long as the processor takes. */
function until(operation: Compensation, state: string): Promise<Row> {
  return eventually(
    () => turn(operation),
    (row) => row.state === state,
  );
}

const openLetters = async (charge: Charge) => (await stage.letters(charge)).filter(({ state }) => state === "open");

describe("a compensation", () => {
  it.each(["stripe", "paypal"] as const)("at %s sends the money back", async (provider) => {
    const { charge, operation } = await owed(provider);
    expect(await turn(operation)).toMatchObject({ state: "succeeded", provider_key: operation.providerKey });
    expect(stage.movedBack(charge)).toEqual([10_000n]);
    expect(await stage.events(charge)).toEqual(["compensation.done"]);
    // It is no refund of the charge's.
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });
  });

  it("behind a stored 500 goes on under a new key once Stripe may have forgotten the old one, and not before", async () => {
    const { charge, operation } = await owed("stripe");
    stage.engine.sandbox.setFault("stripe", { kind: "500_before", operation: "refund", count: 1 });
    expect(await turn(operation)).toMatchObject({ state: "in_doubt", ambiguous: true });
    await stage.age(operation, 22.5);
    for (let turns = 0; turns < 3; turns++) expect((await turn(operation)).provider_key).toBe(operation.providerKey);
    expect(stage.movedBack(charge)).toEqual([]);
    await stage.age(operation, 0.5);
    expect(await turn(operation)).toMatchObject({ state: "in_doubt", provider_key: `${operation.providerKey}:2`, due: true });
    expect(stage.movedBack(charge)).toEqual([]);
    await until(operation, "succeeded");
    expect(stage.movedBack(charge)).toEqual([10_000n]);
    expect(await stage.letters(charge)).toEqual([]);
  });

  it("that was executed behind its stored 500 is not sent back twice under the new key, and its record is found under the old one", async () => {
    const { charge, operation } = await owed("stripe");
    stage.engine.sandbox.setFault("stripe", { kind: "500_after", operation: "refund", count: 1 });
    stage.between.lookup = async () => ({ kind: "unknown", cause: "timeout", detail: "test" });
    await turn(operation);
    expect(stage.movedBack(charge)).toEqual([10_000n]);
    await stage.age(operation, 23);
    expect((await turn(operation)).provider_key).toBe(`${operation.providerKey}:2`);
    stage.between.lookup = null;
    expect(await until(operation, "succeeded")).toMatchObject({ provider_reference: expect.stringMatching(/^re_/) });
    expect(stage.movedBack(charge)).toEqual([10_000n]);
  });

  it("of a part of the payment never gets a new key: a second one would be paid", async () => {
    const { charge, operation } = await owed("stripe", { amount: 4_000 });
    stage.engine.sandbox.setFault("stripe", { kind: "500_before", operation: "refund", count: 1 });
    await turn(operation);
    await stage.age(operation, 25);
    for (let turns = 0; turns < 3; turns++) {
      expect(await turn(operation)).toMatchObject({ state: "in_doubt", provider_key: operation.providerKey });
    }
    expect(stage.movedBack(charge)).toEqual([]);
    expect(await openLetters(charge)).toMatchObject([{ kind: "compensation", operation_id: operation.id }]);
  });

  it("that is pending never gets a new key, however long it cannot be seen", async () => {
    const { charge, operation } = await owed("stripe", { token: "pm_card_pendingRefund" });
    expect((await turn(operation)).state).toBe("pending");
    stage.between.lookup = async () => ({ kind: "unknown", cause: "timeout", detail: "test" });
    await stage.age(operation, 30);
    expect(await turn(operation)).toMatchObject({ state: "pending", provider_key: operation.providerKey });
    stage.between.lookup = null;
    await until(operation, "succeeded");
    expect(stage.movedBack(charge)).toEqual([10_000n]);
  });

  it("in doubt for a day is a dead letter, goes on all the same, and settles its letter", async () => {
    const { charge, operation } = await owed("paypal");
    stage.engine.sandbox.setFault("paypal", { kind: "hang_before", operation: "refund" });
    stage.engine.sandbox.setFault("paypal", { kind: "500_before", operation: "lookup" });
    await stage.age(operation, 25);
    await until(operation, "in_doubt");
    expect(await openLetters(charge)).toMatchObject([{ kind: "compensation", operation_id: operation.id }]);
    stage.engine.sandbox.clearFaults();
    await until(operation, "succeeded");
    expect(await stage.letters(charge)).toMatchObject([{ state: "settled" }]);
    expect(stage.movedBack(charge)).toEqual([10_000n]);
  });

  it("that the provider could not carry out is a dead letter; replayed it is made anew, under a new key", async () => {
    const { charge, operation } = await owed("stripe", { token: "pm_card_refundFail" });
    expect((await turn(operation)).state).toBe("pending");
    await until(operation, "failed");
    const [letter] = await openLetters(charge);
    expect(letter).toMatchObject({ kind: "compensation", operation_id: operation.id });
    await stage.engine.charges.replayDeadLetter({ accountId: "acct_default", id: letter!.id, actor: "key:ops" });
    // The old key's stored answer says `pending` for ever: it must not be believed.
    await until(operation, "pending");
    expect((await read(operation)).provider_key).toBe(`${operation.providerKey}:2`);
    expect(stage.sent(operation)).toBe(1);
  });

  it("that was refused is tried again by a replayed dead letter, as for the first time", async () => {
    const { charge, operation } = await owed("paypal");
    stage.between.refund = async () => ({ kind: "not_sent", cause: "rejected", fault: false, detail: "test" });
    expect((await turn(operation)).state).toBe("failed");
    const [letter] = await openLetters(charge);
    stage.between.refund = null;
    await stage.engine.charges.replayDeadLetter({ accountId: "acct_default", id: letter!.id, actor: "key:ops" });
    await until(operation, "succeeded");
    expect(stage.movedBack(charge)).toEqual([10_000n]);
  });

  it("that failed after it had succeeded is a dead letter, as a webhook tells", async () => {
    const { charge, operation } = await owed("stripe");
    const done = await until(operation, "succeeded");
    stage.between.lookup = async () => ({
      kind: "declined",
      reason: "refund_failed",
      source: "provider",
      advice: "never",
      retryAfterS: null,
      providerCode: "expired_or_canceled_card",
      networkCode: null,
    });
    expect(await hintRefund(stage.engine.db, { provider: "stripe", refund: done.provider_reference!, key: null, now: new Date() })).toBe(
      true,
    );
    await stage.pass();
    expect((await read(operation)).state).toBe("failed");
    expect(await openLetters(charge)).toMatchObject([{ kind: "compensation", operation_id: operation.id }]);
  });
});
