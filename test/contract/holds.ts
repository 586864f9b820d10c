import { describe, expect, test } from "vitest";
import type { OperationRequest } from "../../providers/contract/provider.ts";
import { type ContractWorld, money } from "./contract-world.ts";
import { STRIKES } from "./faults.ts";

/** Money that is held and then taken, or released. `Provider.cancel` of a hold releases it also where there is no other fence. */
export function holdTests(world: ContractWorld): void {
  captureTests(world);
  releaseTests(world);
}

function captureTests(world: ContractWorld): void {
  const capture = (operation: OperationRequest, options: { replay?: boolean; timeoutMs?: number } = {}) =>
    world.provider.capture(operation, world.call(options.timeoutMs), { replay: options.replay ?? false });

  test("a manual capture only authorizes, and capture takes the money", async () => {
    const paid = await world.held();
    expect(paid.approved).toMatchObject({ captured: false, amount: 4200n });
    expect(world.moved(paid.request)).toEqual([]);
    const operation = world.operation(paid, { money: money(4000) });
    const first = await capture(operation);
    expect(first).toMatchObject({ kind: "approved", captured: true, amount: 4000n });
    expect(await capture(operation, { replay: true })).toEqual(first);
    expect(world.moved(paid.request)).toEqual([4000n]);
    expect((await world.look(paid.request, paid.object)).finding).toMatchObject({ kind: "approved", captured: true, amount: 4000n });
  });

  test("a hold says until when it stands, if at all, within the time that the adapter declares", async () => {
    const { approved } = await world.held();
    if (approved.heldUntilMs === undefined) return;
    expect(approved.heldUntilMs).toBeGreaterThan(world.clock.now());
    expect(approved.heldUntilMs).toBeLessThanOrEqual(world.clock.now() + world.provider.capabilities.holdMs);
  });

  test("a hold is captured once: a second capture, or more than is held, takes nothing", async () => {
    const paid = await world.held();
    const more = world.operation(paid, { key: `${paid.request.attemptId}:more`, money: money(4201) });
    expect((await capture(more)).kind).not.toBe("approved");
    await capture(world.operation(paid, { money: money(4000) }));
    const second = world.operation(paid, { key: `${paid.request.attemptId}:second`, money: money(200) });
    expect((await capture(second)).kind).not.toBe("approved");
    expect(world.moved(paid.request)).toEqual([4000n]);
  });

  test("the same capture twice at the same time takes the money once, and neither says that it did not", async () => {
    const paid = await world.held();
    const operation = world.operation(paid);
    world.fault({ kind: "slow", operation: "capture", delayMs: world.times.slow });
    const outcomes = await Promise.all([capture(operation), capture(operation, { replay: true })]);
    expect(outcomes.map(({ kind }) => kind)).toContain("approved");
    for (const { kind } of outcomes) expect(["approved", "unknown"]).toContain(kind);
    expect(world.moved(paid.request)).toEqual([4200n]);
  });

  describe.each(STRIKES)("a capture that met $kind", ({ kind, expected, moved, hangs }) => {
    test("is in doubt, its replay captures at most once, and a look tells the truth", async () => {
      const paid = await world.held();
      const operation = world.operation(paid, { money: money(4000) });
      world.fault({ kind, operation: "capture", count: 1 });
      expect(await capture(operation, hangs ? { timeoutMs: world.times.short } : {})).toMatchObject(expected);
      await world.calm();
      expect(world.moved(paid.request)).toEqual(moved ? [4000n] : []);
      const replayed = await capture(operation, { replay: true });
      expect(["approved", "unknown"]).toContain(replayed.kind);
      const captured = world.moved(paid.request);
      expect(captured.length).toBeLessThanOrEqual(1);
      if (replayed.kind === "approved") expect([replayed.captured, replayed.amount, ...captured]).toEqual([true, 4000n, 4000n]);
      const { finding } = await world.look(paid.request, paid.object);
      const held = { kind: "approved", captured: false, amount: 4200n };
      expect(finding).toMatchObject(captured.length === 1 ? { kind: "approved", captured: true, amount: 4000n } : held);
    });
  });

  test("a capture that is refused or limited is not sent; on a replay that is unknown", async () => {
    const paid = await world.held();
    const operation = world.operation(paid);
    world.fault({ kind: "429", operation: "capture" });
    expect(await capture(operation)).toMatchObject({ kind: "not_sent", cause: "rate_limited", fault: true });
    expect(await capture(operation, { replay: true })).toMatchObject({ kind: "unknown" });
    await world.calm();
    world.fault({ kind: "refuse" });
    await world.pause(50); // until the cut of the idle sockets is seen: a request on one of them would be ambiguous
    expect(await capture(operation)).toMatchObject({ kind: "not_sent", fault: true });
    expect(await capture(operation, { replay: true })).toMatchObject({ kind: "unknown" });
    await world.calm();
    expect(world.moved(paid.request)).toEqual([]);
  });
}

function releaseTests(world: ContractWorld): void {
  const cancel = (object: string, timeoutMs?: number) => world.provider.cancel(object, world.call(timeoutMs));

  test("a hold that is fenced is released, and can no longer be captured: the hold is gone", async () => {
    const paid = await world.held();
    expect(await cancel(paid.object)).toMatchObject({ kind: "fenced", object: paid.object });
    expect(await cancel(paid.object)).toMatchObject({ kind: "fenced", object: paid.object });
    const operation = world.operation(paid);
    expect(await world.provider.capture(operation, world.call())).toMatchObject({ kind: "not_sent", cause: "fenced", fault: false });
    expect(world.moved(paid.request)).toEqual([]);
    expect(world.moved(paid.request, "void")).toEqual([4200n]);
  });

  test("a hold that was captured is not fenced", async () => {
    const paid = await world.held();
    await world.provider.capture(world.operation(paid), world.call());
    expect((await cancel(paid.object)).kind).not.toBe("fenced");
    expect(world.moved(paid.request)).toEqual([4200n]);
    expect(world.moved(paid.request, "void")).toEqual([]);
  });

  describe.each(STRIKES)("a cancel of a hold that met $kind", ({ kind, hangs }) => {
    test("proves nothing that is not so, and the next one finds it released, once", async () => {
      const paid = await world.held();
      world.fault({ kind, operation: "cancel", count: 1 });
      const finding = await cancel(paid.object, hangs ? world.times.short : undefined);
      expect(["unknown", "fenced"]).toContain(finding.kind);
      if (finding.kind === "fenced") expect(world.moved(paid.request, "void")).toEqual([4200n]);
      await world.calm();
      expect((await cancel(paid.object)).kind).toBe("fenced");
      expect(world.moved(paid.request, "void")).toEqual([4200n]);
      expect((await world.look(paid.request, paid.object)).finding.kind).not.toBe("approved");
    });
  });

  test("a hold whose time is over cannot be captured, and the answer says that it is gone", async () => {
    const paid = await world.held();
    await world.passTime(world.provider.capabilities.holdMs);
    const operation = world.operation(paid);
    expect(await world.provider.capture(operation, world.call())).toMatchObject({ kind: "not_sent", cause: "fenced", fault: false });
    expect((await world.look(paid.request, paid.object)).finding.kind).not.toBe("approved");
    expect(world.moved(paid.request)).toEqual([]);
  });
}
