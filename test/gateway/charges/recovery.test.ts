import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, type Engine, eventually, movedAt, reread, startEngine } from "../../support/engine.ts";

/** What the adapters of an instance do at a step: `die` never returns, like a process that was killed there. */
let dieAt: "nowhere" | "before_prepare" | "after_prepare" | "before_commit" | "after_commit" = "nowhere";
const resurrect: (() => void)[] = [];

const die = (): Promise<void> =>
  new Promise((resolve) => {
    resurrect.push(resolve);
  });

function mortal(provider: Provider): Provider {
  return new Proxy(provider, {
    get(target, name) {
      if (name === "prepare") {
        return async (...args: Parameters<Provider["prepare"]>) => {
          if (dieAt === "before_prepare") await die();
          const prepared = await target.prepare(...args);
          if (dieAt === "after_prepare") await die();
          return prepared;
        };
      }
      if (name === "commit") {
        return async (...args: Parameters<Provider["commit"]>) => {
          if (dieAt === "before_commit" && !args[3].replay) await die();
          const committed = await target.commit(...args);
          if (dieAt === "after_commit" && !args[3].replay) await die();
          return committed;
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

let engine: Engine;
let healthy: Engine;
beforeAll(async () => {
  engine = await startEngine({ wrap: mortal, providerTimeoutMs: 700, chargeBudgetMs: 4_000 });
  healthy = await engine.another();
});
afterEach(() => {
  dieAt = "nowhere";
  for (const wake of resurrect.splice(0)) wake();
  engine.sandbox.clearFaults();
});
afterAll(async () => {
  await healthy.close();
  await engine.close();
});

/** As if the lease's time had passed. */
async function endLease(chargeId: string): Promise<void> {
  await engine.db.query({
    name: "test_end_lease",
    text: "update charges set lease_until = now() - interval '1 s', next_action_at = now() - interval '1 s' where id = $1",
    values: [chargeId],
  });
}

async function onlyCharge(key: string): Promise<Charge> {
  const rows = await engine.db.query<{ charge_id: string }>({
    name: "test_by_key",
    text: "select charge_id from idempotency_keys where key = $1",
    values: [key],
  });
  return reread(engine, { id: rows[0]?.charge_id } as Charge);
}

describe.each(["stripe", "paypal"] as const)("a crash with %s alone", (provider) => {
  const tokens = provider === "stripe" ? { stripe: { payment_method: "pm_card_visa" } } : { paypal: { vault_id: "vault-1" } };

  it.each(["before_prepare", "after_prepare", "before_commit", "after_commit"] as const)(
    "%s: a worker finishes the charge, once, and the waking zombie changes nothing",
    async (moment) => {
      dieAt = moment;
      const input = chargeInput({ tokens });
      const zombie = engine.charges.create(input).catch((error: unknown) => error);
      const stuck = await eventually(
        () => onlyCharge(input.idempotencyKey).catch(() => null),
        (charge) => charge !== null && resurrect.length > 0,
      );
      expect(stuck).toMatchObject({ status: "processing" });
      dieAt = "nowhere";
      await endLease((stuck as Charge).id);
      const settled = await eventually(
        async () => {
          await healthy.worker.pass();
          await healthy.worker.idle();
          return reread(healthy, stuck as Charge);
        },
        (charge) => charge.status === "succeeded",
      );
      for (const wake of resurrect.splice(0)) wake();
      await zombie;
      expect(await reread(engine, settled)).toEqual(settled);
      expect(movedAt(engine.sandbox, settled.id)).toEqual({ [provider]: 4200n });
      expect(settled.attempts.filter((attempt) => attempt.live)).toHaveLength(1);
    },
  );
});

it("answers the same key with the charge as it is, and refuses another body", async () => {
  const input = chargeInput();
  const first = await engine.charges.create(input);
  const second = await healthy.charges.create(input);
  expect(second).toEqual({ charge: first.charge, replayed: true });
  await expect(healthy.charges.create({ ...input, fingerprint: Buffer.alloc(32, 9) })).rejects.toMatchObject({
    code: "idempotency_key_reused",
  });
  expect(movedAt(engine.sandbox, first.charge.id)).toEqual({ [first.charge.provider as string]: 4200n });
});

it("moves money once for fifty requests with one key over two instances without Redis", async () => {
  const input = chargeInput();
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const at = i % 2 === 0 ? engine : healthy;
      for (;;) {
        try {
          return (await at.charges.create(input)).charge;
        } catch (error) {
          if ((error as { code?: string }).code !== "idempotency_key_in_use") throw error;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    }),
  );
  expect(new Set(answers.map((charge) => charge.id)).size).toBe(1);
  const charge = answers[0] as Charge;
  expect(movedAt(engine.sandbox, charge.id)).toEqual({ [charge.provider as string]: 4200n });
});

it("keeps a second unfinished charge with the same reference out, also at the same moment", async () => {
  // The first one stays unfinished until all the others were answered.
  dieAt = "before_prepare";
  const reference = `invoice-${Date.now()}`;
  const asked = Array.from({ length: 8 }, () => engine.charges.create(chargeInput({ reference })));
  let refused = 0;
  for (const one of asked) one.catch(() => (refused += 1));
  await eventually(
    () => refused + resurrect.length,
    (known) => known === 8,
  );
  dieAt = "nowhere";
  for (const wake of resurrect.splice(0)) wake();
  const results = await Promise.allSettled(asked);
  const won = results.filter((result) => result.status === "fulfilled");
  expect(won).toHaveLength(1);
  for (const result of results) {
    if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "reference_in_use" });
  }
  const again = await engine.charges.create(chargeInput({ reference }));
  expect(again.charge.status).toBe("succeeded");
});

it("never writes with a lease that was taken over", async () => {
  dieAt = "after_commit";
  const input = chargeInput({ tokens: { stripe: { payment_method: "pm_card_visa" } } });
  const zombie = engine.charges.create(input);
  const refused = expect(zombie).rejects.toMatchObject({ code: "outcome_unknown_retry_same_key" });
  const stuck = await eventually(
    () => onlyCharge(input.idempotencyKey).catch(() => null),
    (charge) => charge !== null && resurrect.length > 0,
  );
  await engine.db.query({
    name: "test_take_over",
    text: "update charges set lease_no = lease_no + 1, lease_until = now() + interval '1 h', next_action_at = now() + interval '1 h' where id = $1",
    values: [(stuck as Charge).id],
  });
  const before = await reread(engine, stuck as Charge);
  for (const wake of resurrect.splice(0)) wake();
  await refused;
  expect(await reread(engine, before)).toEqual(before);
});
