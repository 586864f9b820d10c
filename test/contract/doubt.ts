import { describe, expect, test } from "vitest";
import type { ContractWorld } from "./contract-world.ts";
import { inDoubt, STRIKES } from "./faults.ts";

export function doubtTests(world: ContractWorld): void {
  describe.each(STRIKES)("after $kind", (strike) => {
    const { moved } = strike;

    test("a lookup tells the truth", async () => {
      const { request, object } = await inDoubt(world, strike);
      const found = await world.look(request, object);
      expect(found.object).toBe(object);
      if (moved) expect(found.finding).toMatchObject({ kind: "approved", amount: 4200n, captured: true });
      else expect(found.finding).toMatchObject({ kind: "unpaid", object });
    });

    test("a replay moves money at most once, and is approved or still unknown", async () => {
      const { request, object } = await inDoubt(world, strike);
      const replayed = await world.commit(request, object, { replay: true });
      const captured = world.moved(request);
      if (replayed.kind === "approved") expect(captured).toEqual([4200n]);
      else expect(replayed.kind).toBe("unknown"); // Stripe replays a stored 500 for as long as it keeps the key
      expect(captured.length).toBeLessThanOrEqual(1);
      const { finding } = await world.look(request, object);
      expect(finding.kind).toBe(captured.length === 1 ? "approved" : "unpaid");
    });
  });

  test("a commit that is still in flight is unpaid, which proves nothing: then it is paid", async () => {
    const { request, object, finding } = await lookedAtInFlight(world);
    expect(finding.kind).toBe("unpaid");
    const replayed = await world.commit(request, object, { replay: true });
    expect(["unknown", "approved"]).toContain(replayed.kind);
    await world.pause(world.times.slow + world.times.short);
    expect((await world.look(request, object)).finding.kind).toBe("approved");
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("doubt is sticky: refused, 429, 401 and 404 on a replay are unknown", async () => {
    const { request, object } = await inDoubt(world);
    world.fault({ kind: "429" });
    expect(await world.commit(request, object, { replay: true }), "429").toMatchObject({ kind: "unknown" });
    await world.calm();
    world.fault({ kind: "refuse" });
    expect(await world.commit(request, object, { replay: true }), "refused").toMatchObject({ kind: "unknown" });
    await world.calm();
    const wrong = world.create("wrong");
    expect(await world.commit(request, object, { replay: true, provider: wrong }), "401").toMatchObject({ kind: "unknown" });
    await world.forget();
    const stranger = world.create("right");
    expect(await world.commit(request, object, { replay: true, provider: stranger }), "404").toMatchObject({ kind: "unknown" });
  });

  test("a replay that may not be sent is unknown", async () => {
    const { request, object } = await inDoubt(world);
    const outcome = await world.provider.commit(
      request,
      object,
      world.call(undefined, () => false),
      { replay: true },
    );
    expect(outcome.kind).toBe("unknown");
  });

  test("without an id the prepare key's replay finds it", async () => {
    const { request, object } = await world.paid();
    expect(await world.look(request, null, true)).toMatchObject({ object, finding: { kind: "approved" } });
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("a lookup proves nothing when it fails, and says nothing of others", async () => {
    const { request, object } = await inDoubt(world);
    const stranger = world.request();
    expect((await world.look({ ...stranger, createdAtMs: world.clock.now() }, null)).finding).toMatchObject({ kind: "unknown" });
    for (const kind of ["500_before", "429", "503_html", "reset_before"] as const) {
      world.fault({ kind, operation: "lookup" });
      expect((await world.look(request, object)).finding, kind).toMatchObject({ kind: "unknown" });
      await world.calm();
    }
    world.fault({ kind: "refuse" });
    expect((await world.look(request, object)).finding).toMatchObject({ kind: "unknown" });
  });
}

/** A commit that was given up while it is under way, and a look at it. A busy machine may be too late: then another one. */
async function lookedAtInFlight(world: ContractWorld) {
  world.fault({ kind: "slow", operation: "commit", delayMs: world.times.slow });
  for (;;) {
    const request = world.request();
    const object = await world.prepared(request);
    expect(await world.commit(request, object, { timeoutMs: world.times.short })).toMatchObject({ kind: "unknown", cause: "timeout" });
    const { finding } = await world.look(request, object);
    if (world.moved(request).length === 0) return { request, object, finding };
  }
}
