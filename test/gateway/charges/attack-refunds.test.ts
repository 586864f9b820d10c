import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createChargeService } from "../../../gateway/charges/charge-service.ts";
import { keyClaims } from "../../../gateway/idempotency/key-claims.ts";
import type { Database } from "../../../gateway/store/database.ts";
import { RefundStage } from "./refund-stage.ts";

let stage: RefundStage;
beforeAll(async () => {
  stage = await RefundStage.open({ providerTimeoutMs: 400, chargeBudgetMs: 2_900 });
});
beforeEach(() => stage.reset());
afterAll(() => stage.engine.close());

/** Another instance's service, whose statement of this name waits until `before` has ended. */
function delayed(statement: string, before: () => Promise<unknown>): ReturnType<typeof createChargeService> {
  const { engine } = stage;
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
  it.each(["read_charge", "accept_refund"])(
    "gives the one refund to both, when the other one ends before this one's %s",
    async (statement) => {
      const charge = await stage.paid("stripe");
      const input = stage.input(charge, { amount: null });
      let first: Promise<unknown> | null = null;
      const late = delayed(statement, () => (first ??= stage.engine.charges.refund(input)));
      expect(await late.refund(input)).toMatchObject({ replayed: true, refund: { state: "succeeded", amount: 10_000n } });
      expect(stage.movedBack(charge)).toEqual([10_000n]);
    },
  );
});
