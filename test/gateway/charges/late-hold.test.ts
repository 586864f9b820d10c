import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { lookAtClosed } from "../../../gateway/charges/late.ts";
import { claimExpired } from "../../../gateway/store/claim-charges.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { type Engine, movedAt, reread } from "../../support/engine.ts";
import { LateStage, overlaid } from "./late-stage.ts";

/** Late evidence holds a deferred charge back: whatever the look says, however long it takes, and without wearing anybody out. */
let stage: LateStage;
let engine: Engine;
beforeAll(async () => {
  stage = await LateStage.open();
});
beforeEach(async () => {
  engine = await stage.reset();
});
afterAll(() => stage.close());

const overNow = (id: string) =>
  engine.db.query({ name: "test_over", text: "update charges set defer_until = now() where id = $1", values: [id] });

it("begins no other attempt while the payment that was given up is under review", async () => {
  const { charge } = await stage.withEvidence();
  const paypal = engine.core.providers.get("paypal") as Provider;
  const lookup: Provider["lookup"] = async (...args) => {
    const seen = await paypal.lookup(...args);
    const { finding } = seen;
    return finding.kind === "approved" ? { ...seen, finding: { kind: "pending", reference: finding.reference, reason: "review" } } : seen;
  };
  const core = { ...engine.core, providers: new Map(engine.core.providers).set("paypal", overlaid(paypal, { lookup })) };
  await lookAtClosed(core, await stage.lookTaken(charge));
  await stage.allow("stripe");
  await stage.takesTurn(charge);
  expect((await reread(engine, charge)).attempts).toHaveLength(1);
  expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
});

it("leaves a dead letter when the charge's time is over before anybody saw what was paid, also if the turn comes before the look", async () => {
  const { charge, first } = await stage.withEvidence();
  const dayOld = "update attempts set started_at = started_at - interval '25 h' where id = $1";
  await engine.db.query({ name: "test_day_old", text: dayOld, values: [first.id] });
  await overNow(charge.id);
  await stage.takesTurn(charge);
  expect(await reread(engine, charge)).toMatchObject({ status: "failed", failure: { code: "expired" } });
  const letters = "select kind, attempt_id from dead_letters where charge_id = $1 and state = 'open'";
  expect(await engine.db.query({ name: "test_letters", text: letters, values: [charge.id] })).toMatchObject([
    { kind: "doubt", attempt_id: first.id },
  ]);
});

it("is not claimed again at once when its time is over and the look is still to come", async () => {
  const { charge } = await stage.withEvidence();
  await overNow(charge.id);
  const before = new Date();
  await stage.takesTurn(charge);
  // Asked about the moment before the turn: the second for which it is put off may be over when this statement comes to run.
  const at = { now: before, leaseUntil: new Date(Date.now() + 60_000), limit: 100 };
  expect((await claimExpired(engine.db, at)).map(({ id }) => id)).not.toContain(charge.id);
  const soon = { ...at, now: new Date(Date.now() + 2_000) };
  expect((await claimExpired(engine.db, soon)).map(({ id }) => id)).toContain(charge.id);
});
