import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { instrumentsOf } from "../../../gateway/charges/instrument.ts";
import { deleteMethod, markTokens, putToken, removeToken } from "../../../gateway/store/payment-methods.ts";
import { readMethod } from "../../../gateway/store/read-payment-methods.ts";
import { both, chargeInput, type Engine, eventually, movedAt, reread, startEngine } from "../../support/engine.ts";
import { by, chargeStored, store, tokenOf } from "./methods-fixture.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 500, chargeBudgetMs: 3_000 });
});
afterAll(() => engine.close());

const actor = { actor: "key:test", accountId: "acct_default", now: new Date() };
const PROVIDERS = ["stripe", "paypal"] as const;

/** Only these take new attempts. */
async function only(...open: string[]): Promise<void> {
  for (const provider of PROVIDERS) {
    if (open.includes(provider)) await engine.overrides.remove(provider, actor);
    else await engine.overrides.set({ provider, mode: "drain", reason: "test", expiresAt: null }, actor);
  }
}
afterEach(() => only(...PROVIDERS));

const turned = (charge: Charge, done: (charge: Charge) => boolean) =>
  eventually(async () => {
    await engine.worker.pass();
    await engine.worker.idle();
    return reread(engine, charge);
  }, done);

describe("a charge with a stored payment method", () => {
  it("is charged once, with the tokens that were stored", async () => {
    const tokens = both();
    const id = await store(engine, tokens);
    const { charge } = await chargeStored(engine, id);
    expect(charge).toMatchObject({ status: "succeeded", paymentMethodId: id, paymentMethod: { tokens, brand: "visa" } });
    expect(Object.values(movedAt(engine.sandbox, charge.id))).toEqual([4200n]);
    expect(await reread(engine, charge)).toMatchObject({ paymentMethodId: id, paymentMethod: { tokens } });
  });

  it("is not asked at a provider whose token is gone or removed", async () => {
    const id = await store(engine, both());
    await removeToken(engine.db, by(id), "paypal");
    expect((await chargeStored(engine, id)).charge).toMatchObject({ status: "succeeded", provider: "stripe" });
    const other = await store(engine, { stripe: { payment_method: "pm_gone" }, paypal: { vault_id: "still-there" } });
    await markTokens(engine.db, { provider: "stripe", reference: "pm_gone", change: "gone", brand: null, expires: null, now: new Date() });
    expect((await chargeStored(engine, other)).charge).toMatchObject({ status: "succeeded", provider: "paypal" });
  });

  it("keeps its answer under the same key when the method is deleted or has other tokens by then", async () => {
    const id = await store(engine, both());
    const input = chargeInput();
    const key = { idempotencyKey: input.idempotencyKey, fingerprint: input.fingerprint };
    const first = await chargeStored(engine, id, key);
    await putToken(engine.db, by(id), tokenOf(engine, "stripe", { payment_method: "pm_card_visa_chargeDeclined" }));
    expect(await chargeStored(engine, id, key)).toMatchObject({ replayed: true, charge: { id: first.charge.id, status: "succeeded" } });
    await deleteMethod(engine.db, by(id));
    await expect(chargeStored(engine, id)).rejects.toMatchObject({ code: "validation_failed" });
    const answer = { charge: first.charge, replayed: true };
    expect(await chargeStored(engine, id, key, async () => answer)).toBe(answer);
  });

  it("reads the method again when it was changed before the intent was committed", async () => {
    const id = await store(engine, { stripe: { payment_method: "pm_card_visa_chargeDeclined" } });
    let calls = 0;
    const changing = {
      ...engine,
      charges: {
        ...engine.charges,
        create: async (input: Parameters<Engine["charges"]["create"]>[0]) => {
          calls += 1;
          if (calls === 1) await putToken(engine.db, by(id), tokenOf(engine, "stripe", { payment_method: "pm_card_visa" }));
          return engine.charges.create(input);
        },
      },
    };
    expect((await chargeStored(changing, id)).charge).toMatchObject({ status: "succeeded", attempts: [{ outcome: "approved" }] });
    expect(calls).toBe(2);
  });
});

describe("a deferred charge with a stored payment method", () => {
  async function deferred(tokens: Record<string, unknown> = both()): Promise<{ id: string; charge: Charge }> {
    const id = await store(engine, tokens);
    await only();
    const { charge } = await chargeStored(engine, id);
    expect(charge.status).toBe("deferred");
    return { id, charge };
  }

  it("fails when the method was deleted meanwhile, and nothing is sent", async () => {
    const { id, charge } = await deferred();
    await deleteMethod(engine.db, by(id));
    await only(...PROVIDERS);
    const after = await turned(charge, ({ status }) => status !== "deferred");
    expect(after).toMatchObject({ status: "failed", failure: { code: "payment_method_gone", source: "gateway" }, attempts: [] });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({});
  });

  it("is collected with the token that took another's place", async () => {
    const { id, charge } = await deferred({ stripe: { payment_method: "pm_card_visa_chargeDeclined" } });
    await putToken(engine.db, by(id), tokenOf(engine, "stripe", { payment_method: "pm_card_visa" }));
    await only(...PROVIDERS);
    const after = await turned(charge, ({ status }) => status !== "deferred");
    expect(after).toMatchObject({ status: "succeeded", attempts: [{ request: { token: { payment_method: "pm_card_visa" } } }] });
  });

  it("is not asked at a provider whose token went", async () => {
    const { id, charge } = await deferred();
    await removeToken(engine.db, by(id), "stripe");
    await only(...PROVIDERS);
    expect(await turned(charge, ({ status }) => status !== "deferred")).toMatchObject({ status: "succeeded", provider: "paypal" });
  });

  it("is collected at a provider whose token was added, while its own is away", async () => {
    const { id, charge } = await deferred({ stripe: { payment_method: "pm_card_visa" } });
    await putToken(engine.db, by(id), tokenOf(engine, "paypal", { vault_id: "added-in-the-outage" }));
    await only("paypal");
    expect(await turned(charge, ({ status }) => status !== "deferred")).toMatchObject({ status: "succeeded", provider: "paypal" });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
  });
});

describe("a charge in doubt with a stored payment method", () => {
  /** Stripe has it, or not, and says nothing. */
  async function doubtful(stripe: string, commit: "hang_before" | "hang_after") {
    const tokens = both(stripe);
    const id = await store(engine, tokens);
    await only("stripe");
    engine.sandbox.setFault("stripe", { kind: commit, operation: "commit" });
    engine.sandbox.setFault("stripe", { kind: "500_before", operation: "lookup" });
    const { charge } = await chargeStored(engine, id);
    expect(charge.status).toBe("in_doubt");
    engine.sandbox.clearFaults();
    await only(...PROVIDERS);
    return { id, charge, tokens };
  }

  it.each([
    ["goes on at the next provider once it is fenced", false, { status: "succeeded", provider: "paypal" }],
    ["does not, when the method was deleted meanwhile", true, { status: "failed", provider: "stripe" }],
  ])("%s", async (_, deleted, expected) => {
    const { id, charge } = await doubtful("pm_card_visa", "hang_before");
    if (deleted) await deleteMethod(engine.db, by(id));
    const after = await turned(charge, ({ status }) => status === "succeeded" || status === "failed");
    expect(after).toMatchObject({ ...expected, attempts: [{ provider: "stripe", outcome: "fenced" }, ...(deleted ? [] : [{}])] });
    expect(movedAt(engine.sandbox, charge.id)).toEqual(deleted ? {} : { paypal: 4200n });
  });

  it("is resolved with the token that was sent, and its decline holds against that token, removed or not", async () => {
    const { id, charge, tokens } = await doubtful("pm_card_chargeDeclinedStolenCard", "hang_after");
    await removeToken(engine.db, by(id), "stripe");
    const after = await turned(charge, ({ status }) => status === "failed");
    expect(after).toMatchObject({ failure: { code: "lost_or_stolen" }, attempts: [{ provider: "stripe", outcome: "fenced" }] });
    const again = (await engine.charges.create(chargeInput({ tokens: { stripe: tokens.stripe } }))).charge;
    expect(again).toMatchObject({ status: "failed", attempts: [], failure: { code: "retry_forbidden" } });
  });
});

describe("the retry rules", () => {
  const LOST = "pm_card_chargeDeclinedLostCard";

  it("hold a decline through a stored method against the same card given by its tokens", async () => {
    const tokens = both(LOST);
    await only("stripe");
    const first = (await chargeStored(engine, await store(engine, tokens))).charge;
    expect(first.failure).toMatchObject({ code: "lost_or_stolen", advice: "never" });
    await only(...PROVIDERS);
    const again = (await engine.charges.create(chargeInput({ tokens: { paypal: tokens.paypal } }))).charge;
    expect(again).toMatchObject({ status: "failed", attempts: [], failure: { code: "retry_forbidden" } });
  });

  it("hold a decline of a card given by its tokens against a stored method of it", async () => {
    const tokens = both(LOST);
    await only("stripe");
    expect((await engine.charges.create(chargeInput({ tokens }))).charge.failure).toMatchObject({ code: "lost_or_stolen" });
    await only(...PROVIDERS);
    const again = (await chargeStored(engine, await store(engine, { paypal: tokens.paypal }))).charge;
    expect(again).toMatchObject({ status: "failed", attempts: [], failure: { code: "retry_forbidden" } });
  });

  it("know a token by the same digest after the database has put its fields into another order", async () => {
    const token = { vault_id: "order", source: "card" };
    const method = await readMethod(engine.db, { accountId: null, id: await store(engine, { paypal: token }) });
    const kept = Object.fromEntries((method?.tokens ?? []).map(({ provider, token }) => [provider, token]));
    expect(instrumentsOf({ tokens: kept })).toEqual(instrumentsOf({ tokens: { paypal: { source: "card", vault_id: "order" } } }));
  });
});
