import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instrumentsOf } from "../../../gateway/charges/instrument.ts";
import type { CreateCharge } from "../../../gateway/charges/service.ts";
import { forgetDeclines } from "../../../gateway/store/declined-attempts.ts";
import { both, chargeInput, type Engine, eventually, reread, startEngine } from "../../support/engine.ts";

const DAY_MS = 86_400_000;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
  // Stripe first, whatever these tests teach about it.
  const segment = { type: "card", brand: "visa", country: "US", currency: "usd" };
  for (let i = 0; i < 500; i++) {
    engine.fleet.recordApproval("stripe", segment, true);
    engine.fleet.recordApproval("paypal", segment, false);
  }
});
afterAll(() => engine.close());

const create = async (input: CreateCharge) => (await engine.charges.create(input)).charge;
/** Requests that reached a processor and concern a payment. */
const sent = (provider?: string) =>
  engine.sandbox
    .requests()
    .filter((one) => (provider === undefined || one.provider === provider) && /payment_intents|orders/.test(one.path)).length;

/** So many declines of an issuer with the charge's instrument, `ageMs` ago. */
async function declinesBefore(input: CreateCharge, count: number, ageMs: number, amount = input.money.amount): Promise<void> {
  await engine.db.query({
    name: "test_declines",
    text: `insert into declined_attempts (instrument, charge_id, attempt_id, amount, currency, counted, declined_at)
      select decode($1, 'hex'), 'ch_before', gen_random_uuid()::text, $2, $3, true, $4 from generate_series(1, $5)`,
    values: [instrumentsOf(input.paymentMethod)[0], amount, input.money.currency, new Date(Date.now() - ageMs), count],
  });
}

describe("a card that was declined for good", () => {
  it("is refused the second time before a byte is sent, with the reason and for how long", async () => {
    const tokens = both("pm_card_chargeDeclinedStolenCard");
    expect((await create(chargeInput({ tokens }))).failure).toMatchObject({ code: "lost_or_stolen", source: "issuer", advice: "never" });
    const before = sent();
    const again = chargeInput({ tokens });
    const charge = await create(again);
    expect(sent()).toBe(before);
    expect(charge).toMatchObject({ status: "failed", attempts: [], provider: null });
    expect(charge.failure).toMatchObject({ code: "retry_forbidden", source: "gateway", advice: "never" });
    expect(charge.failure?.message).toMatch(/declined for good/);
    expect(charge.failure?.retry_after).toBeGreaterThan(29 * 86_400);
    expect(await reread(engine, charge)).toMatchObject({ status: "failed", failure: charge.failure, nextActionAt: null });
    // The key of it gives the same answer, and so does the key of the charge that was declined.
    expect(await engine.charges.create(again)).toMatchObject({ replayed: true, charge: { id: charge.id, failure: charge.failure } });
  });

  it("is refused at the other provider, and wherever one of its tokens comes back", async () => {
    const tokens = both("pm_card_chargeDeclinedLostCard");
    await create(chargeInput({ tokens }));
    const before = sent();
    const elsewhere = await create(chargeInput({ tokens: { paypal: tokens.paypal } }));
    expect(elsewhere.failure).toMatchObject({ code: "retry_forbidden" });
    expect(sent()).toBe(before);
    expect(await create(chargeInput({ tokens: both("pm_card_chargeDeclinedLostCard") }))).toMatchObject({
      attempts: [{ outcome: "declined" }],
    });
  });

  it("answers the key of the declined charge with that charge", async () => {
    const input = chargeInput({ tokens: both("pm_card_chargeDeclinedStolenCard") });
    const first = await create(input);
    expect(await engine.charges.create(input)).toMatchObject({
      replayed: true,
      charge: { id: first.id, failure: { code: "lost_or_stolen" } },
    });
  });

  it("is told in the trail", async () => {
    const tokens = both("pm_card_chargeDeclinedStolenCard");
    await create(chargeInput({ tokens }));
    const { id } = await create(chargeInput({ tokens }));
    const events = await engine.db.query({
      name: "test_trail",
      text: "select type, from_status, to_status, data from events where charge_id = $1",
      values: [id],
    });
    expect(events).toEqual([{ type: "charge.failed", from_status: null, to_status: "failed", data: { failure: "retry_forbidden" } }]);
  });
});

it("a network's waiting time is waited for", async () => {
  const tokens = { paypal: { vault_id: "processor_5120__advice_24" } };
  expect((await create(chargeInput({ tokens }))).failure).toMatchObject({ advice: "same_later", retry_after: 3_600 });
  const { failure } = await create(chargeInput({ tokens }));
  expect(failure).toMatchObject({ code: "retry_forbidden", advice: "same_later", network_code: "24" });
  expect(failure?.retry_after).toBeGreaterThan(3_500);
  await engine.db.query({
    name: "test_wait",
    text: "update declined_attempts set forbidden_until = $1 where network_code = '24'",
    values: [new Date(Date.now() - 1)],
  });
  expect((await create(chargeInput({ tokens }))).attempts).toHaveLength(1);
});

describe("the limits of the schemes", () => {
  it("refuse the 16th attempt in 30 days with one Visa card and amount, and no other", async () => {
    const [input, more, old] = [chargeInput({ tokens: both() }), chargeInput({ tokens: both() }), chargeInput({ tokens: both() })];
    await declinesBefore(input, 15, 2 * DAY_MS);
    const charge = await create(input);
    expect(charge).toMatchObject({ status: "failed", attempts: [], failure: { code: "retry_limit_reached", advice: "same_later" } });
    expect(charge.failure?.message).toMatch(/Visa allows 15 declined attempts in 30 days/);
    await declinesBefore(more, 15, 2 * DAY_MS, 1n);
    expect((await create(more)).status).toBe("succeeded");
    await declinesBefore(old, 15, 31 * DAY_MS);
    expect((await create(old)).status).toBe("succeeded");
  });

  it("count a failover: the last attempt that is left is made once", async () => {
    const input = chargeInput({ tokens: both("pm_card_decline_do_not_honor") });
    await declinesBefore(input, 14, 2 * DAY_MS);
    const before = sent("paypal");
    expect(await create(input)).toMatchObject({ status: "failed", attempts: [{ outcome: "declined" }], failure: { source: "issuer" } });
    expect(sent("paypal")).toBe(before);
  });
});

it("two charges of one instrument at the same moment may both pass; the next one may not", async () => {
  const tokens = both("pm_card_chargeDeclinedStolenCard");
  const pair = await Promise.all([create(chargeInput({ tokens })), create(chargeInput({ tokens }))]);
  expect(pair.map(({ status }) => status)).toEqual(["failed", "failed"]);
  expect((await create(chargeInput({ tokens }))).failure?.code).toBe("retry_forbidden");
});

it("a deferred charge is not sent once its instrument is forbidden", async () => {
  const tokens = both("pm_card_chargeDeclinedStolenCard");
  const actor = { accountId: "acct_default", actor: "key:test", now: new Date() };
  for (const provider of ["stripe", "paypal"])
    await engine.overrides.set({ provider, mode: "drain", reason: "test", expiresAt: null }, actor);
  const charge = await create(chargeInput({ tokens }));
  expect(charge.status).toBe("deferred");
  for (const provider of ["stripe", "paypal"]) await engine.overrides.remove(provider, actor);
  await create(chargeInput({ tokens }));
  const before = sent();
  const turned = async () => {
    await engine.worker.pass();
    await engine.worker.idle();
    return reread(engine, charge);
  };
  const after = await eventually(turned, ({ status }) => status !== "deferred");
  expect(after).toMatchObject({ status: "failed", attempts: [], failure: { code: "retry_forbidden" } });
  expect(sent()).toBe(before);
});

it("what is older than every rule is forgotten, a batch at a time", async () => {
  const input = chargeInput({ tokens: both() });
  await engine.db.query({ name: "test_empty", text: "delete from declined_attempts" });
  await declinesBefore(input, 3, 31 * DAY_MS);
  await declinesBefore(input, 2, 29 * DAY_MS);
  expect([
    await forgetDeclines(engine.db, new Date(), 2),
    await forgetDeclines(engine.db, new Date(), 2),
    await forgetDeclines(engine.db, new Date(), 2),
  ]).toEqual([2, 1, 0]);
});
