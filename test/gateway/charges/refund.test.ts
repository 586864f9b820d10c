import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Problem } from "../../../gateway/problems.ts";
import { chargeInput, reread } from "../../support/engine.ts";
import { PROVIDERS, RefundStage } from "./refund-stage.ts";

let stage: RefundStage;
beforeAll(async () => {
  stage = await RefundStage.open();
});
beforeEach(() => stage.reset());
afterAll(() => stage.engine.close());

describe.each(PROVIDERS)("a refund at %s", (provider) => {
  it("gives a part back, then what is left, and nothing more", async () => {
    const charge = await stage.paid(provider);
    const part = await stage.refund(charge, { amount: 1_234n, reason: "returned", metadata: { ticket: "7" } });
    expect(part).toMatchObject({
      state: "succeeded",
      amount: 1_234n,
      provider,
      chargeId: charge.id,
      reason: "returned",
      metadata: { ticket: "7" },
      failure: null,
      livemode: false,
    });
    expect(part.providerReference).not.toBeNull();
    expect(await stage.read(part)).toMatchObject({ state: "succeeded", providerReference: part.providerReference, leaseUntil: null });
    expect(await stage.amounts(charge)).toEqual({ refunded: 1_234n, reserved: 1_234n });
    const rest = await stage.refund(charge, { amount: null });
    expect(rest).toMatchObject({ state: "succeeded", amount: 8_766n });
    await expect(stage.refund(charge, { amount: null })).rejects.toMatchObject({ code: "refund_exceeds_captured" });
    await expect(stage.refund(charge, { amount: 1n })).rejects.toMatchObject({ code: "refund_exceeds_captured" });
    expect(stage.movedBack(charge)).toEqual([1_234n, 8_766n]);
    expect(await stage.events(charge)).toEqual(["refund.created", "refund.succeeded", "refund.created", "refund.succeeded"]);
  });

  it("that the provider refuses has failed, and gives what it reserved free again", async () => {
    const charge = await stage.paid(provider);
    // Somebody refunded it at the provider's dashboard, which we do not know of.
    await stage.refund(charge, { amount: 10_000n });
    await stage.sql("update operations set amount = 1 where charge_id = $1", charge.id);
    await stage.sql("update charges set amount_refunded = 0, amount_reserved = 0 where id = $1", charge.id);
    const refused = await stage.refund(charge);
    expect(refused).toMatchObject({ state: "failed", failure: { code: "refund_failed" }, providerReference: null });
    expect(refused.failure?.provider_code).toMatch(/refunded/i);
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });
    expect(stage.movedBack(charge)).toEqual([10_000n]);
    expect((await stage.events(charge)).slice(2)).toEqual(["refund.created", "refund.failed"]);
  });

  it("of which fifty arrive at once, over two instances: exactly as many succeed as the charge has money for", async () => {
    const charge = await stage.paid(provider);
    const other = await stage.engine.another();
    try {
      const answers = await Promise.allSettled(
        Array.from({ length: 50 }, (_, i) => (i % 2 ? other : stage.engine).charges.refund(stage.input(charge))),
      );
      const done = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.refund.state] : []));
      const refused = answers.flatMap((answer) => (answer.status === "rejected" ? [(answer.reason as Problem).code] : []));
      expect(done).toEqual(Array.from({ length: 10 }, () => "succeeded"));
      expect(refused).toEqual(Array.from({ length: 40 }, () => "refund_exceeds_captured"));
      expect(stage.movedBack(charge)).toEqual(Array.from({ length: 10 }, () => 1_000n));
      expect(await stage.amounts(charge)).toEqual({ refunded: 10_000n, reserved: 10_000n });
    } finally {
      await other.close();
    }
  });
});

describe("the key of a refund", () => {
  it("gives the same refund again, as it is now", async () => {
    const charge = await stage.paid("stripe");
    const input = stage.input(charge);
    const first = await stage.engine.charges.refund(input);
    const again = await stage.engine.charges.refund(input);
    expect(first.replayed).toBe(false);
    expect(again).toMatchObject({ replayed: true, refund: { id: first.refund.id, state: "succeeded" } });
    expect(stage.movedBack(charge)).toEqual([1_000n]);
  });

  it("is refused for another request, also a charge's, and a charge's key for a refund", async () => {
    const charge = await stage.paid("stripe");
    const input = stage.input(charge);
    await stage.engine.charges.refund(input);
    const reused = { code: "idempotency_key_reused", chargeId: charge.id };
    await expect(stage.engine.charges.refund({ ...input, fingerprint: Buffer.alloc(32, 8) })).rejects.toMatchObject(reused);
    // Even with the very same fingerprint, which the path keeps apart.
    const { idempotencyKey, fingerprint } = input;
    await expect(stage.engine.charges.create(chargeInput({ idempotencyKey, fingerprint }))).rejects.toMatchObject(reused);
    const command = { accountId: "acct_default", actor: "key:test", chargeId: charge.id, idempotencyKey, fingerprint };
    await expect(stage.engine.charges.cancel(command)).rejects.toMatchObject(reused);
    const { fingerprint: ofCharge, idempotencyKey: keyOfCharge } = chargeInput({ idempotencyKey: charge.idempotencyKey });
    const stolen = stage.input(charge, { idempotencyKey: keyOfCharge, fingerprint: ofCharge });
    await expect(stage.engine.charges.refund(stolen)).rejects.toMatchObject(reused);
    expect(stage.movedBack(charge)).toEqual([1_000n]);
  });

  it("sent twenty times at once over two instances gives one refund, and every answer is about it", async () => {
    const charge = await stage.paid("paypal");
    const other = await stage.engine.another();
    try {
      const input = stage.input(charge);
      const answers = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => (i % 2 ? other : stage.engine).charges.refund(input)));
      const ids = new Set(answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.refund.id] : [])));
      const problems = new Set(answers.flatMap((answer) => (answer.status === "rejected" ? [(answer.reason as Problem).code] : [])));
      expect(ids.size).toBe(1);
      expect([...problems].filter((code) => code !== "idempotency_key_in_use")).toEqual([]);
      expect(stage.movedBack(charge)).toEqual([1_000n]);
      expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 1_000n });
    } finally {
      await other.close();
    }
  });

  it("is in use while its refund runs on another instance, and under a crashed one's lease", async () => {
    const charge = await stage.paid("stripe");
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    stage.between.refund = async (real, ...args) => {
      reached.resolve();
      await opened.promise;
      return real(...args);
    };
    const other = await stage.engine.another();
    try {
      const input = stage.input(charge);
      const running = stage.engine.charges.refund(input);
      await reached.promise;
      const inUse = { code: "idempotency_key_in_use", retryAfterS: 1 };
      await expect(other.charges.refund(input)).rejects.toMatchObject(inUse);
      await expect(stage.engine.charges.refund(input)).rejects.toMatchObject(inUse);
      opened.resolve();
      expect((await running).refund.state).toBe("succeeded");
    } finally {
      await other.close();
    }
  });
});

describe("a refund is refused", () => {
  it("while a dispute about the charge is open", async () => {
    const charge = await stage.paid("stripe");
    await stage.sql("update charges set disputed = true where id = $1", charge.id);
    await expect(stage.refund(charge)).rejects.toMatchObject({ code: "charge_disputed" });
    await stage.sql("update charges set disputed = false where id = $1", charge.id);
    expect((await stage.refund(charge)).state).toBe("succeeded");
  });

  it("of a charge that holds no money, or that another account has, or nobody", async () => {
    const { charge } = await stage.engine.charges.create(
      chargeInput({ tokens: { stripe: { payment_method: "pm_card_visa_chargeDeclined" } } }),
    );
    expect(charge.status).toBe("failed");
    await expect(stage.refund(charge)).rejects.toMatchObject({ code: "charge_not_refundable" });
    const paid = await stage.paid("stripe");
    await expect(stage.refund(paid, { accountId: "acct_other" })).rejects.toMatchObject({ code: "not_found" });
    await expect(stage.refund({ id: "ch_none" })).rejects.toMatchObject({ code: "not_found" });
    expect(stage.movedBack(paid)).toEqual([]);
  });

  it("and leaves nothing behind: neither its key nor a reserve", async () => {
    const charge = await stage.paid("stripe");
    const input = stage.input(charge, { amount: 10_001n });
    await expect(stage.engine.charges.refund(input)).rejects.toBeInstanceOf(Problem);
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });
    expect((await stage.engine.charges.refund({ ...input, amount: 10_000n })).refund.state).toBe("succeeded");
  });
});

it("goes back at the provider that took the money, also while another one is preferred", async () => {
  const charge = await stage.paid("paypal");
  await stage.override("paypal", "drain");
  const refund = await stage.refund(charge);
  expect(refund).toMatchObject({ state: "succeeded", provider: "paypal" });
  expect(await reread(stage.engine, charge)).toMatchObject({ status: "succeeded", provider: "paypal", amountRefunded: 1_000n });
});
