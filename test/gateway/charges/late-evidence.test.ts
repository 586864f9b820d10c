import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { lookAtClosed } from "../../../gateway/charges/late.ts";
import { takeTurn } from "../../../gateway/charges/turn.ts";
import { assembleCore } from "../../../gateway/core-parts.ts";
import { hintAttempt } from "../../../gateway/store/closed-attempts.ts";
import { type Database, DatabaseUnavailable } from "../../../gateway/store/database.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, type Engine, eventually, movedAt, reread } from "../../support/engine.ts";
import { LateStage, overlaid } from "./late-stage.ts";

let stage: LateStage;
let engine: Engine;
beforeAll(async () => {
  stage = await LateStage.open();
});
beforeEach(async () => {
  engine = await stage.reset();
});
afterAll(() => stage.close());

describe("a deferred charge with late evidence about an attempt that was given up", () => {
  it.each([
    { aheadMs: 0, found: "simulator, seed 5260" },
    { aheadMs: 9_500, found: "by a clock ahead of ours; simulator, seed 252361480" },
  ])("begins no other attempt while somebody is about to look ($found)", async ({ aheadMs }) => {
    const { charge, first } = await stage.withEvidence();
    // One worker has taken the look, and has not claimed the charge yet; the drain is quicker.
    const look = await stage.lookTaken(charge, aheadMs);
    await stage.allow("stripe");
    await stage.takesTurn(charge);
    expect(await reread(engine, charge)).toMatchObject({ status: "deferred", leaseUntil: null, attempts: [{ id: first.id }] });
    await lookAtClosed(engine.core, look);
    await stage.adopted(charge);
  });

  it("begins no other attempt after the look was put off because the drain was at it", async () => {
    const { charge, first } = await stage.withEvidence();
    await stage.allow("stripe");
    const { claim, until } = await stage.claimed(charge);
    const look = await stage.lookTaken(charge);
    await lookAtClosed(engine.core, look);
    await takeTurn(engine.core, claim, until);
    const waiting = await reread(engine, charge);
    expect(waiting).toMatchObject({ status: "deferred", attempts: [{ id: first.id }] });
    expect(waiting.attempts[0]?.nextLookAt).not.toBeNull();
    await lookAtClosed(engine.core, look);
    await stage.adopted(charge);
  });

  it("begins no other attempt while the provider cannot be seen: a look without an answer is none", async () => {
    const { charge } = await stage.withEvidence();
    engine.sandbox.setFault("paypal", { kind: "500_before", operation: "lookup" });
    await lookAtClosed(engine.core, await stage.lookTaken(charge));
    await stage.allow("stripe");
    await stage.takesTurn(charge);
    expect((await reread(engine, charge)).attempts).toHaveLength(1);
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
  });

  it("waits for it in the same way while its next attempt is in doubt (simulator, seed 20001385)", async () => {
    const { charge, first } = await stage.deferred();
    await stage.allow("stripe");
    engine.sandbox.setFault("stripe", { kind: "hang_after", operation: "commit" });
    engine.sandbox.setFault("stripe", { kind: "500_before", operation: "lookup" });
    await stage.takesTurn(charge);
    expect(await reread(engine, charge)).toMatchObject({ status: "in_doubt" });
    await hintAttempt(engine.db, first.id, new Date());
    engine.sandbox.setFault("paypal", { kind: "500_before", operation: "lookup" });
    await lookAtClosed(engine.core, await stage.lookTaken(charge));
    const next = (await reread(engine, charge)).attempts[0]?.nextLookAt?.getTime() ?? Number.POSITIVE_INFINITY;
    expect(next - Date.now()).toBeLessThan(30_000);
  });

  it("keeps nobody from its next attempt's doubt, however often it is looked at without an answer, also after a day", async () => {
    const { charge, first } = await stage.deferred();
    await stage.allow("stripe");
    engine.sandbox.setFault("stripe", { kind: "hang_after", operation: "commit" });
    engine.sandbox.setFault("stripe", { kind: "500_before", operation: "lookup" });
    await stage.takesTurn(charge);
    await hintAttempt(engine.db, first.id, new Date());
    const dayOld = "update attempts set started_at = started_at - interval '25 h' where id = $1";
    await engine.db.query({ name: "test_day_old", text: dayOld, values: [first.id] });
    engine.sandbox.setFault("paypal", { kind: "500_before", operation: "lookup" });
    await lookAtClosed(engine.core, await stage.lookTaken(charge));
    const doubt = await reread(engine, charge);
    expect(doubt).toMatchObject({ status: "in_doubt", leaseUntil: null });
    expect(doubt.nextActionAt?.getTime()).toBeLessThanOrEqual(Date.now());
  });

  it.each([8_000, 300])(
    "begins no other attempt after a day without an answer either, with %i ms for a charge; a person is told (simulator, seed 10010000)",
    async (chargeBudgetMs) => {
      const { charge, first } = await stage.withEvidence();
      const dayOld = "update attempts set started_at = started_at - interval '25 h' where id = $1";
      await engine.db.query({ name: "test_day_old", text: dayOld, values: [first.id] });
      engine = await stage.reset({ chargeBudgetMs });
      engine.sandbox.setFault("paypal", { kind: "500_before", operation: "lookup" });
      await lookAtClosed(engine.core, await stage.lookTaken(charge));
      await stage.allow("stripe");
      await stage.takesTurn(charge);
      expect(await reread(engine, charge)).toMatchObject({ status: "deferred", attempts: [{ id: first.id }] });
      const letters = "select kind, attempt_id from dead_letters where charge_id = $1 and state = 'open'";
      expect(await engine.db.query({ name: "test_letters", text: letters, values: [charge.id] })).toMatchObject([
        { kind: "doubt", attempt_id: first.id },
      ]);

      // Not for ever: its time ends it, and what shows afterwards is made good.
      await engine.db.query({ name: "test_late", text: "update charges set defer_until = now() where id = $1", values: [charge.id] });
      await stage.takesTurn(charge);
      expect(await reread(engine, charge)).toMatchObject({ status: "failed", failure: { code: "expired" } });
      engine = await stage.reset();
      const due = "update attempts set next_look_at = now() where id = $1";
      const looked = async (): Promise<Charge> => {
        await engine.db.query({ name: "test_due", text: due, values: [first.id] });
        await lookAtClosed(engine.core, await stage.lookTaken(charge));
        return reread(engine, charge);
      };
      await eventually(looked, ({ status }) => status === "succeeded");
      await stage.adopted(charge);
    },
  );

  it("is neither withdrawn nor given up for its time before the look", async () => {
    const { charge } = await stage.withEvidence();
    const by = { accountId: "acct_default", actor: "key:test", chargeId: charge.id, idempotencyKey: `c-${charge.id}` };
    await expect(engine.charges.cancel({ ...by, fingerprint: Buffer.alloc(32, 1) })).rejects.toMatchObject({ code: "charge_in_flight" });
    await engine.db.query({ name: "test_late", text: "update charges set defer_until = now() where id = $1", values: [charge.id] });
    await stage.takesTurn(charge);
    expect(await reread(engine, charge)).toMatchObject({ status: "deferred" });
    await lookAtClosed(engine.core, await stage.lookTaken(charge));
    await stage.adopted(charge);
  });
});

describe("late evidence", () => {
  it("that comes while a look is under way is not wiped by it", async () => {
    const { charge, first } = await stage.deferred();
    await hintAttempt(engine.db, first.id, new Date());
    const paypal = engine.core.providers.get("paypal") as Provider;
    const lookup: Provider["lookup"] = async (...args) => {
      const seen = await paypal.lookup(...args);
      // It was unpaid then; now the payment lands, and its answer is heard.
      await stage.paidLate(charge, first);
      await hintAttempt(engine.db, first.id, new Date());
      return seen;
    };
    const core = { ...engine.core, providers: new Map(engine.core.providers).set("paypal", overlaid(paypal, { lookup })) };
    await lookAtClosed(core, await stage.lookTaken(charge));
    await stage.leaseOver(charge);
    await stage.allow("stripe");
    await stage.takesTurn(charge);
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
    await lookAtClosed(engine.core, await stage.lookTaken(charge));
    await stage.adopted(charge);
  });

  it("is due at once, also when the one that heard it has a clock an hour ahead", async () => {
    const { charge, first } = await stage.deferred();
    await stage.paidLate(charge, first);
    const clock = { ...systemClock, now: () => systemClock.now() + 3_600_000 };
    assembleCore({ ...engine.core, providers: [...engine.core.providers.values()], clock, maySend: () => false }).hint(charge.id, first.id);
    await noted(charge);
    await lookAtClosed(engine.core, await stage.lookTaken(charge));
    await stage.adopted(charge);
  });

  it("outlives a database that is away for a moment", async () => {
    const { charge, first } = await stage.deferred();
    let failures = 2;
    const query: Database["query"] = (statement) => {
      if (!statement.name.startsWith("hint_") || failures === 0) return engine.db.query(statement);
      failures -= 1;
      return Promise.reject(new DatabaseUnavailable("no database connection"));
    };
    const db = { ...engine.db, query };
    assembleCore({ ...engine.core, db, providers: [...engine.core.providers.values()] }).hint(charge.id, first.id);
    await noted(charge);
    expect(failures).toBe(0);
  });

  it.each([
    { when: "before", of: "the write that would begin the next attempt (simulator, seed 267101025)", live: false },
    { when: "while", of: "that write is on its way", live: true },
  ])("about the live attempt, that comes $when $of, keeps it from being begun", async ({ when, live }) => {
    await stage.allow();
    const { charge } = await engine.charges.create(chargeInput());
    await stage.allow("paypal");
    const paypal = engine.core.providers.get("paypal") as Provider;
    const noticed = async (): Promise<void> => {
      const [first] = (await reread(engine, charge)).attempts;
      await hintAttempt(engine.db, first!.id, new Date());
    };
    // The attempt is paid, and its processor says that it never came: the law's premise.
    const commit: Provider["commit"] = async (...args) => {
      expect(await paypal.commit(...args)).toMatchObject({ kind: "approved" });
      await stage.allow("stripe");
      if (when === "before") await noticed();
      return { kind: "not_sent", cause: "refused", fault: true, detail: "refused at the gate" };
    };
    const query: Database["query"] = async (statement) => {
      const begins = statement.name.startsWith("write_transitions") && JSON.stringify(statement.values).includes('\\"next_attempt\\":{');
      if (begins && (await reread(engine, charge)).attempts.length === 1) await noticed();
      return engine.db.query(statement);
    };
    const db = when === "while" ? { ...engine.db, query } : engine.db;
    const providers = [overlaid(paypal, { commit }), engine.core.providers.get("stripe") as Provider];
    const { claim, until } = await stage.claimed(charge);
    await takeTurn(assembleCore({ ...engine.core, db, providers }), claim, until);
    expect(await reread(engine, charge)).toMatchObject({ status: "processing", attempts: [{ provider: "paypal", live }] });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
    await stage.leaseOver(charge);
    // What is closed is found paid by its look; what is live, by its turn.
    if (!live) await lookAtClosed(engine.core, await stage.lookTaken(charge));
    else await stage.takesTurn(charge, "processing");
    expect(await reread(engine, charge)).toMatchObject({ status: "succeeded", provider: "paypal", attempts: [{ outcome: "approved" }] });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
  });
});

function noted(charge: Parameters<typeof reread>[1]): Promise<unknown> {
  return eventually(
    async () => (await reread(engine, charge)).attempts[0]?.nextLookAt,
    (at) => at != null,
  );
}

describe("a third attempt", () => {
  it("is not begun when late evidence about the first comes while the second fails over (simulator, seed 1652)", async () => {
    const { charge, first } = await stage.deferred();
    await stage.allow("stripe");
    const held = stage.hold();
    const turn = stage.takesTurn(charge);
    await held.reached;

    // The second attempt is under way at Stripe; now the first one turns out to be paid, and PayPal would take a third.
    await stage.allow("stripe", "paypal");
    await stage.paidLate(charge, first);
    engine.core.hint(charge.id, first.id);
    await noted(charge);
    held.refuse();
    await turn;
    held.letOthersPass();
    expect((await reread(engine, charge)).attempts).toMatchObject([{ id: first.id }, { provider: "stripe" }]);

    // Law 8 makes it good: the money that is there is the charge's, or goes back; never more than one amount is kept.
    await stage.allow("paypal");
    const settled = await eventually(
      async () => {
        await stage.leaseOver(charge);
        await engine.worker.pass();
        await engine.worker.idle();
        return reread(engine, charge);
      },
      ({ status }) => status === "succeeded",
    );
    expect(settled.attempts.filter(({ live }) => live)).toHaveLength(1);
    expect(settled.attempts).toHaveLength(2);
    await stage.adopted(charge);
  });

  it("is not begun by a turn that learns that the second failed, and finds such evidence waiting (simulator, seed 200218)", async () => {
    const { charge, first } = await stage.deferred();
    await stage.allow("stripe");
    const held = stage.hold();
    // Its machine stops for good in the second attempt's harmless step.
    void stage.takesTurn(charge);
    await held.reached;
    held.letOthersPass();

    await stage.allow("stripe", "paypal");
    await stage.paidLate(charge, first);
    await hintAttempt(engine.db, first.id, new Date());
    // The look cannot be taken while the lease lasts; when it is over, another worker's turn comes first, and finds proof.
    await stage.leaseOver(charge);
    await stage.takesTurn(charge, "processing");
    expect(await reread(engine, charge)).toMatchObject({
      status: "processing",
      attempts: [{ id: first.id }, { provider: "stripe", live: false }],
    });
    await lookAtClosed(engine.core, await stage.lookTaken(charge));
    await stage.adopted(charge);
  });
});
