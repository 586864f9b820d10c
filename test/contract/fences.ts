import { describe, expect, test } from "vitest";
import type { ContractWorld } from "./contract-world.ts";
import { inDoubt, STRIKES } from "./faults.ts";

export function fenceTests(world: ContractWorld): void {
  const cancel = (object: string) => world.provider.cancel(object, world.call());

  describe.each(STRIKES)("after $kind", (strike) => {
    test("a fence finds it paid, or stands: nothing moves after it", async () => {
      const { moved } = strike;
      const { request, object } = await inDoubt(world, strike);
      const finding = await cancel(object);
      if (!world.provider.capabilities.fence) {
        expect(finding.kind).toBe("unknown");
        return;
      }
      expect(finding).toMatchObject(moved ? { kind: "approved" } : { kind: "fenced", object });
      const replayed = await world.commit(request, object, { replay: true });
      expect(world.moved(request)).toEqual(moved ? [4200n] : []);
      if (!moved) {
        expect(replayed.kind).not.toBe("approved");
        expect((await world.look(request, object)).finding.kind).toBe("fenced");
        expect((await cancel(object)).kind).toBe("fenced");
      }
    });
  });

  test("a fence that fails proves nothing", async () => {
    const { object } = await inDoubt(world);
    for (const kind of ["500_before", "429", "503_html", "reset_before"] as const) {
      world.fault({ kind, operation: "cancel" });
      expect((await cancel(object)).kind, kind).toBe("unknown");
      await world.calm();
    }
    world.fault({ kind: "refuse" });
    expect((await cancel(object)).kind).toBe("unknown");
  });

  test("a fence whose answer is lost stands all the same: the next one is told so", async () => {
    if (!world.provider.capabilities.fence) return;
    const { request, object } = await inDoubt(world);
    world.fault({ kind: "500_after", operation: "cancel", count: 1 });
    expect((await cancel(object)).kind).toBe("unknown");
    await world.calm();
    expect((await world.look(request, object)).finding).toMatchObject({ kind: "fenced", object });
    expect((await cancel(object)).kind).toBe("fenced");
  });

  test("what is fenced before its first commit is not sent, and nobody's fault", async () => {
    if (!world.provider.capabilities.fence) return;
    const request = world.request();
    const object = await world.prepared(request);
    expect(await cancel(object)).toMatchObject({ kind: "fenced", object });
    expect(await world.commit(request, object)).toMatchObject({ kind: "not_sent", cause: "fenced", fault: false });
    expect(world.ledger()).toEqual([]);
  });

  test("what was declined can be fenced, and the fence says why it was not paid", async () => {
    const [decline] = world.fixture.declines;
    if (!world.provider.capabilities.fence || !decline) return;
    const request = world.request({ token: decline.token });
    const object = await world.prepared(request);
    await world.commit(request, object);
    expect((await world.look(request, object)).finding).toMatchObject({ kind: "unpaid", object });
    expect(await cancel(object)).toMatchObject({ kind: "fenced", object, decline: { kind: "declined", reason: decline.reason } });
  });

  test("what the provider keeps waiting cannot be fenced", async () => {
    const request = world.request({ token: world.fixture.tokens.pending });
    const object = await world.prepared(request);
    await world.commit(request, object);
    expect((await cancel(object)).kind).toBe(world.provider.capabilities.fence ? "pending" : "unknown");
    await world.passTime(world.times.settle);
    await world.look(request, object);
    expect((await world.look(request, object)).finding.kind).toBe("approved");
  });
}
