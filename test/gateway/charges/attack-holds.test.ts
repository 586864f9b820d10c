import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { createChargeService } from "../../../gateway/charges/charge-service.ts";
import type { Core } from "../../../gateway/charges/core.ts";
import type { CaptureCharge, ResolveCharge } from "../../../gateway/charges/service.ts";
import { keyClaims } from "../../../gateway/idempotency/key-claims.ts";
import { hintAttempt } from "../../../gateway/store/closed-attempts.ts";
import { type Database, DatabaseAmbiguous } from "../../../gateway/store/database.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import type { FaultKind } from "../../../providers/sandbox/fault.ts";
import { both, chargeInput, type Engine, eventually, movedAt, preferring, reread, startEngine } from "../../support/engine.ts";

type Between = {
  [M in "capture" | "cancel"]?: (real: Provider[M], ...args: Parameters<Provider[M]>) => ReturnType<Provider[M]>;
};

/** What stands between the engine and the adapters in one test. */
let between: Between = {};

function intercepted(provider: Provider): Provider {
  return new Proxy(provider, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const real = value.bind(target);
      if (!(name in { capture: 1, cancel: 1 })) return real;
      return (...args: unknown[]) => {
        const hook = between[name as keyof Between] as ((...all: unknown[]) => unknown) | undefined;
        return hook ? hook(real, ...args) : real(...args);
      };
    },
  });
}

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ wrap: intercepted, providerTimeoutMs: 500, chargeBudgetMs: 2_000 });
});
afterAll(() => engine.close());
afterEach(async () => {
  between = {};
  engine.sandbox.clearFaults();
  await engine.sandbox.listening();
});

const OPS = { actor: "key:ops", accountId: "acct_default" };

function command(charge: Charge, more: Partial<CaptureCharge> = {}): CaptureCharge {
  const key = { idempotencyKey: randomUUID(), fingerprint: Buffer.alloc(32, 9) };
  return { ...OPS, ...key, chargeId: charge.id, amount: null, ...more };
}

function byHand(charge: Charge, outcome: ResolveCharge["outcome"], providerReference: string | null = null): ResolveCharge {
  return { ...OPS, chargeId: charge.id, outcome, providerReference, reason: "looked at the dashboard" };
}

async function authorize(provider: "stripe" | "paypal", by = engine): Promise<Charge> {
  const { charge } = await by.charges.create(chargeInput({ tokens: { [provider]: both()[provider] }, capture: "manual" }));
  expect(charge).toMatchObject({ status: "authorized", provider });
  return charge;
}

function movements(charge: Charge): [string, bigint][] {
  const mine = engine.sandbox.ledger().filter(({ chargeId }) => chargeId === charge.id);
  return mine.map(({ type, amount }) => [type, amount]);
}

const sql = <R extends object>(text: string, ...values: unknown[]): Promise<R[]> => engine.db.query<R>({ name: "", text, values });

/** Its time has come, and whoever worked at it has died. */
const due = (charge: Charge) =>
  sql(
    "update charges set next_action_at = now() - interval '1 s', lease_until = least(lease_until, now() - interval '1 s') where id = $1",
    charge.id,
  );

async function turn(by: Engine, charge: Charge): Promise<Charge> {
  await due(charge);
  await by.worker.pass();
  await by.worker.idle();
  return reread(engine, charge);
}

/** A service whose statement of this name waits until `before` has ended. */
function delayed(statement: string, before: () => Promise<unknown>): ReturnType<typeof createChargeService> {
  const db: Database = {
    ...engine.db,
    async query(asked) {
      if (asked.name === statement) await before();
      return engine.db.query(asked);
    },
  };
  const claims = keyClaims({ redis: null, installationId: "delayed", ttlMs: 1_000 });
  return createChargeService({ ...engine.core, db }, claims, { accepting: () => true, countCharge: () => {} });
}

describe("the same key at the same moment", () => {
  it.each(["capture", "cancel"] as const)("gives the %s's own answer to the one who lost the claim", async (kind) => {
    const charge = await authorize("stripe");
    const asked = command(charge);
    let first: Promise<unknown> | null = null;
    const late = delayed("claim_one", () => (first ??= engine.charges[kind](asked)));
    const answer = await late[kind](asked);
    expect(answer).toMatchObject({ replayed: true, charge: { status: kind === "capture" ? "succeeded" : "canceled" } });
  });

  it("gives the capture's own answer while that capture is in doubt, and while it is deferred", async () => {
    for (const kind of ["500_before", "429"] satisfies FaultKind[]) {
      const charge = await authorize("stripe");
      engine.sandbox.setFault("stripe", { kind, operation: "capture" });
      const asked = command(charge);
      let first: Promise<unknown> | null = null;
      const late = delayed("claim_one", () => (first ??= engine.charges.capture(asked)));
      expect(await late.capture(asked)).toMatchObject({ replayed: true, charge: { settlement: { kind: "capture" } } });
      engine.sandbox.clearFaults();
    }
  });
});

describe("stuck for good", () => {
  it.each(["capture", "void"] as const)("lets a person settle a %s whose provider is not configured any more", async (kind) => {
    const charge = await authorize("stripe");
    engine.sandbox.setFault("stripe", { kind: "429", operation: kind === "capture" ? "capture" : "cancel" });
    if (kind === "capture") await engine.charges.capture(command(charge));
    else await engine.charges.cancel(command(charge));
    const alone = await engine.another({ providers: ["paypal"] });
    try {
      const waiting = await turn(alone, charge);
      expect(waiting).toMatchObject({ status: "authorized", settlement: { kind } });
      const { charge: settled } = await alone.charges.resolve(byHand(charge, "not_charged"));
      expect(settled).toMatchObject({ status: "failed", settlement: null });
    } finally {
      await alone.close();
    }
  });

  it("captures a hold after a day of deferral, also when the first answer to it is lost", async () => {
    const charge = await authorize("stripe");
    engine.sandbox.setFault("stripe", { kind: "429", operation: "capture" });
    await engine.charges.capture(command(charge));
    await sql(
      "update operations set first_sent_at = first_sent_at - interval '30 h', created_at = created_at - interval '30 h' where charge_id = $1",
      charge.id,
    );
    engine.sandbox.clearFaults();
    engine.sandbox.setFault("stripe", { kind: "reset_before", operation: "capture", count: 1 });
    const after = await eventually(
      () => turn(engine, charge),
      ({ status }) => status === "succeeded",
      15_000,
    );
    expect(after.amountCaptured).toBe(4200n);
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ stripe: 4200n });
  });
});

describe("a hold forgotten", () => {
  it("is none whose order was found only after a crash: PayPal's orphan is released", async () => {
    await preferring(engine, "paypal", async (fresh) => {
      // The instance dies in the authorization: nobody has written the order's id.
      const dying = await engine.another({ providerTimeoutMs: 60_000, chargeBudgetMs: 60_000 });
      const segment = { type: "card", brand: "visa", country: "US", currency: "usd" };
      for (let i = 0; i < 200; i++) {
        dying.fleet.recordApproval("paypal", segment, true);
        dying.fleet.recordApproval("stripe", segment, false);
      }
      engine.sandbox.setFault("paypal", { kind: "hang_after", operation: "commit", count: 1 });
      const input = chargeInput({ failover: "authorize_first" });
      const dead = dying.charges.create(input).catch(() => {});
      const [row] = await eventually(
        () => sql<{ id: string }>("select id from charges where idempotency_key = $1", input.idempotencyKey),
        (rows) => rows.length > 0 && engine.sandbox.ledger().some(({ chargeId }) => chargeId === rows[0]?.id),
      );
      const charge = await reread(engine, { id: row?.id } as Charge);
      // PayPal stays away, and the charge is collected at Stripe.
      engine.sandbox.setFault("paypal", { kind: "503_html" });
      const collected = await eventually(
        () => turn(fresh, charge),
        ({ status }) => status === "succeeded",
      );
      expect(collected).toMatchObject({ provider: "stripe", attempts: [{ provider: "paypal", outcome: "unknown", object: null }, {}] });
      engine.sandbox.clearFaults();
      await eventually(
        async () => {
          await sql(
            "update attempts set next_look_at = now() - interval '1 s' where charge_id = $1 and next_look_at is not null",
            charge.id,
          );
          await sql(
            "update operations set next_action_at = now() - interval '1 s' where charge_id = $1 and next_action_at is not null and lease_until is null",
            charge.id,
          );
          await fresh.worker.pass();
          await fresh.worker.idle();
          return movements(charge);
        },
        (moved) => moved.some(([type]) => type === "void"),
        12_000,
      );
      await dying.close();
      await dead;
    });
  });
});

describe("an ambiguous commit", () => {
  /** An instance that loses its connection during the first statement with this part, committed or not. */
  function unlucky(part: "operation" | "settlement", committed: boolean): ReturnType<typeof createChargeService> {
    let struck = false;
    const core: Core = {
      ...engine.core,
      async write(row) {
        if (struck || row[part] === null) return engine.core.write(row);
        struck = true;
        if (committed) await engine.core.write(row);
        throw new DatabaseAmbiguous("connection lost");
      },
    };
    const claims = keyClaims({ redis: null, installationId: "unlucky", ttlMs: 1_000 });
    return createChargeService(core, claims, { accepting: () => true, countCharge: () => {} });
  }

  const cases = (["operation", "settlement"] as const).flatMap((part) =>
    [true, false].flatMap((committed) =>
      (["stripe", "paypal"] as const).flatMap((provider) =>
        (["capture", "cancel"] as const).map((kind) => [part, committed, provider, kind] as const),
      ),
    ),
  );

  it.each(cases)(
    "of a hold's %s (committed: %s) at %s ends with one %s, and the same key tells",
    async (part, committed, provider, kind) => {
      const charge = await authorize(provider);
      const asked = command(charge, { amount: kind === "capture" ? 1_000n : null });
      await expect(unlucky(part, committed)[kind](asked)).rejects.toThrow();
      const answer = await eventually(
        async () => {
          await engine.worker.pass();
          await engine.worker.idle();
          await due(charge);
          return engine.charges[kind](asked).catch((error: { code?: string }) => {
            if (error.code !== "idempotency_key_in_use" && error.code !== "charge_in_flight") throw error;
            return null;
          });
        },
        (known) => known?.charge.status === (kind === "capture" ? "succeeded" : "canceled"),
        20_000,
      );
      expect(answer?.charge.amountCaptured).toBe(kind === "capture" ? 1_000n : 0n);
      expect(movements(charge)).toEqual([["authorize", 4200n], kind === "capture" ? ["capture", 1_000n] : ["void", 4200n]]);
    },
  );
});

describe("late evidence about an earlier attempt", () => {
  it.each(["capture", "cancel"] as const)("takes the lease from a %s that runs, and it is done once", async (kind) => {
    await preferring(engine, "paypal", async (fresh) => {
      engine.sandbox.setFault("paypal", { kind: "reset_before", operation: "prepare", count: 1 });
      const { charge } = await fresh.charges.create(chargeInput({ capture: "manual" }));
      expect(charge).toMatchObject({ status: "authorized", provider: "stripe", attempts: [{ provider: "paypal", live: false }, {}] });
      let told = false;
      const once = async <T>(call: () => Promise<T>): Promise<T> => {
        if (!told) await hintAttempt(engine.db, charge.attempts[0]!.id, new Date(0));
        told = true;
        return call();
      };
      between.capture = (real, ...args) => once(() => real(...args));
      between.cancel = (real, ...args) => once(() => real(...args));
      const asked = command(charge, { amount: kind === "capture" ? 1_000n : null });
      await expect(fresh.charges[kind](asked)).rejects.toMatchObject({ code: "outcome_unknown_retry_same_key" });
      const after = await eventually(
        () => turn(fresh, charge),
        ({ status }) => status === "succeeded" || status === "canceled",
      );
      expect(after).toMatchObject({ status: kind === "capture" ? "succeeded" : "canceled", settlement: { state: "succeeded" } });
      expect(movements(charge)).toHaveLength(2);
    });
  });
});
