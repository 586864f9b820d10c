import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import type { CaptureCharge } from "../../../gateway/charges/service.ts";
import type { FaultKind } from "../../../providers/sandbox/fault.ts";
import { chargeInput, type Engine, eventually, movedAt, reread, startEngine, worked } from "../../support/engine.ts";

const FAULTS: readonly FaultKind[] = [
  "reset_before",
  "reset_after",
  "hang_before",
  "hang_after",
  "500_before",
  "500_after",
  "503_html",
  "429",
  "trickle",
];

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 700, chargeBudgetMs: 4_000 });
});
afterAll(() => engine.close());
afterEach(() => engine.sandbox.clearFaults());

const TOKENS = {
  stripe: () => ({ stripe: { customer: `cus_${randomUUID().slice(0, 8)}`, payment_method: "pm_card_visa" } }),
  paypal: () => ({ paypal: { vault_id: `vault-${randomUUID()}` } }),
};

function command(charge: Charge, more: Partial<CaptureCharge> = {}): CaptureCharge {
  return {
    accountId: charge.accountId,
    actor: "key:test",
    chargeId: charge.id,
    idempotencyKey: randomUUID(),
    fingerprint: Buffer.alloc(32, 9),
    amount: null,
    ...more,
  };
}

/** Type and amount of what the processors' ledger says of the charge, in order. */
function movements(charge: Charge): [string, bigint][] {
  return engine.sandbox
    .ledger()
    .filter(({ chargeId }) => chargeId === charge.id)
    .map(({ type, amount }) => [type, amount]);
}

async function eventsOf(charge: Charge): Promise<string[]> {
  const rows = await engine.db.query<{ type: string }>({
    name: "events_of",
    text: "select type from events where charge_id = $1 order by id",
    values: [charge.id],
  });
  return rows.map(({ type }) => type);
}

/** As if the instance that works at it had died. */
async function crash(charge: Charge): Promise<void> {
  await engine.db.query({
    name: "crash",
    text: "update charges set lease_until = now() - interval '1 minute', next_action_at = now() - interval '1 minute' where id = $1",
    values: [charge.id],
  });
}

describe.each(["stripe", "paypal"] as const)("an authorization at %s", (provider) => {
  async function authorize(by = engine): Promise<Charge> {
    const { charge } = await by.charges.create(chargeInput({ tokens: TOKENS[provider](), capture: "manual" }));
    expect(charge).toMatchObject({ status: "authorized", provider, amountCaptured: 0n, settlement: null, failure: null });
    return charge;
  }

  it("holds the money until its stated end, and moves none", async () => {
    const charge = await authorize();
    expect(movements(charge)).toEqual([["authorize", 4200n]]);
    const days = ((charge.authorizedUntil as Date).getTime() - charge.createdAt.getTime()) / 86_400_000;
    expect(Math.round(days)).toBe(provider === "stripe" ? 7 : 29);
    expect(await reread(engine, charge)).toEqual(charge);
    await engine.worker.pass();
    await engine.worker.idle();
    expect((await reread(engine, charge)).status).toBe("authorized");
  });

  it("is captured whole", async () => {
    const charge = await authorize();
    const answer = await engine.charges.capture(command(charge));
    expect(answer).toMatchObject({ replayed: false, charge: { status: "succeeded", amountCaptured: 4200n, nextActionAt: null } });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ [provider]: 4200n });
    expect(await reread(engine, charge)).toEqual(answer.charge);
    expect(await eventsOf(charge)).toEqual([
      "attempt.started",
      "charge.authorized",
      "operation.started",
      "charge.succeeded",
      "operation.succeeded",
      "charge.captured",
    ]);
  });

  it("is captured in part, once, and the rest is released", async () => {
    const charge = await authorize();
    const { charge: captured } = await engine.charges.capture(command(charge, { amount: 1_000n }));
    expect(captured).toMatchObject({ status: "succeeded", amount: 4200n, amountCaptured: 1_000n });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ [provider]: 1_000n });
    await expect(engine.charges.capture(command(charge, { amount: 500n }))).rejects.toMatchObject({ code: "charge_final" });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ [provider]: 1_000n });
  });

  it("is not captured above what it holds", async () => {
    const charge = await authorize();
    await expect(engine.charges.capture(command(charge, { amount: 4_201n }))).rejects.toMatchObject({ code: "validation_failed" });
    expect(await reread(engine, charge)).toMatchObject({ status: "authorized", leaseUntil: null, nextActionAt: charge.nextActionAt });
  });

  it("gives the same key the same answer, and no other request", async () => {
    const charge = await authorize();
    const once = command(charge);
    const first = await engine.charges.capture(once);
    expect(await engine.charges.capture(once)).toEqual({ charge: first.charge, replayed: true });
    const other = command(charge, { idempotencyKey: once.idempotencyKey, fingerprint: Buffer.alloc(32, 1) });
    await expect(engine.charges.capture(other)).rejects.toMatchObject({ code: "idempotency_key_reused" });
  });

  it("is captured once by twenty captures and voids at once, over two instances", async () => {
    const charge = await authorize();
    const another = await engine.another();
    try {
      const asked = Array.from({ length: 20 }, (_, i) => {
        const { charges } = i % 2 ? engine : another;
        return i % 4 === 3 ? charges.cancel(command(charge)) : charges.capture(command(charge));
      });
      await Promise.allSettled(asked);
      const after = await worked(engine, charge, ({ status }) => status === "succeeded" || status === "canceled");
      const moved = movements(charge).map(([type]) => type);
      expect(moved).toEqual(["authorize", after.status === "succeeded" ? "capture" : "void"]);
    } finally {
      await another.close();
    }
  });

  it("is captured although somebody looks at it at that moment, as after a webhook", async () => {
    const charge = await authorize();
    const text = "update charges set lease_no = lease_no + 1, lease_until = now() + interval '40 seconds' where id = $1";
    await engine.db.query({ name: "look_begins", text, values: [charge.id] });
    const asked = engine.charges.capture(command(charge));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await reread(engine, charge)).status).toBe("authorized");
    await engine.db.query({ name: "look_ends", text: "update charges set lease_until = null where id = $1", values: [charge.id] });
    expect((await asked).charge).toMatchObject({ status: "succeeded", amountCaptured: 4200n });
  });

  it("is voided", async () => {
    const charge = await authorize();
    const answer = await engine.charges.cancel(command(charge));
    expect(answer.charge).toMatchObject({ status: "canceled", amountCaptured: 0n, failure: null, nextActionAt: null });
    expect(movements(charge).map(([type]) => type)).toEqual(["authorize", "void"]);
    expect(await reread(engine, charge)).toEqual(answer.charge);
    await expect(engine.charges.capture(command(charge))).rejects.toMatchObject({ code: "charge_final" });
  });

  it.each(FAULTS)("takes the money exactly once after %s in capture", async (kind) => {
    const fresh = await engine.another();
    try {
      const charge = await authorize(fresh);
      engine.sandbox.setFault(provider, { kind, operation: "capture", count: 1 });
      const answer = await fresh.charges.capture(command(charge));
      expect(["succeeded", "in_doubt", "authorized"]).toContain(answer.charge.status);
      const after = await worked(fresh, charge, ({ status }) => status === "succeeded");
      expect(after).toMatchObject({ amountCaptured: 4200n, settlement: { state: "succeeded", kind: "capture" } });
      expect(movements(charge)).toEqual([
        ["authorize", 4200n],
        ["capture", 4200n],
      ]);
    } finally {
      await fresh.close();
    }
  });

  it.each<FaultKind>(["reset_after", "hang_before", "500_before", "500_after", "429"])(
    "is released once after %s in void",
    async (kind) => {
      const fresh = await engine.another();
      try {
        const charge = await authorize(fresh);
        engine.sandbox.setFault(provider, { kind, operation: "cancel", count: 1 });
        await fresh.charges.cancel(command(charge));
        const after = await worked(fresh, charge, ({ status }) => status === "canceled");
        expect(after.settlement).toMatchObject({ kind: "void", state: "succeeded" });
        expect(movements(charge).map(([type]) => type)).toEqual(["authorize", "void"]);
      } finally {
        await fresh.close();
      }
    },
  );

  it.each(["hang_before", "hang_after"] as const)("is captured once when its instance dies in the capture (%s)", async (kind) => {
    const dying = await engine.another({ providerTimeoutMs: 600_000, chargeBudgetMs: 600_000 });
    const fresh = await engine.another();
    const charge = await authorize(fresh);
    const captures = () => engine.sandbox.requests().filter(({ operation }) => operation === "capture").length;
    const before = captures();
    engine.sandbox.setFault(provider, { kind, operation: "capture", count: 1 });
    const dead = dying.charges.capture(command(charge)).catch(() => {});
    await eventually(
      () => reread(engine, charge),
      ({ settlement }) => settlement !== null,
    );
    await eventually(captures, (count) => count > before);
    await crash(charge);
    engine.sandbox.clearFaults();
    try {
      await worked(fresh, charge, ({ status }) => status === "succeeded");
      expect(movedAt(engine.sandbox, charge.id)).toEqual({ [provider]: 4200n });
    } finally {
      await dead;
      await Promise.all([fresh.close(), dying.close()]);
    }
  });

  it("takes no refusal for proof when its instance died while it sent a deferred capture", async () => {
    const charge = await authorize();
    engine.sandbox.setFault(provider, { kind: "429", operation: "capture", count: 1 });
    const fresh = await engine.another();
    const dying = await engine.another({ providerTimeoutMs: 600_000, chargeBudgetMs: 600_000 });
    const { charge: deferred } = await fresh.charges.capture(command(charge));
    expect(deferred.settlement).toMatchObject({ state: "deferred", ambiguous: false });
    engine.sandbox.setFault(provider, { kind: "hang_after", operation: "capture", count: 1 });
    const passes: Promise<unknown>[] = [];
    await eventually(
      async () => {
        const amount = movedAt(engine.sandbox, charge.id)[provider];
        if (amount === 4200n) return amount;
        // As its loop would; what it sends hangs, so nobody waits for it here.
        await due(charge);
        passes.push(dying.worker.pass());
        return amount;
      },
      (amount) => amount === 4200n,
    );
    expect((await reread(engine, charge)).settlement).toMatchObject({ state: "processing" });
    await crash(charge);
    engine.sandbox.clearFaults();
    try {
      const after = await worked(fresh, charge, ({ status }) => status !== "authorized");
      expect(after).toMatchObject({ status: "succeeded", amountCaptured: 4200n });
    } finally {
      await Promise.all(passes);
      await dying.worker.idle();
      await Promise.all([fresh.close(), dying.close()]);
    }
  });

  it("ends canceled when the provider has released it, whether or not somebody captures it", async () => {
    const watched = await authorize();
    const captured = await authorize();
    for (const charge of [watched, captured]) await releaseOutside(charge);
    const answer = await engine.charges.capture(command(captured));
    expect(answer.charge).toMatchObject({ status: "canceled", amountCaptured: 0n, failure: { code: "authorization_gone" } });
    await due(watched);
    const after = await worked(engine, watched, ({ status }) => status === "canceled");
    expect(after).toMatchObject({ failure: { code: "authorization_gone" }, attempts: [{ live: false, outcome: "fenced" }] });
  });

  it("warns its owner once, a day before it lapses", async () => {
    const charge = await authorize();
    await engine.db.query({
      name: "soon",
      text: "update charges set authorized_until = now() + interval '20 hours', next_action_at = now() where id = $1",
      values: [charge.id],
    });
    const warned = async (): Promise<number> => (await eventsOf(charge)).filter((type) => type === "charge.authorization_expiring").length;
    await worked(engine, charge, ({ tries }) => tries === 1);
    expect(await warned()).toBe(1);
    await due(charge);
    await worked(engine, charge, ({ nextActionAt }) => (nextActionAt as Date).getTime() > Date.now() + 60_000);
    expect([await warned(), (await reread(engine, charge)).status]).toEqual([1, "authorized"]);
  });

  async function due(charge: Charge): Promise<void> {
    await engine.db.query({ name: "due", text: "update charges set next_action_at = now() where id = $1", values: [charge.id] });
  }

  async function releaseOutside(charge: Charge): Promise<void> {
    const [attempt] = charge.attempts;
    const object = attempt?.object as string;
    if (provider === "stripe") {
      const headers = { authorization: "Bearer sk_test_sandbox" };
      await fetch(`${engine.sandbox.stripeUrl}/v1/payment_intents/${object}/cancel`, { method: "POST", headers });
      return;
    }
    const token = await fetch(`${engine.sandbox.paypalUrl}/v1/oauth2/token`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from("sandbox:sandbox").toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: "grant_type=client_credentials",
    });
    const { access_token: access } = (await token.json()) as { access_token: string };
    await fetch(`${engine.sandbox.paypalUrl}/v2/payments/authorizations/${attempt?.providerReference}/void`, {
      method: "POST",
      headers: { authorization: `Bearer ${access}`, "content-type": "application/json" },
    });
  }
});
