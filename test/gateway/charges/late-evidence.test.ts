import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { requestOf } from "../../../gateway/charges/attempt.ts";
import type { Attempt, Charge } from "../../../gateway/charges/charge.ts";
import { lookAtClosed } from "../../../gateway/charges/late.ts";
import { leaseEnd } from "../../../gateway/charges/lease.ts";
import { takeTurn } from "../../../gateway/charges/turn.ts";
import { type Claim, claimOne } from "../../../gateway/store/claim-charges.ts";
import { hintAttempt, takeAttemptsToLookAt } from "../../../gateway/store/closed-attempts.ts";
import { Call } from "../../../providers/contract/call.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, type Engine, eventually, movedAt, reread, startEngine } from "../../support/engine.ts";

/** A gate in front of Stripe's harmless step: the turn that comes to it stays there, and its prepare is refused in the end. */
let held: { reached: () => void; opened: Promise<void> } | null = null;

function gated(provider: Provider): Provider {
  if (provider.id !== "stripe") return provider;
  return new Proxy(provider, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
      return async (...args: Parameters<Provider["prepare"]>) => {
        if (!held) return target.prepare(...args);
        held.reached();
        await held.opened;
        return { kind: "not_sent", cause: "refused", fault: true, detail: "refused at the gate" };
      };
    },
  });
}

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ wrap: gated, providerTimeoutMs: 4_000, chargeBudgetMs: 15_000 });
});
beforeEach(() => allow("paypal"));
afterEach(() => {
  held = null;
  engine.sandbox.clearFaults();
});
afterAll(() => engine.close());

/** New attempts go to these only. */
async function allow(...ids: string[]): Promise<void> {
  const by = { actor: "key:ops", accountId: "acct_default", now: new Date() };
  for (const provider of ["stripe", "paypal"]) {
    const mode = ids.includes(provider) ? "up" : "drain";
    await engine.overrides.set({ provider, mode, reason: "test", expiresAt: null }, by);
  }
}

/** Deferred: PayPal refused the connection of its attempt's commit step, which is proof; Stripe could not be asked. */
async function deferred(): Promise<{ charge: Charge; first: Attempt }> {
  engine.sandbox.setFault("paypal", { kind: "refuse", operation: "commit", count: 1, delayMs: 300 });
  const { charge } = await engine.charges.create(chargeInput());
  expect(charge).toMatchObject({
    status: "deferred",
    attempts: [{ provider: "paypal", outcome: "not_sent", live: false, nextLookAt: null }],
  });
  await engine.sandbox.listening();
  return { charge, first: charge.attempts[0] as Attempt };
}

/** Law 8's premise: the attempt that was given up is paid after all. (What is not sent can be sent again.) */
async function paidLate(charge: Charge, attempt: Attempt): Promise<void> {
  const paypal = engine.core.providers.get("paypal") as Provider;
  const commit = () => {
    const call = new Call({ clock: systemClock, timeoutMs: 5_000 });
    return paypal.commit(requestOf(charge, attempt), attempt.object as string, call, { replay: false });
  };
  await eventually(commit, ({ kind }) => kind === "approved");
}

/** The drain's claim of this very charge. */
async function drained(charge: Charge): Promise<{ claim: Claim; until: Date }> {
  const until = leaseEnd(engine.core.clock, engine.core.settings);
  const claim = await claimOne(engine.db, { now: new Date(), leaseUntil: until, id: charge.id, accountId: null, statuses: ["deferred"] });
  if (!claim) throw new Error(`${charge.id} could not be claimed`);
  return { claim, until };
}

async function lookTaken(): Promise<readonly Parameters<typeof lookAtClosed>[1][]> {
  const now = new Date();
  return takeAttemptsToLookAt(engine.db, { now, until: leaseEnd(engine.core.clock, engine.core.settings), limit: 10 });
}

async function adopted(charge: Charge): Promise<void> {
  expect(await reread(engine, charge)).toMatchObject({ status: "succeeded", provider: "paypal", amountCaptured: 4200n });
  expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
  const told = await engine.db.query<{ data: { adopted: boolean } }>({
    name: "test_late_success",
    text: "select data from events where charge_id = $1 and type = 'charge.late_success'",
    values: [charge.id],
  });
  expect(told).toMatchObject([{ data: { adopted: true } }]);
}

describe("a deferred charge with late evidence about an attempt that was given up", () => {
  it("begins no other attempt while somebody is about to look (simulator, seed 5260)", async () => {
    const { charge, first } = await deferred();
    await paidLate(charge, first);
    await hintAttempt(engine.db, first.id, new Date());
    // One worker has taken the look, and has not claimed the charge yet; the drain is quicker.
    const looks = await lookTaken();
    expect(looks).toEqual([{ id: first.id, chargeId: charge.id }]);
    await allow("stripe");
    const { claim, until } = await drained(charge);
    await takeTurn(engine.core, claim, until);
    expect(await reread(engine, charge)).toMatchObject({ status: "deferred", leaseUntil: null, attempts: [{ id: first.id }] });
    for (const look of looks) await lookAtClosed(engine.core, look);
    await adopted(charge);
  });

  it("begins no other attempt after the look was put off because the drain was at it", async () => {
    const { charge, first } = await deferred();
    await paidLate(charge, first);
    await hintAttempt(engine.db, first.id, new Date());
    await allow("stripe");
    const { claim, until } = await drained(charge);
    const [look] = await lookTaken();
    await lookAtClosed(engine.core, look as NonNullable<typeof look>);
    await takeTurn(engine.core, claim, until);
    const waiting = await reread(engine, charge);
    expect(waiting).toMatchObject({ status: "deferred", attempts: [{ id: first.id }] });
    expect(waiting.attempts[0]?.nextLookAt).not.toBeNull();
    await lookAtClosed(engine.core, look as NonNullable<typeof look>);
    await adopted(charge);
  });
});

it("begins no third attempt when late evidence about the first comes while the second fails over (simulator, seed 1652)", async () => {
  const { charge, first } = await deferred();
  await allow("stripe");
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  held = { reached: reached.resolve, opened: opened.promise };
  const { claim, until } = await drained(charge);
  const turn = takeTurn(engine.core, claim, until);
  await reached.promise;

  // The second attempt is under way at Stripe; now the first one turns out to be paid, and PayPal would take a third.
  await allow("stripe", "paypal");
  await paidLate(charge, first);
  engine.core.hint(charge.id, first.id);
  await eventually(
    async () => (await reread(engine, charge)).attempts[0]?.nextLookAt,
    (at) => at !== null,
  );
  opened.resolve();
  await turn;
  held = null;
  expect((await reread(engine, charge)).attempts).toMatchObject([{ id: first.id }, { provider: "stripe" }]);

  // Law 8 makes it good: the money that is there is the charge's, or goes back; never more than one amount is kept.
  await allow("paypal");
  const settled = await eventually(
    async () => {
      await engine.db.query({
        name: "test_lease_over",
        text: "update charges set lease_until = null, next_action_at = least(next_action_at, now()) where id = $1 and status <> 'succeeded'",
        values: [charge.id],
      });
      await engine.worker.pass();
      await engine.worker.idle();
      return reread(engine, charge);
    },
    ({ status }) => status === "succeeded",
  );
  expect(settled.attempts.filter(({ live }) => live)).toHaveLength(1);
  expect(settled.attempts).toHaveLength(2);
  await adopted(charge);
});

it("begins no third attempt when the turn that learns that the second failed finds such evidence waiting (simulator, seed 200218)", async () => {
  const { charge, first } = await deferred();
  await allow("stripe");
  const reached = Promise.withResolvers<void>();
  held = { reached: reached.resolve, opened: new Promise(() => {}) };
  const { claim, until } = await drained(charge);
  // Its machine stops for good in the second attempt's harmless step.
  void takeTurn(engine.core, claim, until);
  await reached.promise;
  held = null;

  await allow("stripe", "paypal");
  await paidLate(charge, first);
  await hintAttempt(engine.db, first.id, new Date());
  // The look cannot be taken while the lease lasts; when it is over, another worker's turn comes first, and finds proof.
  await engine.db.query({ name: "test_machine_gone", text: "update charges set lease_until = null where id = $1", values: [charge.id] });
  const next = leaseEnd(engine.core.clock, engine.core.settings);
  const at = { now: new Date(), leaseUntil: next, id: charge.id, accountId: null, statuses: ["processing"] as const };
  const taken = (await claimOne(engine.db, at)) as Claim;
  await takeTurn(engine.core, taken, next);
  expect(await reread(engine, charge)).toMatchObject({
    status: "processing",
    attempts: [{ id: first.id }, { provider: "stripe", live: false }],
  });
  for (const look of await lookTaken()) await lookAtClosed(engine.core, look);
  await adopted(charge);
});
