import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { FaultKind } from "../../../providers/sandbox/fault.ts";
import { both, chargeInput, type Engine, eventually, movedAt, preferring, reread, startEngine } from "../../support/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 700, chargeBudgetMs: 6_000 });
});
afterAll(() => engine.close());
afterEach(() => engine.sandbox.clearFaults());

describe.each(["stripe", "paypal"] as const)("with %s first", (first) => {
  const second = first === "stripe" ? "paypal" : "stripe";

  it("charges there when all is well", async () => {
    await preferring(engine, first, async (fresh) => {
      const { charge } = await fresh.charges.create(chargeInput());
      expect(charge).toMatchObject({ status: "succeeded", provider: first, amountCaptured: 4200n });
      expect(movedAt(engine.sandbox, charge.id)).toEqual({ [first]: 4200n });
      expect(await reread(fresh, charge)).toEqual(charge);
    });
  });

  it.each<FaultKind>(["refuse", "429", "reset_before", "reset_after", "hang_before", "500_before", "500_after", "503_html", "trickle"])(
    "tries the other provider at once after %s in prepare",
    async (kind) => {
      await preferring(engine, first, async (fresh) => {
        engine.sandbox.setFault(first, { kind, operation: "prepare" });
        const { charge } = await fresh.charges.create(chargeInput());
        expect(charge).toMatchObject({ status: "succeeded", provider: second });
        expect(charge.attempts.map((a) => [a.provider, a.outcome])).toEqual([
          [first, "not_sent"],
          [second, "approved"],
        ]);
        expect(movedAt(engine.sandbox, charge.id)).toEqual({ [second]: 4200n });
        expect(await reread(fresh, charge)).toEqual(charge);
      });
    },
  );

  it.each<FaultKind>(["reset_before", "reset_after", "hang_before", "hang_after", "500_before", "500_after", "503_html", "trickle"])(
    "moves the money exactly once after %s in commit, and elsewhere only with a fence",
    async (kind) => {
      await preferring(engine, first, async (fresh) => {
        engine.sandbox.setFault(first, { kind, operation: "commit", count: 1 });
        const answer = (await fresh.charges.create(chargeInput())).charge;
        const charge =
          answer.status === "succeeded"
            ? answer
            : await eventually(
                async () => {
                  await fresh.worker.pass();
                  await fresh.worker.idle();
                  return reread(fresh, answer);
                },
                (c) => c.status === "succeeded",
              );
        const moved = movedAt(engine.sandbox, charge.id);
        expect(moved).toEqual({ [charge.provider as string]: 4200n });
        const [attempt] = charge.attempts;
        if (charge.provider === second) expect(attempt).toMatchObject({ provider: first, outcome: "fenced", live: false });
        expect(await reread(fresh, charge)).toEqual(charge);
      });
    },
  );
});

describe("declines", () => {
  it.each([
    ["processing_error", true],
    ["insufficient_funds", false],
    ["lost_card", false],
    ["fraudulent", false],
    ["authentication_required", false],
  ])("after %s the other provider is asked: %s", async (code, asked) => {
    await preferring(engine, "stripe", async (fresh) => {
      const { charge } = await fresh.charges.create(chargeInput({ tokens: both(`pm_card_decline_${code}`) }));
      expect(charge.status).toBe(asked ? "succeeded" : "failed");
      expect(charge.attempts).toHaveLength(asked ? 2 : 1);
      expect(movedAt(engine.sandbox, charge.id)).toEqual(asked ? { paypal: 4200n } : {});
      if (!asked) expect(charge.failure).toMatchObject({ code: expect.any(String), advice: expect.any(String) });
    });
  });
});
