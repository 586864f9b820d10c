import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { createChargeService } from "../../../gateway/charges/charge-service.ts";
import type { Core } from "../../../gateway/charges/core.ts";
import type { CaptureCharge, ResolveCharge } from "../../../gateway/charges/service.ts";
import { isOpen } from "../../../gateway/charges/settlement.ts";
import { keyClaims } from "../../../gateway/idempotency/key-claims.ts";
import { hintAttempt } from "../../../gateway/store/closed-attempts.ts";
import { type Database, DatabaseAmbiguous } from "../../../gateway/store/database.ts";
import { Call } from "../../../providers/contract/call.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import type { FaultKind } from "../../../providers/sandbox/fault.ts";
import { both, chargeInput, type Engine, eventually, movedAt, preferring, reread, startEngine } from "../../support/engine.ts";
import { seeded } from "../../support/manual-clock.ts";

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

const OPS = { actor: "key:ops", accountId: "acct_default" };

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ wrap: intercepted, providerTimeoutMs: 500, chargeBudgetMs: 2_900 });
  // A gate that these faults open is not the subject.
  for (const provider of ["stripe", "paypal"])
    await engine.overrides.set({ provider, mode: "up", reason: "test", expiresAt: null }, { ...OPS, now: new Date() });
});
afterAll(() => engine.close());
afterEach(async () => {
  between = {};
  engine.sandbox.clearFaults();
  await engine.sandbox.listening();
});

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

  it("believes a person who found the money taken at a provider that is gone, although a void waits", async () => {
    const charge = await authorize("stripe");
    engine.sandbox.setFault("stripe", { kind: "429", operation: "cancel" });
    await engine.charges.cancel(command(charge));
    const alone = await engine.another({ providers: ["paypal"] });
    try {
      await due(charge);
      const { charge: settled } = await alone.charges.resolve(byHand(charge, "charged", charge.providerReference));
      expect(settled).toMatchObject({ status: "succeeded", amountCaptured: 4200n, settlement: null, failure: null });
      expect(await reread(engine, charge)).toEqual(settled);
    } finally {
      await alone.close();
    }
  });

  it("is no hold for which nothing waits: a person has nothing to settle there", async () => {
    const charge = await authorize("stripe");
    await expect(engine.charges.resolve(byHand(charge, "not_charged"))).rejects.toMatchObject({ code: "charge_not_in_doubt" });
    expect(await reread(engine, charge)).toMatchObject({ status: "authorized", leaseUntil: null, nextActionAt: charge.nextActionAt });
    expect(movements(charge)).toHaveLength(1);
  });

  it("puts a void that waits back to work when its dead letter is replayed", async () => {
    const charge = await authorize("stripe");
    engine.sandbox.setFault("stripe", { kind: "500_before", operation: "cancel" });
    await engine.charges.cancel(command(charge));
    await sql("update operations set created_at = created_at - interval '30 h' where charge_id = $1", charge.id);
    await turn(engine, charge);
    engine.sandbox.clearFaults();
    const [letter] = await sql<{ id: string }>("select id from dead_letters where charge_id = $1 and state = 'open'", charge.id);
    await engine.charges.replayDeadLetter({ ...OPS, id: letter?.id ?? "none" });
    await engine.worker.pass();
    await engine.worker.idle();
    expect(await reread(engine, charge)).toMatchObject({ status: "canceled", settlement: { kind: "void", state: "succeeded" } });
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
      );
      await dying.close();
      await dead;
    });
  });
});

it("a hold that is captured while it is being released gives its money back", async () => {
  const charge = await authorize("stripe");
  engine.sandbox.setFault("stripe", { kind: "hang_before", operation: "capture" });
  engine.sandbox.setFault("stripe", { kind: "500_before", operation: "lookup" });
  await engine.charges.capture(command(charge));
  const { charge: settled } = await engine.charges.resolve(byHand(charge, "not_charged"));
  expect(settled).toMatchObject({ status: "failed", amountCaptured: 0n });
  engine.sandbox.clearFaults();
  // The capture that was given up arrives after the look, and before the release.
  between.cancel = async (real, object, call) => {
    between = {};
    const stripe = engine.core.providers.get("stripe") as Provider;
    const capture = new Call({ clock: systemClock, timeoutMs: 5_000 });
    const { id: chargeId, currency } = charge;
    const attemptId = charge.attempts[0]!.id;
    const money = { amount: 4200n, currency };
    await stripe.capture({ chargeId, attemptId, key: "late", reference: object, object, money }, capture);
    return real(object, call);
  };
  const after = await eventually(
    async () => {
      await sql("update attempts set next_look_at = now() - interval '1 s' where charge_id = $1 and next_look_at is not null", charge.id);
      await sql(
        "update operations set next_action_at = now() - interval '1 s' where charge_id = $1 and next_action_at is not null and lease_until is null",
        charge.id,
      );
      await engine.worker.pass();
      await engine.worker.idle();
      return movements(charge);
    },
    (moved) => moved.some(([type]) => type === "refund"),
  );
  expect(after).toEqual([
    ["authorize", 4200n],
    ["capture", 4200n],
    ["refund", 4200n],
  ]);
  const told = await engine.db.query({
    name: "test_told",
    text: "select type, data from events where charge_id = $1 and type = 'compensation.refunds'",
    values: [charge.id],
  });
  expect(told).toEqual([{ type: "compensation.refunds", data: { amount: "4200", reference: expect.any(String) } }]);
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

describe.each(["stripe", "paypal"] as const)("a storm at %s", (provider) => {
  it.each([1])(
    "of captures, voids, faults, dead instances and repeated keys over two instances ends each hold once, as the books say (%i)",
    async (seed) => {
      const random = seeded(seed);
      const other = await engine.another();
      const engines = [engine, other];
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
      try {
        const charges = await Promise.all(Array.from({ length: 8 }, () => authorize(provider, pick(engines))));
        const kinds: FaultKind[] = ["hang_after", "reset_after", "500_after", "hang_before", "reset_before", "429", "503_html", "slow"];
        for (const kind of kinds) {
          for (const operation of ["capture", "cancel", "lookup"] as const)
            engine.sandbox.setFault(provider, { kind, operation, probability: operation === "lookup" ? 0.04 : 0.1, delayMs: 700 });
        }
        const asked = charges.flatMap((charge) => {
          const commands = Array.from({ length: 3 }, () => command(charge, { amount: BigInt(1 + Math.floor(random() * 4200)) }));
          const kinds = [pick(["capture", "cancel"] as const), "capture", "cancel"] as const;
          return commands.flatMap((each, i) => [0, 1].map(() => ({ each, kind: kinds[i]!, by: pick(engines), afterMs: random() * 3_000 })));
        });
        const passing = new AbortController();
        const passes = engines.map(async ({ worker }) => {
          while (!passing.signal.aborted) {
            await due(pick(charges));
            await worker.pass();
            await new Promise((resolve) => setTimeout(resolve, 60));
          }
        });
        await Promise.all(
          asked.map(async ({ each, kind, by, afterMs }) => {
            await new Promise((resolve) => setTimeout(resolve, afterMs));
            await by.charges[kind](each).catch(() => {});
          }),
        );
        engine.sandbox.clearFaults();
        passing.abort();
        await Promise.all(passes);
        for (const charge of charges) {
          const after = await eventually(
            async () => {
              const now = await turn(engine, charge);
              // A capture that was refused leaves the hold as it was.
              if (now.status !== "authorized" || isOpen(now.settlement)) return now;
              await engine.charges.cancel(command(charge)).catch(() => {});
              return reread(engine, charge);
            },
            ({ status }) => status === "succeeded" || status === "canceled",
          );
          const taken = movements(charge).filter(([type]) => type === "capture");
          expect(taken, charge.id).toEqual(after.status === "succeeded" ? [["capture", after.amountCaptured]] : []);
          expect(movements(charge).filter(([type]) => type === "void").length, charge.id).toBe(after.status === "canceled" ? 1 : 0);
          const open = await sql("select from operations where charge_id = $1 and state not in ('succeeded', 'failed')", charge.id);
          expect(open).toEqual([]);
        }
      } finally {
        await other.close();
      }
    },
    180_000,
  );
});

it.each([1, 2])(
  "a storm of authorize_first: every charge ends with one capture and no other hold, or with neither (%i)",
  async (seed) => {
    const random = seeded(seed);
    const other = await engine.another();
    const engines = [engine, other];
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    try {
      const kinds: FaultKind[] = ["hang_after", "reset_after", "500_after", "hang_before", "reset_before", "429", "503_html"];
      for (const provider of ["stripe", "paypal"] as const) {
        for (const kind of kinds)
          for (const operation of ["prepare", "commit", "capture", "cancel", "lookup"] as const)
            engine.sandbox.setFault(provider, { kind, operation, probability: operation === "commit" ? 0.07 : 0.03 });
        engine.sandbox.setFault(provider, { kind: "decline", operation: "commit", probability: 0.15 });
      }
      const inputs = Array.from({ length: 12 }, () => chargeInput({ failover: "authorize_first" }));
      const passing = new AbortController();
      const anyCharge = () => sql<{ id: string }>("select id from charges where idempotency_key = $1", pick(inputs).idempotencyKey);
      const passes = engines.map(async ({ worker }) => {
        while (!passing.signal.aborted) {
          const [charge] = await anyCharge();
          if (charge) await due(charge as Charge);
          await sql("update attempts set next_look_at = now() where next_look_at is not null and not live");
          await worker.pass();
          await new Promise((resolve) => setTimeout(resolve, 80));
        }
      });
      await Promise.all(
        inputs.flatMap((input) =>
          [0, 1].map(async () => {
            await new Promise((resolve) => setTimeout(resolve, random() * 3_000));
            await pick(engines)
              .charges.create(input)
              .catch(() => {});
          }),
        ),
      );
      engine.sandbox.clearFaults();
      passing.abort();
      await Promise.all(passes);
      for (const input of inputs) {
        const [row] = await sql<{ id: string }>("select id from charges where idempotency_key = $1", input.idempotencyKey);
        const charge = await reread(engine, row as Charge);
        const ended = async (): Promise<Charge> => {
          await sql(
            "update attempts set next_look_at = now() - interval '1 s' where charge_id = $1 and next_look_at is not null",
            charge.id,
          );
          await sql(
            "update operations set next_action_at = now() - interval '1 s' where charge_id = $1 and next_action_at is not null",
            charge.id,
          );
          return turn(engine, charge);
        };
        const after = await eventually(
          ended,
          ({ status, attempts }) =>
            (status === "succeeded" || status === "failed") &&
            attempts.every(({ live, outcome, looks }) => live || outcome !== "unknown" || looks > 2) &&
            openHolds(charge) === 0,
        );
        expect(movements(charge).filter(([type]) => type === "capture").length, charge.id).toBe(after.status === "succeeded" ? 1 : 0);
        expect(
          movements(charge).filter(([type]) => type === "refund"),
          charge.id,
        ).toEqual([]);
      }
    } finally {
      await other.close();
    }
  },
  180_000,
);

function openHolds(charge: Charge): number {
  const count = (...types: string[]) => movements(charge).filter(([type]) => types.includes(type)).length;
  return count("authorize") - count("capture", "void");
}
