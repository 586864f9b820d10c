import { expect, test } from "vitest";
import type { ContractWorld } from "./contract-world.ts";

export function chargingTests(world: ContractWorld): void {
  const { amounts, declines, impossible, novelDecline, tokens } = world.fixture;

  test.each(amounts)("$amount $currency is taken exactly, once, and only by the commit", async (amount) => {
    const request = world.request({ money: amount });
    const object = await world.prepared(request);
    expect(world.ledger()).toEqual([]);
    const outcome = await world.commit(request, object);
    expect(outcome).toMatchObject({ kind: "approved", amount: amount.amount, captured: true });
    expect(world.ledger()).toMatchObject([{ ...amount, type: "capture", chargeId: request.chargeId, attemptId: request.attemptId }]);
    expect(world.requests().filter(({ operation }) => operation === "commit")).toHaveLength(1);
    expect((await world.look(request, object)).finding).toEqual(outcome);
  });

  test.each(impossible)("$amount $currency cannot be taken here: refused by prepare, and no fault", async (amount) => {
    const outcome = await world.provider.prepare(world.request({ money: amount }), world.call());
    expect(outcome).toMatchObject({ kind: "not_sent", cause: "rejected", fault: false });
  });

  test("the same commit twice moves money once, one after the other", async () => {
    const { request, object, approved } = await world.paid();
    expect(await world.commit(request, object, { replay: true })).toEqual(approved);
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("the same commit twice moves money once, at the same time, and neither says that it did not", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind: "slow", operation: "commit", delayMs: world.times.slow });
    const outcomes = await Promise.all([world.commit(request, object), world.commit(request, object, { replay: true })]);
    const kinds = outcomes.map(({ kind }) => kind);
    expect(kinds).toContain("approved");
    for (const outcome of outcomes.filter(({ kind }) => kind !== "approved"))
      expect(outcome).toMatchObject({ kind: "unknown", cause: "in_progress" });
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("the same prepare twice is one object", async () => {
    const request = world.request();
    expect(await world.prepared(request)).toBe(await world.prepared(request));
  });

  test("what the provider keeps waiting is pending, then found paid", async () => {
    const request = world.request({ token: tokens.pending });
    const object = await world.prepared(request);
    expect(await world.commit(request, object)).toMatchObject({ kind: "pending" });
    expect(world.moved(request)).toEqual([]);
    expect((await world.look(request, object)).finding).toMatchObject({ kind: "pending" });
    await world.passTime(world.times.settle);
    await world.look(request, object);
    expect((await world.look(request, object)).finding).toMatchObject({ kind: "approved", amount: 4200n });
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("what the customer must confirm requires action, and moves nothing", async () => {
    const request = world.request({ token: tokens.requiresAction });
    const object = await world.prepared(request);
    expect(await world.commit(request, object)).toMatchObject({ kind: "requires_action" });
    expect(world.moved(request)).toEqual([]);
  });

  test.each(declines)(
    "$code is declined: $reason, $advice",
    async ({ token, reason, source, advice, found, retryAfterS = null, networkCode = null }) => {
      const request = world.request({ token });
      const object = await world.prepared(request);
      const outcome = await world.commit(request, object);
      expect(outcome).toMatchObject({ kind: "declined", reason, source, advice, retryAfterS, networkCode });
      expect((await world.look(request, object)).finding.kind).toBe(found);
      expect(await world.commit(request, object, { replay: true })).toEqual(outcome);
      expect(world.ledger()).toEqual([]);
    },
  );

  if (novelDecline)
    test("a decline that nobody taught us is declined, and goes nowhere else", async () => {
      const request = world.request();
      const object = await world.prepared(request);
      world.fault({ kind: "decline", operation: "commit", code: novelDecline! });
      expect(await world.commit(request, object)).toMatchObject({ kind: "declined", reason: "generic_decline", advice: "never" });
      expect(world.moved(request)).toEqual([]);
    });
}
