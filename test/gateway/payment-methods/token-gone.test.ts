import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { markTokens, putToken, type TokenNews } from "../../../gateway/store/payment-methods.ts";
import { readMethod } from "../../../gateway/store/read-payment-methods.ts";
import type { Outcome } from "../../../providers/contract/outcome.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, type Engine, startEngine } from "../../support/engine.ts";
import { by, chargeStored, store, tokenOf, told } from "./methods-fixture.ts";

/** What the sandbox refuses as PayPal does, once its vault has forgotten a token. */
const FORGOTTEN = { vault_id: "decline_TOKEN_ID_NOT_FOUND" };
/** A Stripe card that is refused before execution. */
const DETACHED = { payment_method: "pm_detached" };
const CARD = { payment_method: "pm_card_visa" };

/** Waited for while a charge is being committed at its provider. */
let meanwhile: () => Promise<void> = async () => {};

/** The real adapter, whose answers about these two tokens say that they are gone. */
function withWords(provider: Provider): Provider {
  const isGone = (token: unknown): boolean =>
    [FORGOTTEN.vault_id, DETACHED.payment_method].some((id) => JSON.stringify(token).includes(id));
  const withWord = <T extends { kind: string }>(token: unknown, outcome: T): T =>
    isGone(token) && (outcome.kind === "declined" || outcome.kind === "not_sent") ? { ...outcome, tokenGone: true } : outcome;
  const knowing: Pick<Provider, "prepare" | "commit"> = {
    async prepare(request, call) {
      if (!JSON.stringify(request.token).includes(DETACHED.payment_method)) return provider.prepare(request, call);
      return withWord(request.token, { kind: "not_sent", cause: "rejected", fault: false, detail: "No such PaymentMethod" } as const);
    },
    async commit(request, object, call, options) {
      const outcome: Outcome = await provider.commit(request, object, call, options);
      await meanwhile();
      return withWord(request.token, outcome);
    },
  };
  return new Proxy(provider, {
    get(target, name) {
      const value = Reflect.get(Object.hasOwn(knowing, name) ? knowing : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ wrap: withWords });
});
afterAll(() => engine.close());
afterEach(() => {
  meanwhile = async () => {};
});

const tokens = async (id: string) =>
  (await readMethod(engine.db, { accountId: null, id }))?.tokens.map(({ provider, state, reason }) => ({ provider, state, reason }));

describe("a token that its provider calls gone", () => {
  it("is marked with the outcome, told once, and charged no more", async () => {
    const id = await store(engine, { paypal: FORGOTTEN });
    const { charge } = await chargeStored(engine, id);
    expect(charge).toMatchObject({ status: "failed", attempts: [{ outcome: "declined" }] });
    const { reason } = { ...charge.attempts[0]?.detail };
    expect(reason).toMatch(/^[a-z_]+$/);
    expect(await tokens(id)).toEqual([{ provider: "paypal", state: "gone", reason }]);
    expect(await told(engine, id)).toEqual([
      {
        type: "payment_method.token_gone",
        actor: "key:test",
        provider: "paypal",
        charge_id: charge.id,
        attempt_id: charge.attempts[0]?.id,
        data: { reason },
      },
    ]);
    await expect(chargeStored(engine, id)).rejects.toMatchObject({ code: "payment_method_gone" });
  });

  it("is marked when the request was refused before execution, and the charge goes to the next provider", async () => {
    const id = await store(engine, { stripe: DETACHED, paypal: { vault_id: "good" } });
    await engine.overrides.set({ provider: "paypal", mode: "drain", reason: "test", expiresAt: null }, operator);
    const alone = (await chargeStored(engine, await store(engine, { stripe: DETACHED }))).charge;
    expect(alone).toMatchObject({ status: "failed", failure: { code: "provider_rejected" } });
    await engine.overrides.remove("paypal", operator);
    // Whoever is asked first: once Stripe was, its token is gone, and PayPal has the charge.
    for (let i = 0; i < 20 && (await tokens(id))?.[1]?.state !== "gone"; i++) {
      expect((await chargeStored(engine, id)).charge).toMatchObject({ status: "succeeded", provider: "paypal" });
    }
    expect(await tokens(id)).toEqual([
      { provider: "paypal", state: "active", reason: null },
      { provider: "stripe", state: "gone", reason: "refused_by_provider" },
    ]);
  });

  it("is not marked when another one took its place meanwhile", async () => {
    const id = await store(engine, { paypal: FORGOTTEN });
    meanwhile = () => putToken(engine.db, by(id), tokenOf(engine, "paypal", { vault_id: "its-successor" }));
    expect((await chargeStored(engine, id)).charge).toMatchObject({ status: "failed" });
    expect(await tokens(id)).toEqual([{ provider: "paypal", state: "active", reason: null }]);
    expect((await told(engine, id)).map(({ type }) => type)).toEqual(["payment_method.token_added"]);
  });

  it("is left alone by a charge that was not made with a stored method", async () => {
    const id = await store(engine, { paypal: { ...FORGOTTEN, source: "card" } });
    const { charge } = await engine.charges.create(chargeInput({ tokens: { paypal: { ...FORGOTTEN, source: "card" } } }));
    expect(charge).toMatchObject({ status: "failed", attempts: [{ detail: { tokenGone: true } }] });
    expect(await tokens(id)).toEqual([{ provider: "paypal", state: "active", reason: null }]);
  });

  it("is active again once a person puts it there anew", async () => {
    const id = await store(engine, { paypal: { vault_id: "back", source: "card" } });
    const news = { provider: "paypal", reference: "back", change: "gone", brand: null, expires: null, now: new Date() } as const;
    expect(await markTokens(engine.db, news)).toBe(1);
    await putToken(engine.db, by(id), tokenOf(engine, "paypal", { vault_id: "back", source: "card" }));
    expect((await chargeStored(engine, id)).charge).toMatchObject({ status: "succeeded" });
  });
});

const operator = { actor: "key:test", accountId: "acct_default", now: new Date() };

describe("what a provider's webhook says of an instrument", () => {
  const news = (reference: string, more: Partial<TokenNews>): TokenNews => ({
    provider: "stripe",
    reference,
    change: "updated",
    brand: null,
    expires: null,
    now: new Date(),
    ...more,
  });

  it("gone: is marked in every method that holds it, once", async () => {
    const token = { payment_method: "pm_shared" };
    const [one, other] = [
      await store(engine, { stripe: token }),
      await store(engine, { stripe: token, paypal: { vault_id: "pm_shared" } }),
    ];
    expect(await markTokens(engine.db, news("pm_shared", { change: "gone" }))).toBe(2);
    expect(await markTokens(engine.db, news("pm_shared", { change: "gone" }))).toBe(0);
    expect(await markTokens(engine.db, news("pm_unknown", { change: "gone" }))).toBe(0);
    expect(await tokens(other)).toEqual([
      { provider: "paypal", state: "active", reason: null },
      { provider: "stripe", state: "gone", reason: "removed_at_provider" },
    ]);
    expect(await told(engine, one)).toMatchObject([
      { type: "payment_method.token_gone", actor: "system:webhook", provider: "stripe", data: { reason: "removed_at_provider" } },
    ]);
  });

  it("updated: brand and a later expiry are taken over, and an older delivery changes nothing", async () => {
    const id = await store(engine, { stripe: { payment_method: "pm_renewed" } }, { expMonth: 3, expYear: 2027 });
    const read = async () => readMethod(engine.db, { accountId: null, id });
    expect(await markTokens(engine.db, news("pm_renewed", { expires: { month: 2, year: 2030 } }))).toBe(1);
    expect(await read()).toMatchObject({ expMonth: 2, expYear: 2030, brand: "visa" });
    for (const again of [{ expires: { month: 2, year: 2030 } }, { expires: { month: 12, year: 2029 }, brand: "visa" }, {}]) {
      expect(await markTokens(engine.db, news("pm_renewed", again))).toBe(0);
    }
    expect(await markTokens(engine.db, news("pm_renewed", { brand: "mastercard" }))).toBe(1);
    expect(await read()).toMatchObject({ expMonth: 2, expYear: 2030, brand: "mastercard", version: 3 });
    expect((await told(engine, id)).map(({ type, data }) => [type, data])).toEqual([
      ["payment_method.updated", { fields: ["exp_month", "exp_year"] }],
      ["payment_method.updated", { fields: ["brand"] }],
    ]);
  });

  it("updated: an expiry that was not known is learned", async () => {
    const id = await store(engine, { stripe: CARD });
    await markTokens(engine.db, news(CARD.payment_method, { expires: { month: 2, year: 2030 } }));
    expect(await readMethod(engine.db, { accountId: null, id })).toMatchObject({ expMonth: 2, expYear: 2030 });
  });
});
