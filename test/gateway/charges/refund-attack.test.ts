import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { MAX_SKEW_MS } from "../../../gateway/charges/lease.ts";
import type { FaultKind } from "../../../providers/sandbox/fault.ts";
import { both, chargeInput, type Engine, eventually, reread } from "../../support/engine.ts";
import { seeded } from "../../support/manual-clock.ts";
import { hintRefund } from "../../support/refund-hint.ts";
import { PROVIDERS, RefundStage } from "./refund-stage.ts";

/** How could a refund go out twice, or more go back than was taken? */
let stage: RefundStage;
let other: Engine;
beforeAll(async () => {
  stage = await RefundStage.open({ providerTimeoutMs: 400, chargeBudgetMs: 2_900 });
  other = await stage.engine.another();
});
beforeEach(() => stage.reset());
afterAll(async () => {
  await other.close();
  await stage.engine.close();
});

/** Books, rows and charge say the same. */
async function agreed(charge: Charge): Promise<void> {
  const rows = await stage.sql<{ id: string; state: string; amount: bigint; reference: string }>(
    "select id, state, amount, provider_reference as reference from operations where charge_id = $1 and kind = 'refund' order by id",
    charge.id,
  );
  const succeeded = rows.filter(({ state }) => state === "succeeded");
  expect(rows.filter(({ state }) => state !== "succeeded" && state !== "failed")).toEqual([]);
  expect(new Set(succeeded.map(({ reference }) => reference)).size).toBe(succeeded.length);
  const total = succeeded.reduce((sum, { amount }) => sum + amount, 0n);
  expect(stage.movedBack(charge).toSorted()).toEqual(succeeded.map(({ amount }) => amount).toSorted());
  expect(await stage.amounts(charge)).toEqual({ refunded: total, reserved: total });
  expect(total).toBeLessThanOrEqual(charge.amountCaptured);
}

describe.each(PROVIDERS)("a storm at %s", (provider) => {
  it.each([1, 2, 3])(
    "of refunds, faults, repeated keys and two instances gives each refund once, and never more than was taken (%i)",
    async (seed) => {
      const random = seeded(seed);
      const charge = await stage.paid(provider);
      const kinds: FaultKind[] = ["hang_after", "reset_after", "500_after", "hang_before", "reset_before", "429", "503_html", "slow"];
      for (const kind of kinds) {
        const operation = random() < 0.7 ? ("refund" as const) : ("lookup" as const);
        stage.engine.sandbox.setFault(provider, { kind, operation, probability: 0.15, delayMs: 700 });
      }
      const engines = [stage.engine, other];
      const inputs = Array.from({ length: 16 }, () => stage.input(charge, { amount: BigInt(1 + Math.floor(random() * 2_500)) }));
      const passing = new AbortController();
      const passes = engines.map(async ({ worker }) => {
        while (!passing.signal.aborted) {
          await stage.sql(
            "update operations set next_action_at = now() where charge_id = $1 and lease_until is null and next_action_at is not null",
            charge.id,
          );
          await worker.pass();
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      });
      // Each key three times, at about the same moment, wherever.
      const asked = inputs.flatMap((input) =>
        [0, 1, 2].map(() => ({ input, engine: engines[Math.floor(random() * 2)]!, afterMs: random() * 600 })),
      );
      await Promise.allSettled(
        asked.map(async ({ input, engine, afterMs }) => {
          await new Promise((resolve) => setTimeout(resolve, afterMs));
          return engine.charges.refund(input);
        }),
      );
      stage.engine.sandbox.clearFaults();
      // A 500 is stored also behind a refund that was carried out: that one a look finds.
      await eventually(
        () => stage.sql<Row>("select id, state, detail from operations where charge_id = $1 and kind = 'refund'", charge.id),
        (rows) => {
          const open = rows.filter(({ state }) => state !== "succeeded" && state !== "failed");
          const done = rows.filter(({ state }) => state === "succeeded").length;
          return (open.length === 0 || everyStoredAs500(provider, open)) && done === stage.movedBack(charge).length;
        },
      );
      passing.abort();
      await Promise.all(passes);
      await Promise.all(engines.map(({ worker }) => worker.idle()));
      // Behind a stored 500 a refund waits for a person: reserved, and never sent under another key. (Its last look may say something else.)
      await stage.sql(
        `with given_up as (update operations set state = 'failed', next_action_at = null
          where charge_id = $1 and state = 'in_doubt' returning amount)
        update charges set amount_reserved = amount_reserved - coalesce((select sum(amount) from given_up), 0) where id = $1`,
        charge.id,
      );
      await agreed(charge);
    },
  );
});

/** Stripe keeps a 500 under its key; what was not executed behind it shows nowhere. */
function everyStoredAs500(provider: string, open: readonly Row[]): boolean {
  return provider === "stripe" && open.every(({ detail }) => detail?.includes("500"));
}

interface Row {
  readonly id: string;
  readonly state: string;
  readonly detail: string | null;
}

describe("a sender that slept", () => {
  it("past its lease sends nothing, and writes nothing over what the next one found", async () => {
    const charge = await stage.paid("stripe");
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    let first = true;
    stage.between.refund = async (real, ...args) => {
      if (first) {
        first = false;
        reached.resolve();
        await opened.promise;
      }
      return real(...args);
    };
    const asleep = stage.engine.charges.refund(stage.input(charge));
    await reached.promise;
    const [row] = await stage.sql<{ id: `re_${string}`; provider_key: string; lease_until: Date }>(
      "select id, provider_key, lease_until from operations where charge_id = $1",
      charge.id,
    );
    await stage.turnsUntil(row!, "succeeded");
    // Its own clocks say when it has slept too long.
    const held = row!.lease_until.getTime() - MAX_SKEW_MS;
    await new Promise((resolve) => setTimeout(resolve, held + 100 - Date.now()));
    opened.resolve();
    expect((await asleep).refund).toMatchObject({ id: row!.id, state: "succeeded" });
    expect(stage.sent({ providerKey: row!.provider_key })).toBe(1);
    await agreed(charge);
  });
});

describe("money that was given free", () => {
  it("by a failed refund can go back once, however often the old one is hinted at", async () => {
    const charge = await stage.paid("stripe", "pm_card_refundFail");
    const failed = await stage.refund(charge, { amount: 10_000n });
    await stage.turnsUntil(failed, "failed");
    const again = await stage.refund(charge, { amount: 10_000n });
    for (const { providerReference, providerKey } of [failed, again, failed]) {
      await hintRefund(stage.engine.db, { provider: "stripe", refund: providerReference!, key: providerKey, now: new Date() });
      await stage.pass();
    }
    expect(await stage.read(failed)).toMatchObject({ state: "failed" });
    await expect(stage.refund(charge, { amount: 1n })).rejects.toMatchObject({ code: "refund_exceeds_captured" });
    await stage.turnsUntil(again, "failed");
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });
  });

  it("is only that of the refund that failed: the rest stays reserved", async () => {
    const charge = await stage.paid("stripe");
    await stage.refund(charge, { amount: 9_000n });
    await stage.override("stripe", "down");
    const waits = await stage.refund(charge, { amount: 1_000n });
    await expect(stage.refund(charge, { amount: 1n })).rejects.toMatchObject({ code: "refund_exceeds_captured" });
    await stage.override("stripe", "up");
    await stage.turnsUntil(waits, "succeeded");
    await agreed(charge);
  });
});

describe.each(PROVIDERS)("a hold at %s", (provider) => {
  it("of which a part was captured gives back no more than that part", async () => {
    const tokens = both();
    const { charge } = await stage.engine.charges.create(
      chargeInput({ tokens: { [provider]: tokens[provider] }, capture: "manual", idempotencyKey: `hold-${provider}` }),
    );
    expect(charge.status).toBe("authorized");
    await expect(stage.refund(charge, { amount: 1n })).rejects.toMatchObject({ code: "charge_not_refundable" });
    const command = { accountId: "acct_default", actor: "key:test", chargeId: charge.id, fingerprint: Buffer.alloc(32, 5) };
    await stage.engine.charges.capture({ ...command, idempotencyKey: `capture-${provider}`, amount: 3_000n });
    const captured = await eventually(
      async () => {
        await stage.pass();
        return reread(stage.engine, charge);
      },
      ({ status }) => status === "succeeded",
    );
    expect(captured.amountCaptured).toBe(3_000n);
    await expect(stage.refund(charge, { amount: 3_001n })).rejects.toMatchObject({ code: "refund_exceeds_captured" });
    expect(await stage.refund(charge, { amount: 1_000n })).toMatchObject({ state: "succeeded" });
    expect(await stage.refund(charge, { amount: null })).toMatchObject({ state: "succeeded", amount: 2_000n });
    await agreed(captured);
  });
});
