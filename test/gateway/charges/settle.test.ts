import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import type { ResolveCharge } from "../../../gateway/charges/service.ts";
import { settleCharge } from "../../../gateway/charges/settle.ts";
import { chargeInput, type Engine, eventually, movedAt, preferring, reread, startEngine } from "../../support/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 400, chargeBudgetMs: 2_900 });
  // The gates would open after a few of these tests; here they are not the subject.
  const by = { actor: "key:ops", accountId: "acct_default", now: new Date() };
  for (const provider of ["stripe", "paypal"]) await engine.overrides.set({ provider, mode: "up", reason: "test", expiresAt: null }, by);
});
afterAll(() => engine.close());
afterEach(() => engine.sandbox.clearFaults());

const STRIPE = { stripe: { payment_method: "pm_card_visa" } };
const PAYPAL = { paypal: { vault_id: "vault-1" } };

/** A charge in doubt: the commit hangs (executed or not), and lookups and fences fail too. */
async function inDoubt(provider: "stripe" | "paypal", executed: boolean): Promise<Charge> {
  engine.sandbox.setFault(provider, { kind: executed ? "hang_after" : "hang_before", operation: "commit" });
  for (const operation of ["lookup", "cancel"] as const) engine.sandbox.setFault(provider, { kind: "500_before", operation });
  const { charge } = await engine.charges.create(chargeInput({ tokens: provider === "stripe" ? STRIPE : PAYPAL }));
  expect(charge.status).toBe("in_doubt");
  expect(charge.attempts).toMatchObject([{ live: true, outcome: "unknown", ambiguous: true }]);
  return charge;
}

function byHand(charge: Charge, outcome: ResolveCharge["outcome"], providerReference: string | null = null): ResolveCharge {
  return {
    accountId: "acct_default",
    actor: "key:ops",
    chargeId: charge.id,
    outcome,
    providerReference,
    reason: "looked at the dashboard",
  };
}

describe("a doubt", () => {
  it.each([
    ["stripe", true],
    ["stripe", false],
    ["paypal", true],
    ["paypal", false],
  ] as const)(
    "at %s (executed: %s) is resolved in the background once the provider answers, and money moves once",
    async (provider, executed) => {
      const charge = await inDoubt(provider, executed);
      engine.sandbox.clearFaults();
      const settled = await eventually(
        async () => {
          await engine.worker.pass();
          await engine.worker.idle();
          return reread(engine, charge);
        },
        (c) => c.status === "succeeded",
      );
      expect(movedAt(engine.sandbox, settled.id)).toEqual({ [provider]: 4200n });
      expect(settled.attempts.filter((attempt) => attempt.live)).toHaveLength(1);
    },
  );

  it("settled as charged is checked at the provider: the right reference is taken, a wrong one refused", async () => {
    const charge = await inDoubt("stripe", true);
    engine.sandbox.clearFaults();
    await expect(engine.charges.resolve(byHand(charge, "charged", "pi_other"))).rejects.toMatchObject({ code: "provider_disagrees" });
    const reference = charge.attempts[0]?.object as string;
    const { charge: settled } = await engine.charges.resolve(byHand(charge, "charged", reference));
    expect(settled).toMatchObject({ status: "succeeded", amountCaptured: 4200n, providerReference: reference });
    expect(await reread(engine, charge)).toEqual(settled);
  });

  it("is not settled with the reference of another attempt, not even while the provider cannot be asked", async () => {
    engine.sandbox.setFault("stripe", { kind: "hang_before", operation: "commit", count: 1 });
    engine.sandbox.setFault("paypal", { kind: "hang_before", operation: "commit" });
    engine.sandbox.setFault("paypal", { kind: "500_before", operation: "lookup" });
    // Time enough for the fence and a second attempt, also on a slow machine; without it the rest of the turn is a worker's.
    const budget = { providerTimeoutMs: 1_500, chargeBudgetMs: 6_000 };
    const { charge } = await preferring(engine, "stripe", (fresh) => fresh.charges.create(chargeInput()), budget);
    const [first, second] = charge.attempts;
    if (charge.status !== "in_doubt" || !first || !second) return expect.fail(`stripe was to be fenced first: ${charge.status}`);
    expect(first).toMatchObject({ provider: "stripe", outcome: "fenced" });
    await expect(engine.charges.resolve(byHand(charge, "charged", first.object))).rejects.toMatchObject({ code: "provider_disagrees" });
  });

  it("is not settled with another charge's payment, not even while the provider cannot be asked", async () => {
    const { charge: paid } = await engine.charges.create(chargeInput({ tokens: STRIPE }));
    expect(paid.status).toBe("succeeded");
    const charge = await inDoubt("stripe", false);
    const said = byHand(charge, "charged", paid.providerReference);
    await expect(engine.charges.resolve(said)).rejects.toMatchObject({ code: "provider_disagrees" });
    expect((await reread(engine, charge)).status).toBe("in_doubt");
  });

  it.each(["charged", "not_charged"] as const)("waits to be settled as %s while our own breaker lets no question pass", async (outcome) => {
    const charge = await inDoubt("stripe", false);
    const asked = engine.core.fleet.circuit("stripe");
    const refuses = { ...asked, inquire: async () => ({ admitted: false, reason: "test" }) as const };
    const core = { ...engine.core, fleet: { ...engine.core.fleet, circuit: () => refuses } };
    await expect(settleCharge(core, byHand(charge, outcome, "pi_seen"))).rejects.toMatchObject({ code: "resolution_in_progress" });
    expect(await reread(engine, charge)).toMatchObject({ status: "in_doubt", leaseUntil: null });
  });

  it("cannot be settled as not charged when the provider has the money", async () => {
    const charge = await inDoubt("stripe", true);
    engine.sandbox.clearFaults();
    await expect(engine.charges.resolve(byHand(charge, "not_charged"))).rejects.toMatchObject({ code: "provider_disagrees" });
    expect((await reread(engine, charge)).status).toBe("in_doubt");
  });

  it("settled as not charged is fenced first, fails, and starts no other attempt", async () => {
    const charge = await inDoubt("stripe", false);
    engine.sandbox.clearFaults();
    const { charge: settled } = await engine.charges.resolve(byHand(charge, "not_charged"));
    expect(settled).toMatchObject({ status: "failed", failure: { code: "resolved_not_charged", source: "operator" } });
    expect(settled.attempts).toMatchObject([{ outcome: "fenced", live: false, nextLookAt: null }]);
    expect(movedAt(engine.sandbox, charge.id)).toEqual({});
  });

  it("is not settled by two at once", async () => {
    const charge = await inDoubt("stripe", false);
    engine.sandbox.clearFaults();
    const results = await Promise.allSettled([
      engine.charges.resolve(byHand(charge, "not_charged")),
      engine.charges.resolve(byHand(charge, "not_charged")),
    ]);
    expect(results.filter((r) => r.status === "fulfilled")).toHaveLength(1);
    const refused = results.find((r) => r.status === "rejected");
    expect(refused?.reason).toMatchObject({ code: expect.stringMatching(/^(resolution_in_progress|charge_not_in_doubt)$/) });
  });
});

describe("a late success", () => {
  /** Given up by hand while PayPal, which has no fence, could not be asked; the money had moved. */
  async function givenUp(): Promise<Charge> {
    const charge = await inDoubt("paypal", true);
    const { charge: settled } = await engine.charges.resolve(byHand(charge, "not_charged"));
    expect(settled).toMatchObject({ status: "failed", attempts: [{ outcome: "settled", live: false }] });
    expect(settled.attempts[0]?.nextLookAt).not.toBeNull();
    engine.sandbox.clearFaults();
    return settled;
  }

  async function lookNow(charge: Charge): Promise<void> {
    engine.core.hint(charge.id, (charge.attempts[0] as Charge["attempts"][number]).id);
    await eventually(
      async () => (await reread(engine, charge)).attempts[0]?.nextLookAt?.getTime() ?? 0,
      (at) => at < Date.now() + 1_000,
    );
    await engine.worker.pass();
    await engine.worker.idle();
  }

  it("is adopted where the charge holds no money", async () => {
    const charge = await givenUp();
    await lookNow(charge);
    const adopted = await reread(engine, charge);
    expect(adopted).toMatchObject({ status: "succeeded", provider: "paypal", amountCaptured: 4200n, failure: null });
    expect(adopted.attempts).toMatchObject([{ live: true, outcome: "approved", nextLookAt: null }]);
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
  });

  it("is sent back, once, where the charge holds money already", async () => {
    const charge = await givenUp();
    // As if it had been charged elsewhere meanwhile.
    await engine.db.query({
      name: "test_paid_elsewhere",
      text: "update charges set status = 'succeeded', amount_captured = amount, failure = null where id = $1",
      values: [charge.id],
    });
    await lookNow(charge);
    await eventually(
      async () => {
        await engine.worker.pass();
        await engine.worker.idle();
        return movedAt(engine.sandbox, charge.id);
      },
      (moved) => moved.paypal === 0n,
    );
    await lookNow(charge);
    await engine.worker.pass();
    await engine.worker.idle();
    expect(engine.sandbox.ledger().filter((m) => m.chargeId === charge.id && m.type === "refund")).toHaveLength(1);
    const events = await engine.db.query<{ type: string }>({
      name: "test_events",
      text: "select type from events where charge_id = $1 and type in ('charge.late_success', 'compensation.done') order by id",
      values: [charge.id],
    });
    expect(events.map((event) => event.type)).toEqual(["charge.late_success", "compensation.done"]);
  });
});

describe("a dead letter", () => {
  it("opens when a doubt is a day old, once, while the doubt stays and is settled by late evidence", async () => {
    const charge = await inDoubt("stripe", true);
    await engine.db.query({
      name: "test_age",
      text: `with a as (update attempts set started_at = started_at - interval '25 h' where charge_id = $1)
        update charges set updated_at = updated_at - interval '25 h' where id = $1`,
      values: [charge.id],
    });
    const letters = () =>
      engine.db.query<{ id: string; state: string; kind: string }>({
        name: "test_letters",
        text: "select id, state, kind from dead_letters where charge_id = $1",
        values: [charge.id],
      });
    const due = () =>
      engine.db.query({
        name: "test_due",
        text: "update charges set next_action_at = now() - interval '1 s' where id = $1 and lease_until is null",
        values: [charge.id],
      });
    const turn = async () => {
      await due();
      await engine.worker.pass();
      await engine.worker.idle();
    };
    await turn();
    await turn();
    expect(await letters()).toMatchObject([{ state: "open", kind: "doubt" }]);
    expect((await reread(engine, charge)).status).toBe("in_doubt");
    engine.sandbox.clearFaults();
    await eventually(
      async () => {
        await turn();
        return reread(engine, charge);
      },
      (c) => c.status === "succeeded",
    );
    expect(await letters()).toMatchObject([{ state: "settled" }]);
  });

  it("of a deferred charge that ran out of tries is replayed by a person", async () => {
    engine.sandbox.setFault("stripe", { kind: "500_before", operation: "prepare" });
    const { charge } = await engine.charges.create(chargeInput({ tokens: STRIPE }));
    expect(charge.status).toBe("deferred");
    await engine.db.query({
      name: "test_dead",
      text: `with c as (update charges set next_action_at = null where id = $1 returning id)
        insert into dead_letters (id, account_id, kind, charge_id, reason, created_at) select 'dl_' || id, 'acct_default', 'charge', id, 'test', now() from c`,
      values: [charge.id],
    });
    engine.sandbox.clearFaults();
    const replay = { accountId: "acct_default", id: `dl_${charge.id}`, actor: "key:ops" };
    await engine.charges.replayDeadLetter(replay);
    await expect(engine.charges.replayDeadLetter(replay)).rejects.toMatchObject({ code: "dead_letter_closed" });
    const settled = await eventually(
      async () => {
        await engine.worker.pass();
        await engine.worker.idle();
        return reread(engine, charge);
      },
      (c) => c.status === "succeeded",
    );
    expect(movedAt(engine.sandbox, settled.id)).toEqual({ stripe: 4200n });
  });
});
