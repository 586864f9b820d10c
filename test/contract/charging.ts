import { expect, test } from "vitest";
import { money, pause, SETTLE_MS, type World } from "./contract-world.ts";

export function chargingTests(world: World): void {
  const { amounts, declines, impossible, tokens } = world.fixture;

  test.each(amounts)("$amount $currency is taken exactly, once, and only by the commit", async (amount) => {
    const request = world.request({ money: amount });
    const object = await world.prepared(request);
    expect(world.sandbox.ledger()).toEqual([]);
    const outcome = await world.commit(request, object);
    expect(outcome).toMatchObject({ kind: "approved", amount: amount.amount, captured: true });
    expect(world.sandbox.ledger()).toMatchObject([
      { ...amount, type: "capture", chargeId: request.chargeId, attemptId: request.attemptId },
    ]);
    expect((await world.provider.lookup({ request, object, replayPrepare: false }, world.call())).finding).toEqual(outcome);
  });

  test.each(impossible)("$amount $currency cannot be taken here: refused by prepare, and no fault", async (amount) => {
    const outcome = await world.provider.prepare(world.request({ money: amount }), world.call());
    expect(outcome).toMatchObject({ kind: "not_sent", cause: "rejected", fault: false });
  });

  test("a manual capture only authorizes, and capture takes the money", async () => {
    const request = world.request({ capture: "manual" });
    const paid = await world.paid(request);
    expect(paid.approved).toMatchObject({ captured: false, amount: 4200n });
    expect(world.moved(request)).toEqual([]);
    const operation = world.operation(paid, { money: money(4000) });
    const first = await world.provider.capture(operation, world.call());
    expect(first).toMatchObject({ kind: "approved", captured: true, amount: 4000n });
    expect(await world.provider.capture(operation, world.call(), { replay: true })).toEqual(first);
    expect(world.moved(request)).toEqual([4000n]);
  });

  test("the same commit twice moves money once, one after the other", async () => {
    const { request, object, approved } = await world.paid();
    expect(await world.commit(request, object, { replay: true })).toEqual(approved);
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("the same commit twice moves money once, at the same time, and neither says that it did not", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind: "slow", operation: "commit", delayMs: 50 });
    const outcomes = await Promise.all([world.commit(request, object), world.commit(request, object, { replay: true })]);
    const kinds = outcomes.map(({ kind }) => kind);
    expect(kinds).toContain("approved");
    for (const kind of kinds) expect(["approved", "unknown"]).toContain(kind);
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("the same prepare twice is one object", async () => {
    const request = world.request();
    expect(await world.prepared(request)).toBe(await world.prepared(request));
  });

  test.skipIf(tokens.pending === null)("what the provider keeps waiting is pending, then found paid", async () => {
    const request = world.request({ token: tokens.pending });
    const object = await world.prepared(request);
    expect(await world.commit(request, object)).toMatchObject({ kind: "pending" });
    expect(world.moved(request)).toEqual([]);
    await pause(SETTLE_MS + 50);
    const look = () => world.provider.lookup({ request, object, replayPrepare: false }, world.call());
    await look();
    expect((await look()).finding).toMatchObject({ kind: "approved", amount: 4200n });
    expect(world.moved(request)).toEqual([4200n]);
  });

  test.skipIf(tokens.requiresAction === null)("what the customer must confirm requires action, and moves nothing", async () => {
    const request = world.request({ token: tokens.requiresAction });
    const object = await world.prepared(request);
    expect(await world.commit(request, object)).toMatchObject({ kind: "requires_action" });
    expect(world.moved(request)).toEqual([]);
  });

  test.each(declines)(
    "$code is declined: $reason, $advice",
    async ({ token, reason, source, advice, retryAfterS = null, networkCode = null }) => {
      const request = world.request({ token });
      const object = await world.prepared(request);
      const outcome = await world.commit(request, object);
      expect(outcome).toMatchObject({ kind: "declined", reason, source, advice, retryAfterS, networkCode });
      expect(await world.commit(request, object, { replay: true })).toEqual(outcome);
      expect(world.sandbox.ledger()).toEqual([]);
    },
  );

  test("a decline that nobody taught us is declined, and goes nowhere else", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind: "decline", operation: "commit", code: world.fixture.psp === "paypal" ? "processor_Z999" : "brand_new_code" });
    expect(await world.commit(request, object)).toMatchObject({ kind: "declined", reason: "generic_decline", advice: "never" });
    expect(world.moved(request)).toEqual([]);
  });
}
