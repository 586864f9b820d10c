import { describe, expect, test } from "vitest";
import { type ContractWorld, money } from "./contract-world.ts";
import { STRIKES } from "./faults.ts";

export function refundTests(world: ContractWorld): void {
  test("a refund under the same key moves money once", async () => {
    const paid = await world.paid();
    const refund = world.operation(paid);
    const first = await world.provider.refund(refund, world.call());
    expect(first).toMatchObject({ kind: "approved", amount: 4200n });
    expect(await world.provider.refund(refund, world.call(), { replay: true })).toEqual(first);
    expect(world.moved(paid.request, "refund")).toEqual([4200n]);
  });

  test("partial refunds under their own keys add up", async () => {
    const paid = await world.paid();
    for (const [key, amount] of [
      ["a", 1200n],
      ["b", 3000n],
    ] as const) {
      const refund = world.operation(paid, { key: `${paid.request.attemptId}:${key}`, money: money(amount) });
      expect(await world.provider.refund(refund, world.call())).toMatchObject({ kind: "approved", amount });
    }
    expect(world.moved(paid.request, "refund")).toEqual([1200n, 3000n]);
  });

  test("more than was captured is declined, and moves nothing", async () => {
    const paid = await world.paid();
    const refund = world.operation(paid, { money: money(4201) });
    expect(await world.provider.refund(refund, world.call())).toMatchObject({ kind: "declined", reason: "refund_failed" });
    expect(world.moved(paid.request, "refund")).toEqual([]);
  });

  describe.each(STRIKES)("a refund that met $kind", ({ kind, expected, moved, hangs }) => {
    test("is in doubt, its replay refunds at most once, and a look tells the truth", async () => {
      const paid = await world.paid();
      const refund = world.operation(paid);
      const refunded = () => world.moved(paid.request, "refund");
      world.fault({ kind, operation: "refund", count: 1 });
      expect(await world.provider.refund(refund, world.call(hangs ? world.times.short : undefined))).toMatchObject(expected);
      await world.calm();
      expect(refunded()).toEqual(moved ? [4200n] : []);
      const replayed = await world.provider.refund(refund, world.call(), { replay: true });
      expect(["approved", "unknown"]).toContain(replayed.kind); // Stripe replays a stored 500 for as long as it keeps the key
      if (replayed.kind === "approved") expect(refunded()).toEqual([4200n]);
      expect(refunded().length).toBeLessThanOrEqual(1);
      if (!world.provider.lookupRefund) return;
      const found = await world.provider.lookupRefund(refund, null, world.call());
      expect(found.kind).toBe(refunded().length === 1 ? "approved" : "unknown");
    });
  });

  test("a refund that is too slow is unknown, and rightly so: it moves later, once", async () => {
    const paid = await world.paid();
    const refund = world.operation(paid);
    world.fault({ kind: "slow", operation: "refund", delayMs: world.times.slow, count: 1 });
    expect(await world.provider.refund(refund, world.call(world.times.short))).toMatchObject({ kind: "unknown", cause: "timeout" });
    expect(world.moved(paid.request, "refund")).toEqual([]);
    await world.pause(world.times.slow + world.times.short);
    expect(await world.provider.refund(refund, world.call(), { replay: true })).toMatchObject({ kind: "approved", amount: 4200n });
    expect(world.moved(paid.request, "refund")).toEqual([4200n]);
  });

  test("429 is a refusal before execution; on a replay that is unknown", async () => {
    const paid = await world.paid();
    const refund = world.operation(paid);
    world.fault({ kind: "429", operation: "refund" });
    expect(await world.provider.refund(refund, world.call())).toMatchObject({ kind: "not_sent", cause: "rate_limited", fault: true });
    expect(await world.provider.refund(refund, world.call(), { replay: true })).toMatchObject({ kind: "unknown" });
    expect(world.moved(paid.request, "refund")).toEqual([]);
  });

  const { disputed } = world.fixture.tokens;
  if (disputed !== undefined)
    test("what is disputed is not refunded: declined", async () => {
      const paid = await world.paid(world.request({ token: disputed }));
      const outcome = await world.provider.refund(world.operation(paid), world.call());
      expect(outcome).toMatchObject({ kind: "declined", reason: "refund_failed" });
      expect(world.moved(paid.request, "refund")).toEqual([]);
    });

  test("a refund is found by its id and by its key, and another one is not", async () => {
    const { provider } = world;
    if (!provider.lookupRefund) return;
    const paid = await world.paid();
    const [mine, other] = ["a", "b"].map((key) =>
      world.operation(paid, { key: `${paid.request.attemptId}:${key}`, money: money(key === "a" ? 1200 : 3000) }),
    );
    const first = await provider.refund(mine!, world.call());
    if (first.kind !== "approved") throw new Error(`not refunded: ${first.kind}`);
    expect(await provider.lookupRefund(other!, null, world.call())).toMatchObject({ kind: "unknown" });
    await provider.refund(other!, world.call());
    expect(await provider.lookupRefund(mine!, first.reference, world.call())).toEqual(first);
    expect(await provider.lookupRefund(mine!, null, world.call())).toEqual(first);
    expect(await provider.lookupRefund(mine!, `${first.reference}x`, world.call())).toMatchObject({ kind: "unknown" });
  });

  test("what went back already is declined; on a replay that says nothing of the first send", async () => {
    const paid = await world.paid();
    await world.provider.refund(world.operation(paid), world.call());
    const second = world.operation(paid, { key: `${paid.request.attemptId}:second` });
    const outcome = await world.provider.refund(second, world.call());
    expect(outcome).toMatchObject({ kind: "declined", reason: "refund_failed", source: "provider", advice: "never" });
    expect(await world.provider.refund(second, world.call(), { replay: true })).toMatchObject({ kind: "unknown" });
    expect(world.moved(paid.request, "refund")).toEqual([4200n]);
  });

  test("a refused refund is not sent; on a replay that is unknown", async () => {
    const paid = await world.paid();
    const refund = world.operation(paid);
    world.fault({ kind: "refuse" });
    await world.pause(50); // until the cut of the idle sockets is seen: a request on one of them would be ambiguous
    expect(await world.provider.refund(refund, world.call())).toMatchObject({ kind: "not_sent", fault: true });
    expect(await world.provider.refund(refund, world.call(), { replay: true })).toMatchObject({ kind: "unknown" });
    await world.calm();
    await world.pause(50);
    expect(world.moved(paid.request, "refund")).toEqual([]);
  });
}
