import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { partsOf } from "../../../gateway/reconciliation/parts.ts";
import { reconcile } from "../../../gateway/reconciliation/run.ts";
import { type Finding, listFindings } from "../../../gateway/store/read-findings.ts";
import { createRun } from "../../../gateway/store/reconciliation-runs.ts";
import { Call } from "../../../providers/contract/call.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Currency } from "../../../providers/contract/money.ts";
import type { AttemptRequest, Provider } from "../../../providers/contract/provider.ts";
import { both, chargeInput, type Engine, eventually, movedAt, reread, startEngine } from "../../support/engine.ts";

/** The real adapters, over HTTP, against processors that keep their own books. */
let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 4_000, chargeBudgetMs: 15_000 });
});
afterAll(() => engine.close());

const call = () => new Call({ clock: systemClock, timeoutMs: 5_000 });
const providerOf = (id: string) => engine.core.providers.get(id) as Provider;
let serial = 0;
const sql = (text: string, values: unknown[] = []) => engine.db.query<Record<string, unknown>>({ name: `t_${++serial}`, text, values });

/** What happened up to now; the sandbox's lists never lag. */
async function compare() {
  const now = Date.now();
  const id = engine.core.newId("rr");
  const window = { from_at: new Date(now - 3_600_000), to_at: new Date(now + 1_000) };
  await createRun(engine.db, { id, account_id: "acct_default", actor: "key:test", provider: null, ...window }, new Date());
  return reconcile(partsOf(engine.core, { settleMs: 0, lagMs: -2_000, afterMs: 60_000, providerTimeoutMs: 4_000 }), id);
}

function findings(state: string): Promise<Finding[]> {
  const filter = { accountId: "acct_default", kind: null, provider: null, state, owner: null, charge: null };
  return listFindings(engine.db, filter, { after: null, limit: 100 });
}

/** Paid at this provider. */
async function paid(provider: "stripe" | "paypal", more: Parameters<typeof chargeInput>[0] = {}): Promise<Charge> {
  const { [provider]: token } = both();
  const { charge } = await engine.charges.create(chargeInput({ tokens: { [provider]: token }, ...more }));
  return charge;
}

/** What somebody else, or a request that we gave up, did at the processor. */
async function atProcessor(id: string, request: Partial<AttemptRequest>): Promise<{ object: string; reference: string }> {
  const whole: AttemptRequest = {
    chargeId: `ch_${randomUUID()}`,
    attemptId: `at_${randomUUID()}`,
    money: { amount: 4200n, currency: "usd" as Currency },
    token: both()[id],
    description: null,
    reference: null,
    createdAtMs: Date.now(),
    ...request,
  };
  const prepared = await providerOf(id).prepare(whole, call());
  if (prepared.kind !== "prepared") throw new Error(`not prepared: ${JSON.stringify(prepared)}`);
  const done = await providerOf(id).commit(whole, prepared.object, call(), { replay: false });
  if (done.kind !== "approved") throw new Error(`not paid: ${done.kind}`);
  return { object: prepared.object, reference: done.reference };
}

/** An attempt that we gave up, and that the processor carried out all the same. */
async function givenUp(charge: Charge, provider: "stripe" | "paypal", capture: "automatic" | "manual" = "automatic") {
  const attemptId = engine.core.newId("at");
  const token = both()[provider];
  const made = await atProcessor(provider, { chargeId: charge.id, attemptId, token, capture });
  await sql(
    `insert into attempts (id, charge_id, no, provider, provider_account, request, live, outcome, ambiguous, object, started_at, finished_at)
     values ($1, $2, (select max(no) + 1 from attempts where charge_id = $2), $3, $4, $5, false, 'declined', true, $6, now(), now())`,
    [
      attemptId,
      charge.id,
      provider,
      engine.core.accountOf(provider),
      JSON.stringify({
        ...{ amount: "4200", currency: "usd", token, description: null, reference: null },
        ...(capture === "manual" ? { capture } : {}),
      }),
      made.object,
    ],
  );
  return { attemptId, ...made };
}

describe("with Stripe's and PayPal's adapters", () => {
  it("charges, holds, captures, voids and refunds of ours are no difference", async () => {
    const charges = [await paid("stripe"), await paid("paypal"), await paid("stripe"), await paid("paypal")];
    for (const { status } of charges) expect(status).toBe("succeeded");
    for (const provider of ["stripe", "paypal"] as const) {
      const held = [
        await paid(provider, { capture: "manual" }),
        await paid(provider, { capture: "manual" }),
        await paid(provider, { capture: "manual" }),
      ];
      for (const { status } of held) expect(status).toBe("authorized");
      const [taken, released] = held as [Charge, Charge, Charge];
      const command = { accountId: "acct_default", actor: "key:test", fingerprint: Buffer.alloc(32, 9) };
      const captured = await engine.charges.capture({ ...command, chargeId: taken.id, idempotencyKey: randomUUID(), amount: 3000n });
      expect(captured.charge).toMatchObject({ status: "succeeded", amountCaptured: 3000n });
      const voided = await engine.charges.cancel({ ...command, chargeId: released.id, idempotencyKey: randomUUID() });
      expect(voided.charge.status).toBe("canceled");
    }
    const declined = await engine.charges.create(chargeInput({ tokens: { stripe: both("pm_card_visa_chargeDeclinedLostCard").stripe } }));
    expect(declined.charge.status).toBe("failed");
    expect(await compare()).toMatchObject({
      kind: "finished",
      report: {
        findings: { seen: 0 },
        unverified: { count: 0 },
        looked_up: 0,
        providers: { stripe: { state: "compared" }, paypal: { state: "compared" } },
      },
    });
  });

  it("finds each planted difference and nothing else; what the machine can mend it mends once, and the next run sees that it is gone", async () => {
    const unknown = await atProcessor("paypal", {});
    const gone = await paid("stripe", { capture: "manual" });
    await providerOf("stripe").cancel(gone.attempts[0]!.object!, call());
    await sql("update charges set status = 'succeeded', amount_captured = 4200, authorized_until = null where id = $1", [gone.id]);
    const less = await paid("paypal");
    await sql("update charges set amount_captured = 4100 where id = $1", [less.id]);
    const twice = await paid("stripe");
    const double = await givenUp(twice, "paypal");
    const holding = await paid("paypal");
    const orphan = await givenUp(holding, "stripe", "manual");

    const ended = await compare();
    expect(ended).toMatchObject({ kind: "finished", report: { findings: { seen: 5, new: 5 }, unverified: { count: 0 } } });
    const told = async (state: string) =>
      (await findings(state)).map(({ kind, provider, subject }) => `${kind} ${provider} ${subject}`).sort();
    const lasting = [
      `amount_differs paypal ${less.providerReference}`,
      `missing_payment stripe ${gone.providerReference}`,
      `unknown_payment paypal ${unknown.reference}`,
    ];
    const mended = [`orphan_hold stripe ${orphan.reference}`, `paid_twice paypal ${double.reference}`];
    expect(await told("open")).toEqual([...lasting, ...mended].sort());
    expect((await findings("open")).find(({ kind }) => kind === "amount_differs")).toMatchObject({
      our_amount: 4100n,
      their_amount: 4200n,
    });

    // Law 8: the hints make a worker look, and it gives the second payment back and releases the hold.
    const worked = async () => {
      await engine.worker.pass();
      await engine.worker.idle();
      return sql("select attempt_id from operations where kind = 'compensate' and state = 'succeeded'");
    };
    await eventually(worked, (done) => done.length === 2);
    expect(movedAt(engine.sandbox, twice.id)).toEqual({ stripe: 4200n, paypal: 0n });
    expect(await compare()).toMatchObject({ report: { findings: { seen: 3, new: 0, resolved: 2 } } });
    expect(await told("open")).toEqual(lasting.sort());
    expect(await told("resolved")).toEqual(mended.sort());

    // Again: nothing is sent back a second time.
    await engine.worker.pass();
    await engine.worker.idle();
    expect(await compare()).toMatchObject({ report: { findings: { seen: 3, new: 0, resolved: 0 } } });
    expect(movedAt(engine.sandbox, twice.id)).toEqual({ stripe: 4200n, paypal: 0n });
    expect((await reread(engine, twice)).amountCaptured).toBe(4200n);
  });

  it("a payment that was given up and shows in the list is adopted where the charge holds no money", async () => {
    const failed = (await engine.charges.create(chargeInput({ tokens: { stripe: both("pm_card_visa_chargeDeclinedLostCard").stripe } })))
      .charge;
    const late = await givenUp(failed, "stripe");
    await compare();
    expect((await findings("open")).find(({ charge_id }) => charge_id === failed.id)).toMatchObject({
      kind: "unknown_payment",
      subject: late.reference,
    });
    const worked = async () => {
      await engine.worker.pass();
      await engine.worker.idle();
      return reread(engine, failed);
    };
    expect(await eventually(worked, ({ status }) => status === "succeeded")).toMatchObject({ amountCaptured: 4200n });
    await compare();
    expect((await findings("resolved")).map(({ charge_id }) => charge_id)).toContain(failed.id);
    expect(movedAt(engine.sandbox, failed.id)).toEqual({ stripe: 4200n });
  });

  it("while a provider is down the run fails, says so, and calls nothing missing", async () => {
    const before = (await findings("open")).length;
    engine.sandbox.setFault("stripe", { kind: "500_before" });
    const parts = partsOf(engine.core, { settleMs: 0, lagMs: -2_000, retryMs: [1], providerTimeoutMs: 4_000 });
    const id = engine.core.newId("rr");
    const window = { from_at: new Date(Date.now() - 3_600_000), to_at: new Date() };
    await createRun(engine.db, { id, account_id: "acct_default", actor: "key:test", provider: "stripe", ...window }, new Date());
    expect(await reconcile(parts, id)).toMatchObject({ kind: "failed", error: expect.stringContaining("stripe: the list of payments") });
    expect(await findings("open")).toHaveLength(before);
    engine.sandbox.clearFaults();
  });
});
