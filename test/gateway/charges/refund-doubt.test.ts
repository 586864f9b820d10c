import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { takeOperationTurn } from "../../../gateway/charges/operation-turn.ts";
import { NO_IS_FIRM_AFTER_MS } from "../../../gateway/charges/operation-verdict.ts";
import { createRefund } from "../../../gateway/charges/refund.ts";
import { DatabaseAmbiguous } from "../../../gateway/store/database.ts";
import { claimOperations } from "../../../gateway/store/operations.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Outcome } from "../../../providers/contract/outcome.ts";
import type { FaultKind } from "../../../providers/sandbox/fault.ts";
import { hintRefund } from "../../support/refund-hint.ts";
import { PROVIDERS, RefundStage } from "./refund-stage.ts";

let stage: RefundStage;
beforeAll(async () => {
  stage = await RefundStage.open();
});
beforeEach(() => stage.reset());
afterAll(() => stage.engine.close());

const lost: Outcome = { kind: "unknown", cause: "connection_lost", detail: "test" };

describe.each(PROVIDERS)("a refund at %s that meets a fault when it is sent", (provider) => {
  it.each(["reset_before", "reset_after", "hang_before", "hang_after", "500_after", "503_html", "trickle"] as const satisfies FaultKind[])(
    "%s, once: is resolved inside its caller's time, without a second refund",
    async (kind) => {
      const charge = await stage.paid(provider);
      stage.engine.sandbox.setFault(provider, { kind, operation: "refund", count: 1 });
      const refund = await stage.refund(charge);
      expect(refund).toMatchObject({ state: "succeeded", ambiguous: true });
      expect(stage.movedBack(charge)).toEqual([1_000n]);
      expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 1_000n });
    },
  );

  it("slow: in doubt while the provider is still at it, and refunded once when it has ended", async () => {
    const charge = await stage.paid(provider);
    stage.engine.sandbox.setFault(provider, { kind: "slow", operation: "refund", count: 1 });
    const refund = await stage.refund(charge);
    await stage.turnsUntil(refund, "succeeded");
    expect(stage.movedBack(charge)).toEqual([1_000n]);
  });

  it.each(["hang_after", "reset_after"] as const)(
    "%s, and then cannot be seen: is in doubt and reserved until it is found, and never sent under another key",
    async (kind) => {
      const charge = await stage.paid(provider);
      stage.engine.sandbox.setFault(provider, { kind, operation: "refund" });
      stage.engine.sandbox.setFault(provider, { kind: "500_before", operation: "lookup" });
      const input = stage.input(charge);
      const { refund } = await stage.engine.charges.refund(input);
      expect(refund).toMatchObject({ state: "in_doubt", ambiguous: true, failure: null });
      expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 1_000n });
      expect(await stage.engine.charges.refund(input)).toMatchObject({ replayed: true, refund: { id: refund.id, state: "in_doubt" } });
      await expect(stage.refund(charge, { amount: 9_001n })).rejects.toMatchObject({ code: "refund_exceeds_captured" });
      stage.engine.sandbox.clearFaults();
      expect(await stage.turnsUntil(refund, "succeeded")).toMatchObject({ providerReference: expect.any(String) });
      expect(stage.movedBack(charge)).toEqual([1_000n]);
      expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 1_000n });
      expect(await stage.events(charge)).toEqual(["refund.created", "refund.in_doubt", "refund.succeeded"]);
    },
  );

  it.each(["refuse", "429"] as const)("%s: proven not executed, it is deferred, and sent later", async (kind) => {
    const charge = await stage.paid(provider);
    stage.engine.sandbox.setFault(provider, kind === "refuse" ? { kind, delayMs: 60_000 } : { kind, operation: "refund" });
    // Until the cut of the idle sockets is seen: several turns of the event loop, however late the first one comes.
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setTimeout(resolve, 10));
    const input = stage.input(charge);
    const { refund } = await stage.engine.charges.refund(input);
    expect(refund).toMatchObject({ state: "deferred", ambiguous: false });
    expect(await stage.read(refund)).toMatchObject({ state: "deferred", firstSentAt: null });
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 1_000n });
    expect(stage.movedBack(charge)).toEqual([]);
    expect(await stage.engine.charges.refund(input)).toMatchObject({ replayed: true, refund: { state: "deferred" } });
    stage.engine.sandbox.clearFaults();
    await stage.engine.sandbox.listening();
    await stage.turnsUntil(refund, "succeeded");
    expect(stage.movedBack(charge)).toEqual([1_000n]);
    expect(await stage.events(charge)).toEqual(["refund.created", "refund.deferred", "refund.succeeded"]);
  });
});

describe("a refund that is deferred", () => {
  it("by an operator's override waits as long as that takes, and its key's age counts from the send", async () => {
    const charge = await stage.paid("stripe");
    await stage.override("stripe", "down");
    const refund = await stage.refund(charge);
    expect(refund.state).toBe("deferred");
    expect(stage.sent(refund)).toBe(0);
    await stage.age(refund, 30);
    expect((await stage.turn(refund)).state).toBe("deferred");
    expect(await stage.letters(charge)).toMatchObject([{ kind: "refund", state: "open", operation_id: refund.id }]);
    await stage.override("stripe", "up");
    expect((await stage.turnsUntil(refund, "succeeded")).firstSentAt?.getTime()).toBeGreaterThan(Date.now() - 3_600_000);
    expect(await stage.letters(charge)).toMatchObject([{ state: "settled" }]);
    expect(stage.movedBack(charge)).toEqual([1_000n]);
  });

  it("fails without being sent when a dispute is opened meanwhile: the bank may take the money itself", async () => {
    const charge = await stage.paid("stripe");
    await stage.override("stripe", "down");
    const refund = await stage.refund(charge);
    await stage.sql("update charges set disputed = true where id = $1", charge.id);
    await stage.override("stripe", "up");
    expect(await stage.turn(refund)).toMatchObject({ state: "failed", failure: { code: "charge_disputed" } });
    expect(stage.sent(refund)).toBe(0);
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });
  });

  it("is in doubt when its resend crashed, and is not taken for unsent", async () => {
    const charge = await stage.paid("stripe");
    await stage.override("stripe", "down");
    const refund = await stage.refund(charge);
    await stage.override("stripe", "up");
    // The claim has committed the intent to send; then the machine stops.
    const claim = "update operations set lease_no = lease_no + 1, first_sent_at = now() where id = $1";
    await stage.sql(claim, refund.id);
    stage.engine.sandbox.setFault("stripe", { kind: "429", operation: "refund" });
    expect(await stage.turn(refund)).toMatchObject({ state: "in_doubt", ambiguous: true });
    stage.engine.sandbox.clearFaults();
    await stage.turnsUntil(refund, "succeeded");
    expect(stage.movedBack(charge)).toEqual([1_000n]);
  });

  it("waits while its provider belongs to another account now, and goes to nobody else", async () => {
    const charge = await stage.paid("paypal");
    await stage.sql("update attempts set provider_account = 'acct_before' where charge_id = $1", charge.id);
    const refund = await stage.refund(charge);
    expect(refund).toMatchObject({ state: "deferred", provider: "paypal" });
    expect((await stage.turn(refund)).state).toBe("deferred");
    expect(stage.sent(refund)).toBe(0);
  });
});

describe("a crash", () => {
  it.each([true, false])(
    "between intent and outcome (it was sent: %s): the next worker finds out, and money moves once",
    async (executed) => {
      const charge = await stage.paid("stripe");
      stage.between.refund = async (real, ...args) => {
        if (executed) await real(...args);
        return new Promise(() => {});
      };
      const input = stage.input(charge);
      void stage.engine.charges.refund(input);
      let [row] = await stage.sql<{ id: `re_${string}` }>("select id from operations where charge_id = $1", charge.id);
      while (!row || stage.movedBack(charge).length < Number(executed)) {
        [row] = await stage.sql<{ id: `re_${string}` }>("select id from operations where charge_id = $1", charge.id);
      }
      const refund = await stage.read(row);
      expect(refund).toMatchObject({ state: "processing", firstSentAt: expect.any(Date) });
      stage.between.refund = null;
      const done = await stage.turnsUntil(refund, "succeeded");
      expect(done.ambiguous).toBe(true);
      expect(stage.movedBack(charge)).toEqual([1_000n]);
    },
  );

  it("of the database in the intent sends nothing; the same key gives the refund that may be there", async () => {
    const charge = await stage.paid("stripe");
    const { db } = stage.engine;
    const query: typeof db.query = async (statement) => {
      const rows = await db.query(statement);
      if (statement.name === "accept_refund") throw new DatabaseAmbiguous("lost");
      return rows as never;
    };
    const input = stage.input(charge);
    const claims = { take: async () => () => {} };
    const broken = { ...stage.engine.core, db: { ...db, query } };
    await expect(createRefund(broken, claims, input)).rejects.toBeInstanceOf(DatabaseAmbiguous);
    expect(stage.movedBack(charge)).toEqual([]);
    const [row] = await stage.sql<{ id: `re_${string}` }>("select id from operations where charge_id = $1", charge.id);
    await stage.turnsUntil(row!, "succeeded");
    expect(await stage.engine.charges.refund(input)).toMatchObject({ replayed: true, refund: { id: row!.id, state: "succeeded" } });
    expect(stage.movedBack(charge)).toEqual([1_000n]);
  });
});

describe("a doubt about a refund", () => {
  /** Its first send was lost on the way; what the provider says of it, and of its replay, is the test's. */
  async function inDoubt(provider: "stripe" | "paypal" = "stripe") {
    const charge = await stage.paid(provider);
    stage.between.refund = async () => lost;
    stage.between.lookup = async () => ({ kind: "unknown", cause: "unexpected", detail: "not found" });
    const refund = await stage.refund(charge);
    expect(refund.state).toBe("in_doubt");
    return { charge, refund };
  }

  it("ends never by `not found`, and is not sent any more once the provider may have forgotten the key", async () => {
    const { charge, refund } = await inDoubt();
    let sends = 0;
    stage.between.refund = async () => {
      sends += 1;
      return lost;
    };
    await stage.age(refund, 22);
    await stage.turn(refund);
    expect(sends).toBe(1);
    await stage.age(refund, 1);
    expect((await stage.turn(refund)).state).toBe("in_doubt");
    expect(sends).toBe(1);
    expect(await stage.letters(charge)).toEqual([]);
    await stage.age(refund, 1);
    expect((await stage.turn(refund)).state).toBe("in_doubt");
    expect((await stage.turn(refund)).state).toBe("in_doubt");
    expect(sends).toBe(1);
    expect(await stage.letters(charge)).toMatchObject([{ kind: "refund", state: "open", operation_id: refund.id }]);
    expect(await stage.events(charge)).toEqual(["refund.created", "refund.in_doubt", "dead_letter.opened"]);
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 1_000n });

    // Looked up hourly all the same, and settled by what shows.
    stage.between.lookup = async () => ({ kind: "approved", reference: "re_late", amount: 1_000n, captured: true });
    expect(await stage.turn(refund)).toMatchObject({ state: "succeeded", providerReference: "re_late" });
    expect(await stage.letters(charge)).toMatchObject([{ state: "settled" }]);
  });

  it("that is a dead letter goes on when a person puts it back to work", async () => {
    const { charge, refund } = await inDoubt();
    await stage.age(refund, 25);
    await stage.turn(refund);
    const [letter] = await stage.letters(charge);
    stage.between.lookup = async () => ({ kind: "approved", reference: "re_late", amount: 1_000n, captured: true });
    await stage.sql("update operations set next_action_at = now() + interval '1 h' where id = $1", refund.id);
    const replay = { accountId: "acct_default", id: letter!.id, actor: "key:ops" };
    await stage.engine.charges.replayDeadLetter(replay);
    await expect(stage.engine.charges.replayDeadLetter(replay)).rejects.toMatchObject({ code: "dead_letter_closed" });
    await stage.pass();
    expect((await stage.read(refund)).state).toBe("succeeded");
    expect(await stage.letters(charge)).toMatchObject([{ state: "replayed" }]);
  });

  it("is not ended by a replay's no at once: the first send may still arrive, and be judged anew", async () => {
    const { charge, refund } = await inDoubt();
    const no: Outcome = {
      kind: "declined",
      reason: "refund_failed",
      source: "provider",
      advice: "never",
      retryAfterS: null,
      providerCode: "REFUND_FAILED_INSUFFICIENT_FUNDS",
      networkCode: null,
    };
    stage.between.refund = async () => no;
    expect(await stage.turn(refund)).toMatchObject({ state: "in_doubt", failure: { provider_code: no.providerCode } });
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 1_000n });

    // Another send without an answer: the no before it says nothing of that one.
    stage.between.refund = async () => lost;
    expect(await stage.turn(refund)).toMatchObject({ state: "in_doubt", failure: null });

    stage.between.refund = async () => no;
    await stage.turn(refund);
    const since = new Date(Date.now() - NO_IS_FIRM_AFTER_MS).toISOString();
    await stage.sql("update operations set failure = jsonb_set(failure, '{since}', to_jsonb($2::text)) where id = $1", refund.id, since);
    expect(await stage.turn(refund)).toMatchObject({ state: "failed", failure: { code: "refund_failed" } });
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });

    // And is looked at even then, for some days: a success that shows is told, and counts.
    stage.between.lookup = async () => ({ kind: "approved", reference: "re_late", amount: 1_000n, captured: true });
    expect(await stage.turn(refund)).toMatchObject({ state: "succeeded", failure: null });
    expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 1_000n });
  });

  it("is ended by a look that shows it, whatever the replay was answered", async () => {
    const { charge, refund } = await inDoubt();
    let looks = 0;
    stage.between.lookup = async () => {
      looks += 1;
      return looks === 1
        ? { kind: "unknown", cause: "unexpected", detail: "not found" }
        : { kind: "approved", reference: "re_ours", amount: 1_000n, captured: true };
    };
    stage.between.refund = async () => ({
      kind: "declined",
      reason: "refund_failed",
      source: "provider",
      advice: "never",
      retryAfterS: null,
      providerCode: "REFUND_AMOUNT_EXCEEDED",
      networkCode: null,
    });
    expect(await stage.turn(refund)).toMatchObject({ state: "succeeded", providerReference: "re_ours" });
    expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 1_000n });
  });

  it("stays a doubt when a later send was refused before execution (law 5)", async () => {
    const { refund } = await inDoubt();
    for (const cause of ["refused", "rejected", "rate_limited", "unauthorized"] as const) {
      stage.between.refund = async () => ({ kind: "not_sent", cause, fault: true, detail: "test" });
      expect(await stage.turn(refund)).toMatchObject({ state: "in_doubt", firstSentAt: expect.any(Date) });
    }
  });

  it("about a charge that is disputed is only looked at: a replay could pay beside the bank", async () => {
    const { charge, refund } = await inDoubt();
    let sends = 0;
    stage.between.refund = async () => {
      sends += 1;
      return lost;
    };
    await stage.sql("update charges set disputed = true where id = $1", charge.id);
    expect((await stage.turn(refund)).state).toBe("in_doubt");
    expect(sends).toBe(0);
  });

  it("keeps its tries while our own breaker lets no question pass", async () => {
    const { refund } = await inDoubt();
    await stage.due(refund);
    const { core, db } = stage.engine;
    const until = new Date(Date.now() + 30_000);
    const [claimed] = await claimOperations(db, { now: new Date(), leaseUntil: until, limit: 1 });
    expect(claimed).toMatchObject({ id: refund.id, tries: refund.tries + 1 });
    const refuses = { ...core.fleet.circuit("stripe"), inquire: async () => ({ admitted: false, reason: "test" }) as const };
    await takeOperationTurn({ ...core, fleet: { ...core.fleet, circuit: () => refuses } }, claimed!, until);
    expect(await stage.read(refund)).toMatchObject({ state: "in_doubt", tries: refund.tries });
  });

  it("is looked at later and later while its provider belongs to another account now", async () => {
    const { refund } = await inDoubt();
    await stage.sql("update attempts set provider_account = 'acct_before' where id = $1", refund.attemptId);
    expect(await stage.turn(refund)).toMatchObject({ state: "in_doubt", tries: refund.tries + 1 });
  });
});

describe("a refund that the provider has in work", () => {
  it("is pending, and succeeds when it settles", async () => {
    const charge = await stage.paid("stripe", "pm_card_pendingRefund");
    const input = stage.input(charge);
    const { refund } = await stage.engine.charges.refund(input);
    expect(refund).toMatchObject({ state: "pending", providerReference: expect.any(String) });
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 1_000n });
    expect(await stage.engine.charges.refund(input)).toMatchObject({ replayed: true, refund: { state: "pending" } });
    await stage.turnsUntil(refund, "succeeded");
    expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 1_000n });
    expect(stage.sent(refund)).toBe(1);
  });

  it("fails when the bank does not take it, and its money can be refunded again", async () => {
    const charge = await stage.paid("stripe", "pm_card_refundFail");
    const refund = await stage.refund(charge, { amount: 10_000n });
    expect(refund.state).toBe("pending");
    expect(await stage.turnsUntil(refund, "failed")).toMatchObject({ failure: { code: "refund_failed" } });
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });
    expect((await stage.refund(charge, { amount: 10_000n })).state).toBe("pending");
  });

  it("stays pending while it cannot be seen, and is never sent again", async () => {
    const charge = await stage.paid("stripe", "pm_card_pendingRefund");
    const refund = await stage.refund(charge);
    stage.engine.sandbox.setFault("stripe", { kind: "500_before", operation: "lookup" });
    await stage.turn(refund);
    expect(await stage.turn(refund)).toMatchObject({ state: "pending", ambiguous: false });
    expect(stage.sent(refund)).toBe(1);
  });
});

describe("a hint about a refund", () => {
  const hint = (by: { refund: string; key?: string | null }, provider = "stripe") =>
    hintRefund(stage.engine.db, { provider, refund: by.refund, key: by.key ?? null, now: new Date(systemClock.now()) });

  it("that succeeded finds that it has failed since: both amounts go back", async () => {
    const charge = await stage.paid("stripe");
    const refund = await stage.refund(charge);
    expect(await hint({ refund: refund.providerReference! })).toBe(true);
    await stage.pass();
    // Nothing has changed, and nothing is told.
    expect(await stage.read(refund)).toMatchObject({ state: "succeeded" });
    stage.between.lookup = async () => ({
      kind: "declined",
      reason: "refund_failed",
      source: "provider",
      advice: "never",
      retryAfterS: null,
      providerCode: "expired_or_canceled_card",
      networkCode: null,
    });
    await hint({ refund: "re_unknown_to_us", key: refund.providerKey });
    await stage.pass();
    expect(await stage.read(refund)).toMatchObject({
      state: "failed",
      providerReference: refund.providerReference,
      failure: { code: "refund_failed", provider_code: "expired_or_canceled_card" },
    });
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });
    expect(await stage.events(charge)).toEqual(["refund.created", "refund.succeeded", "refund.failed"]);
    const [told] = await stage.sql<{ data: object }>("select data from events where charge_id = $1 and type = 'refund.failed'", charge.id);
    expect(told?.data).toMatchObject({ refund: refund.id, from: "succeeded" });
  });

  it("that comes while a look is under way is not lost", async () => {
    const charge = await stage.paid("stripe");
    const refund = await stage.refund(charge);
    await hint({ refund: refund.providerReference! });
    stage.between.lookup = async (real, ...args) => {
      const seen = await real(...args);
      await hint({ refund: refund.providerReference! });
      return seen;
    };
    await stage.pass();
    const [row] = await stage.sql<{ due: boolean }>("select next_action_at <= now() as due from operations where id = $1", refund.id);
    expect(row?.due).toBe(true);
  });

  it("matches neither another provider's refund nor one that is not ours, and never a captured hold", async () => {
    const charge = await stage.paid("stripe");
    const refund = await stage.refund(charge);
    expect(await hint({ refund: refund.providerReference! }, "paypal")).toBe(false);
    expect(await hint({ refund: "re_nobodys", key: "re_nobodys" })).toBe(false);
  });

  it("of a refund that failed here and was carried out there, when its money is spoken for, is a dead letter", async () => {
    const charge = await stage.paid("stripe", "pm_card_refundFail");
    const refund = await stage.refund(charge, { amount: 10_000n });
    await stage.turnsUntil(refund, "failed");
    await stage.sql("update charges set amount_reserved = 10000, amount_refunded = 10000 where id = $1", charge.id);
    stage.between.lookup = async () => ({ kind: "approved", reference: "re_x", amount: 10_000n, captured: true });
    await hint({ refund: refund.providerReference! });
    await stage.pass();
    expect((await stage.read(refund)).state).toBe("failed");
    expect(await stage.letters(charge)).toMatchObject([{ kind: "refund", state: "open", operation_id: refund.id }]);
    expect(await stage.amounts(charge)).toEqual({ refunded: 10_000n, reserved: 10_000n });
  });
});
