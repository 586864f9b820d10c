import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { requestOf } from "../../../gateway/charges/attempt.ts";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { createChargeService } from "../../../gateway/charges/charge-service.ts";
import type { Core } from "../../../gateway/charges/core.ts";
import { leaseEnd, startLease } from "../../../gateway/charges/lease.ts";
import type { ResolveCharge } from "../../../gateway/charges/service.ts";
import { problemBody, toProblem } from "../../../gateway/http/problem-json.ts";
import { keyClaims } from "../../../gateway/idempotency/key-claims.ts";
import { claimOne, releaseClaim } from "../../../gateway/store/claim-charges.ts";
import { DatabaseAmbiguous } from "../../../gateway/store/database.ts";
import { Call } from "../../../providers/contract/call.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Currency } from "../../../providers/contract/money.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, type Engine, eventually, movedAt, reread, startEngine } from "../../support/engine.ts";

const STRIPE = { stripe: { payment_method: "pm_card_visa" } };
const PAYPAL = { paypal: { vault_id: "vault-1" } };
const OPS = { actor: "key:ops", accountId: "acct_default" };

/** What stands between the engine and PayPal's adapter in one test. */
let paypalCommit: ((real: Provider["commit"], ...args: Parameters<Provider["commit"]>) => ReturnType<Provider["commit"]>) | null = null;

function intercepted(provider: Provider): Provider {
  return new Proxy(provider, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === "commit" && target.id === "paypal") {
        return (...args: Parameters<Provider["commit"]>) => {
          const real = target.commit.bind(target);
          return paypalCommit ? paypalCommit(real, ...args) : real(...args);
        };
      }
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ wrap: intercepted, providerTimeoutMs: 400, chargeBudgetMs: 2_900 });
  await allUp();
});
afterAll(() => engine.close());
afterEach(async () => {
  paypalCommit = null;
  engine.sandbox.clearFaults();
  await engine.sandbox.listening();
  await allUp();
});

async function set(provider: "stripe" | "paypal", mode: "up" | "down"): Promise<void> {
  await engine.overrides.set({ provider, mode, reason: "test", expiresAt: null }, { ...OPS, now: new Date() });
}

async function allUp(): Promise<void> {
  await set("stripe", "up");
  await set("paypal", "up");
}

function prefer(first: "stripe" | "paypal"): void {
  for (const id of ["stripe", "paypal"]) {
    for (let i = 0; i < 400; i++)
      engine.fleet.recordApproval(id, { type: "card", brand: "visa", country: "US", currency: "usd" }, id === first);
  }
}

async function sql(name: string, text: string, ...values: unknown[]): Promise<void> {
  await engine.db.query({ name: `attack_${name}`, text, values });
}

const due = (charge: Charge) =>
  sql("due", "update charges set next_action_at = now() - interval '1 s', lease_until = null where id = $1", charge.id);
const old = (charge: Charge) => sql("old", "update attempts set started_at = started_at - interval '25 h' where charge_id = $1", charge.id);

async function turn(): Promise<void> {
  await engine.worker.pass();
  await engine.worker.idle();
}

async function dueTurn(charge: Charge): Promise<Charge> {
  await due(charge);
  await turn();
  return reread(engine, charge);
}

function letters(charge: Charge): Promise<{ id: string; kind: string; state: string }[]> {
  return engine.db.query({
    name: "attack_letters",
    text: "select id, kind, state from dead_letters where charge_id = $1 order by id",
    values: [charge.id],
  });
}

function byHand(charge: Charge, outcome: ResolveCharge["outcome"]): ResolveCharge {
  return { ...OPS, chargeId: charge.id, outcome, providerReference: null, reason: "looked at the dashboard" };
}

async function inDoubt(provider: "stripe" | "paypal", executed: boolean, tokens: Record<string, unknown>): Promise<Charge> {
  engine.sandbox.setFault(provider, { kind: executed ? "hang_after" : "hang_before", operation: "commit" });
  for (const operation of ["lookup", "cancel"] as const) engine.sandbox.setFault(provider, { kind: "500_before", operation });
  const { charge } = await engine.charges.create(chargeInput({ tokens }));
  expect(charge.status).toBe("in_doubt");
  return charge;
}

describe("charged twice", () => {
  it("does not take its own payment's DUPLICATE_INVOICE_ID, told to a replay, for proof that nothing was paid", async () => {
    prefer("paypal");
    // The first send is under way while its order still shows unpaid; it lands before PayPal judges the replay by its invoice.
    paypalCommit = async (real, request, object, call, options) => {
      if (!options.replay) return { kind: "unknown", cause: "timeout", detail: "no answer" };
      await real(request, object, call, options);
      return { kind: "unknown", cause: "duplicate_invoice", detail: "HTTP 422 DUPLICATE_INVOICE_ID" };
    };
    const { charge } = await engine.charges.create(chargeInput());
    expect(charge.attempts[0]).toMatchObject({ provider: "paypal" });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
  });

  it("keeps a second charge out while an unfinished one has its reference, also one that allowed duplicates itself", async () => {
    engine.sandbox.setFault("stripe", { kind: "500_before", operation: "prepare" });
    const reference = `invoice-${Date.now()}`;
    const first = await engine.charges.create(chargeInput({ tokens: STRIPE, reference, allowDuplicateReference: true }));
    expect(first.charge.status).toBe("deferred");
    engine.sandbox.clearFaults();
    await expect(engine.charges.create(chargeInput({ tokens: STRIPE, reference }))).rejects.toMatchObject({ code: "reference_in_use" });
  });

  it("fences an attempt that waits for its customer before a person's 'not charged' is believed", async () => {
    const charge = await inDoubt("stripe", true, { stripe: { payment_method: "pm_card_requires_action" } });
    engine.sandbox.clearFaults();
    const { charge: settled } = await engine.charges.resolve(byHand(charge, "not_charged"));
    expect(settled.status).toBe("failed");
    const shown = await fetch(`${engine.sandbox.stripeUrl}/v1/payment_intents/${charge.attempts[0]?.object}`, {
      headers: { authorization: "Bearer sk_test_sandbox" },
    });
    const intent = (await shown.json()) as { next_action?: { redirect_to_url?: { url?: string } } };
    const url = intent.next_action?.redirect_to_url?.url;
    if (url) await fetch(url);
    expect(movedAt(engine.sandbox, charge.id)).toEqual({});
  });

  it("remembers that the capture it sent after the payer's approval got no answer, and does not call the attempt fenced", async () => {
    const { charge } = await engine.charges.create(chargeInput({ tokens: { paypal: { vault_id: "payer_action" } } }));
    expect(charge.status).toBe("requires_action");
    await fetch(charge.nextAction?.url as string);
    engine.sandbox.setFault("paypal", { kind: "slow", operation: "commit", delayMs: 4_000, count: 1 });
    const after = await dueTurn(charge);
    expect.soft(after.attempts[0]?.ambiguous).toBe(true);
    await old(charge);
    const expired = await dueTurn(charge);
    expect.soft(expired.status).not.toBe("failed");
    await eventually(
      () => movedAt(engine.sandbox, charge.id),
      (moved) => moved.paypal === 4200n,
    );
  });
});

describe("told wrongly", () => {
  it("never says 'no money moved' to a repeated key while the database is away", async () => {
    const instance = await engine.another();
    const input = chargeInput({ tokens: STRIPE });
    const { charge } = await engine.charges.create(input);
    expect(charge.status).toBe("succeeded");
    await instance.close();
    const refused = await instance.charges.create(input).catch((error: unknown) => error);
    const body = problemBody(toProblem(refused, false), { requestId: "req", isRead: false });
    expect(body).toMatchObject({ money: "unknown" });
  });
});

describe("lost", () => {
  it("does not call a charge paid by an earlier attempt whose money was sent back already", async () => {
    prefer("paypal");
    engine.sandbox.setFault("paypal", { kind: "refuse", operation: "commit", count: 1, delayMs: 60_000 });
    engine.sandbox.setFault("stripe", { kind: "hang_before", operation: "commit" });
    for (const operation of ["lookup", "cancel"] as const) engine.sandbox.setFault("stripe", { kind: "500_before", operation });
    const { charge } = await engine.charges.create(chargeInput());
    expect(charge).toMatchObject({
      status: "in_doubt",
      attempts: [
        { provider: "paypal", live: false },
        { provider: "stripe", live: true },
      ],
    });
    engine.sandbox.clearFaults("paypal");
    await engine.sandbox.listening();
    const first = charge.attempts[0] as Charge["attempts"][number];
    // Law 8's premise: the attempt that was given up is paid after all. Another attempt is live, so the money goes back.
    const paypal = engine.core.providers.get("paypal") as Provider;
    const call = new Call({ clock: systemClock, timeoutMs: 5_000 });
    await paypal.commit(requestOf(charge, first), first.object as string, call, { replay: false });
    await sql("look", "update attempts set next_look_at = now() - interval '1 s' where id = $1", first.id);
    await eventually(
      async () => {
        await turn();
        return movedAt(engine.sandbox, charge.id);
      },
      (moved) => moved.paypal === 0n,
    );
    engine.sandbox.clearFaults();
    for (let i = 0; i < 5 && (await reread(engine, charge)).status !== "succeeded"; i++) await dueTurn(charge);
    const after = await reread(engine, charge);
    const held = Object.values(movedAt(engine.sandbox, charge.id)).reduce((sum, amount) => sum + amount, 0n);
    expect(after.amountCaptured).toBe(held);
  });
});

describe("stuck for good", () => {
  it("lets a person settle a doubt at a provider that is not configured any more", async () => {
    const charge = await inDoubt("stripe", false, STRIPE);
    await sql("removed", "update attempts set provider = 'stripe-gone', provider_account = 'acct_gone' where charge_id = $1", charge.id);
    const { charge: settled } = await engine.charges.resolve(byHand(charge, "not_charged"));
    expect(settled.status).toBe("failed");
  });

  it("tells a person about a customer's authentication that can neither be looked up nor fenced after its time", async () => {
    const { charge } = await engine.charges.create(chargeInput({ tokens: { paypal: { vault_id: "payer_action" } } }));
    // PayPal forgets orders that nobody approved: 404 from then on.
    await sql("forgotten", "update attempts set object = 'FORGOTTEN1' where charge_id = $1", charge.id);
    await old(charge);
    const after = await dueTurn(charge);
    const seen = (await letters(charge)).length > 0 || after.status !== "requires_action";
    expect(seen).toBe(true);
  });

  it("tells a person about an expired authentication whose attempt was ambiguous once, where the provider has no fence", async () => {
    const { charge } = await engine.charges.create(chargeInput({ tokens: { paypal: { vault_id: "payer_action" } } }));
    await sql("ambiguous", "update attempts set ambiguous = true where charge_id = $1", charge.id);
    await old(charge);
    await dueTurn(charge);
    const after = await dueTurn(charge);
    const seen = (await letters(charge)).length > 0 || after.status !== "requires_action";
    expect(seen).toBe(true);
  });

  it("shows a doubt again whose dead letter was replayed in vain", async () => {
    const charge = await inDoubt("stripe", false, STRIPE);
    await old(charge);
    await sql("older", "update charges set updated_at = updated_at - interval '25 h' where id = $1", charge.id);
    await dueTurn(charge);
    const [letter] = await letters(charge);
    expect(letter).toMatchObject({ kind: "doubt", state: "open" });
    await engine.charges.replayDeadLetter({ accountId: "acct_default", id: letter?.id as string, actor: "key:ops" });
    for (let i = 0; i < 3; i++) await dueTurn(charge);
    expect((await reread(engine, charge)).status).toBe("in_doubt");
    expect((await letters(charge)).filter(({ state }) => state === "open")).toHaveLength(1);
  });

  it("goes on after a crash whose prepare Stripe answered, and keeps answering, with a stored 500", async () => {
    prefer("stripe");
    engine.sandbox.setFault("stripe", { kind: "500_before", operation: "prepare", count: 1 });
    const crash: Core = { ...engine.core, write: () => Promise.reject(new DatabaseAmbiguous("crash before the outcome was written")) };
    const claims = keyClaims({ redis: null, installationId: "crash", ttlMs: 1_000 });
    const input = chargeInput();
    await expect(createChargeService(crash, claims, { accepting: () => true, countCharge: () => {} }).create(input)).rejects.toThrow();
    const rows = await engine.db.query<Charge>({
      name: "attack_last",
      text: "select id from charges where idempotency_key = $1",
      values: [input.idempotencyKey],
    });
    const charge = rows[0] as Charge;
    for (let i = 0; i < 6 && (await reread(engine, charge)).status !== "succeeded"; i++) await dueTurn(charge);
    // The stored 500 is all that anybody ever got for the prepare key: no id, so that nobody can have sent a commit.
    expect(await reread(engine, charge)).toMatchObject({ status: "succeeded" });
    expect(Object.values(movedAt(engine.sandbox, charge.id))).toEqual([4200n]);
  });

  it("drains a charge that can be served past older ones that cannot", async () => {
    await set("stripe", "down");
    const inr = { amount: 4200n, currency: "inr" as Currency };
    for (let i = 0; i < 60; i++) expect((await engine.charges.create(chargeInput({ money: inr }))).charge.status).toBe("deferred");
    await set("paypal", "down");
    const { charge } = await engine.charges.create(chargeInput());
    expect(charge.status).toBe("deferred");
    await set("paypal", "up");
    try {
      const settled = await eventually(
        async () => {
          await turn();
          return reread(engine, charge);
        },
        ({ status }) => status === "succeeded",
      );
      expect(settled.provider).toBe("paypal");
    } finally {
      await sql("away", "update charges set next_action_at = null where status = 'deferred'");
    }
  });

  it("drains a deferred charge although late evidence, which came to nothing, was noted for its closed attempt", async () => {
    engine.sandbox.setFault("paypal", { kind: "refuse", operation: "commit", count: 1, delayMs: 60_000 });
    const { charge } = await engine.charges.create(chargeInput({ tokens: PAYPAL }));
    expect(charge).toMatchObject({ status: "deferred", attempts: [{ outcome: "not_sent", object: expect.any(String) }] });
    engine.sandbox.clearFaults();
    await engine.sandbox.listening();
    engine.core.hint(charge.id, charge.attempts[0]?.id as Charge["attempts"][number]["id"]);
    await eventually(
      async () => (await reread(engine, charge)).attempts[0]?.nextLookAt,
      (at) => at !== null,
    );
    await eventually(
      async () => {
        await due(charge);
        await turn();
        return reread(engine, charge);
      },
      ({ status }) => status === "succeeded",
    );
  });

  it("does not count a look that a busy charge put off", async () => {
    const charge = await inDoubt("paypal", false, PAYPAL);
    const { charge: settled } = await engine.charges.resolve(byHand(charge, "not_charged"));
    const [attempt] = settled.attempts;
    await sql("busy", "update charges set lease_until = now() + interval '1 h' where id = $1", charge.id);
    for (let i = 0; i < 7; i++) {
      await sql("look", "update attempts set next_look_at = now() - interval '1 s' where id = $1", attempt?.id);
      await turn();
    }
    await sql("free", "update charges set lease_until = null where id = $1", charge.id);
    await sql("look", "update attempts set next_look_at = now() - interval '1 s' where id = $1", attempt?.id);
    await turn();
    // The provider could not even be asked yet: the looks that law 8 promises are still to come.
    expect((await reread(engine, charge)).attempts[0]?.nextLookAt).not.toBeNull();
  });

  it("does not turn at a finished charge for ever after a lease on it was given back", async () => {
    engine.sandbox.setFault("stripe", { kind: "decline", operation: "commit", code: "lost_card" });
    const { charge } = await engine.charges.create(chargeInput({ tokens: STRIPE }));
    expect(charge.status).toBe("failed");
    // What leaveToOthers does when the write of a late success was ambiguous.
    const now = new Date();
    const claim = await claimOne(engine.db, {
      now,
      leaseUntil: new Date(now.getTime() + 10_000),
      id: charge.id,
      accountId: null,
      statuses: ["failed"],
    });
    await releaseClaim(engine.db, claim as NonNullable<typeof claim>, now);
    await turn();
    expect((await reread(engine, charge)).nextActionAt).toBeNull();
  });
});

it("holds no lease any more when an instance within the allowed clock error may claim the charge", () => {
  const settings = { livemode: false, providerTimeoutMs: 10_000, chargeBudgetMs: 30_000 };
  let real = 0;
  const clock = (offMs: number) => ({
    now: () => 1e12 + real + offMs,
    monotonic: () => real,
    sleep: async () => {},
    after: () => () => {},
  });
  const [slow, fast] = [clock(-4_900), clock(4_900)];
  const until = leaseEnd(slow, settings);
  const lease = startLease(slow, settings, { leaseNo: 1 }, until);
  for (; real < 60_000; real += 50) expect(lease.held() && fast.now() >= until.getTime(), `both at ${real} ms`).toBe(false);
});

describe("an ambiguous commit", () => {
  type Where = "intent" | "outcome" | "next_intent";

  /** An instance that loses its connection during the first statement of a kind, committed or not. */
  function unlucky(where: Where, committed: boolean): ReturnType<typeof createChargeService> {
    let struck = false;
    const strike = async <T>(write: () => Promise<T>): Promise<T> => {
      struck = true;
      if (committed) await write();
      throw new DatabaseAmbiguous("connection lost");
    };
    const core: Core = {
      ...engine.core,
      accept: (row) => (where === "intent" && !struck ? strike(() => engine.core.accept(row)) : engine.core.accept(row)),
      write: (row) => {
        const hit = !struck && (where === "next_intent" ? row.next_attempt !== null : where === "outcome" && row.next_attempt === null);
        return hit ? strike(() => engine.core.write(row)) : engine.core.write(row);
      },
    };
    const claims = keyClaims({ redis: null, installationId: "unlucky", ttlMs: 1_000 });
    return createChargeService(core, claims, { accepting: () => true, countCharge: () => {} });
  }

  const cases = (["intent", "outcome", "next_intent"] as const).flatMap((where) =>
    [true, false].flatMap((committed) => (["stripe", "paypal"] as const).map((first) => [where, committed, first] as const)),
  );

  it.each(cases)(
    "of the %s (committed: %s, %s first) ends with the money moved once, and the same key tells",
    async (where, committed, first) => {
      prefer(first);
      const input = chargeInput();
      if (where === "next_intent") engine.sandbox.setFault(first, { kind: "reset_before", operation: "prepare", count: 1 });
      await expect(unlucky(where, committed).create(input)).rejects.toThrow();
      const answer = await eventually(
        async () => {
          await turn();
          return engine.charges.create(input).catch((error: { code?: string }) => {
            if (error.code !== "idempotency_key_in_use") throw error;
            return null;
          });
        },
        (known) => known?.charge.status === "succeeded",
      );
      const charge = answer?.charge as Charge;
      const moved = movedAt(engine.sandbox, charge.id);
      expect(moved).toEqual({ [charge.provider as string]: 4200n });
      expect(charge.attempts.filter(({ live }) => live)).toHaveLength(1);
    },
  );
});

it("withdraws a deferred charge or drains it, never both", async () => {
  engine.sandbox.setFault("stripe", { kind: "500_before", operation: "prepare" });
  const charges = await Promise.all(
    Array.from({ length: 12 }, async () => (await engine.charges.create(chargeInput({ tokens: STRIPE }))).charge),
  );
  engine.sandbox.clearFaults();
  for (const charge of charges) await due(charge);
  const command = (charge: Charge) => ({
    ...OPS,
    chargeId: charge.id,
    idempotencyKey: `cancel-${charge.id}`,
    fingerprint: Buffer.alloc(32, 5),
  });
  const [, ...results] = await Promise.all([
    turn(),
    ...charges.map((charge) =>
      engine.charges.cancel(command(charge)).then(
        ({ charge: canceled }) => canceled.status,
        (error: { code?: string }) => error.code,
      ),
    ),
  ]);
  for (const [i, charge] of charges.entries()) {
    const after = await reread(engine, charge);
    if (results[i] === "canceled") expect(after.status).toBe("canceled");
    expect(movedAt(engine.sandbox, charge.id)).toEqual(after.status === "succeeded" ? { stripe: 4200n } : {});
  }
  await sql("away", "update charges set next_action_at = null where status = 'deferred'");
});
