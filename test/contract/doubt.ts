import { describe, expect, test } from "vitest";
import { pause, SHORT_MS, type World } from "./contract-world.ts";
import { STRIKES } from "./faults.ts";

export function doubtTests(world: World): void {
  /** A commit that ended in doubt; `moved` says what really happened. */
  async function inDoubt(kind = "reset_before" as (typeof STRIKES)[number]["kind"]) {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind, operation: "commit", count: 1 });
    const outcome = await world.commit(request, object, { timeoutMs: kind.startsWith("500") || kind === "503_html" ? 5_000 : SHORT_MS });
    expect(outcome.kind).toBe("unknown");
    await world.calm();
    return { request, object };
  }
  const look = (request: ReturnType<World["request"]>, object: string | null, replayPrepare = false) =>
    world.provider.lookup({ request, object, replayPrepare }, world.call());

  describe.each(STRIKES)("after $kind", ({ kind, moved }) => {
    test("a lookup tells the truth", async () => {
      const { request, object } = await inDoubt(kind);
      const found = await look(request, object);
      expect(found.object).toBe(object);
      if (moved) expect(found.finding).toMatchObject({ kind: "approved", amount: 4200n, captured: true });
      else expect(found.finding).toMatchObject({ kind: "unpaid", object });
    });

    test("a replay moves money at most once, and is approved or still unknown", async () => {
      const { request, object } = await inDoubt(kind);
      const replayed = await world.commit(request, object, { replay: true });
      const captured = world.moved(request);
      if (replayed.kind === "approved") expect(captured).toEqual([4200n]);
      else expect(replayed.kind).toBe("unknown"); // Stripe replays a stored 500 for as long as it keeps the key
      expect(captured.length).toBeLessThanOrEqual(1);
      const { finding } = await look(request, object);
      expect(finding.kind).toBe(captured.length === 1 ? "approved" : "unpaid");
    });

    test("a fence finds it paid, or stands: nothing moves after it", async () => {
      const { request, object } = await inDoubt(kind);
      const finding = await world.provider.cancel(object, world.call());
      if (!world.provider.capabilities.fence) {
        expect(finding.kind).toBe("unknown");
        return;
      }
      expect(finding).toMatchObject(moved ? { kind: "approved" } : { kind: "fenced", object });
      const replayed = await world.commit(request, object, { replay: true });
      expect(world.moved(request)).toEqual(moved ? [4200n] : []);
      if (!moved) {
        expect(replayed.kind).not.toBe("approved");
        expect((await look(request, object)).finding.kind).toBe("fenced");
        expect((await world.provider.cancel(object, world.call())).kind).toBe("fenced");
      }
    });
  });

  test("a commit that is still in flight is unpaid, which proves nothing: then it is paid", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind: "slow", operation: "commit", delayMs: 600 });
    expect(await world.commit(request, object, { timeoutMs: SHORT_MS })).toMatchObject({ kind: "unknown", cause: "timeout" });
    expect((await look(request, object)).finding.kind).toBe("unpaid");
    const replayed = await world.commit(request, object, { replay: true });
    expect(["unknown", "approved"]).toContain(replayed.kind);
    await pause(800);
    expect((await look(request, object)).finding.kind).toBe("approved");
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("doubt is sticky: refused, 429, 401 and 404 on a replay are unknown", async () => {
    const { request, object } = await inDoubt();
    world.fault({ kind: "429" });
    expect(await world.commit(request, object, { replay: true }), "429").toMatchObject({ kind: "unknown" });
    await world.calm();
    world.fault({ kind: "refuse" });
    expect(await world.commit(request, object, { replay: true }), "refused").toMatchObject({ kind: "unknown" });
    await world.calm();
    const wrong = world.create("wrong");
    expect(await world.commit(request, object, { replay: true, provider: wrong }), "401").toMatchObject({ kind: "unknown" });
    world.sandbox.reset();
    await world.sandbox.listening();
    const stranger = world.create("right");
    expect(await world.commit(request, object, { replay: true, provider: stranger }), "404").toMatchObject({ kind: "unknown" });
  });

  test("a replay that may not be sent is unknown", async () => {
    const { request, object } = await inDoubt();
    const outcome = await world.provider.commit(
      request,
      object,
      world.call(5_000, () => false),
      { replay: true },
    );
    expect(outcome.kind).toBe("unknown");
  });

  test("without an id the prepare key's replay finds it", async () => {
    const { request, object } = await world.paid();
    expect(await look(request, null, true)).toMatchObject({ object, finding: { kind: "approved" } });
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("a lookup proves nothing when it fails, and says nothing of others", async () => {
    const { request, object } = await inDoubt();
    const stranger = world.request();
    expect((await look({ ...stranger, createdAtMs: Date.now() }, null)).finding).toMatchObject({ kind: "unknown" });
    for (const kind of ["500_before", "429", "503_html", "reset_before"] as const) {
      world.fault({ kind, operation: "lookup" });
      expect((await look(request, object)).finding, kind).toMatchObject({ kind: "unknown" });
      await world.calm();
    }
    world.fault({ kind: "refuse" });
    expect((await look(request, object)).finding).toMatchObject({ kind: "unknown" });
  });

  test("a fence that fails proves nothing", async () => {
    const { object } = await inDoubt();
    for (const kind of ["500_before", "429", "503_html", "reset_before"] as const) {
      world.fault({ kind, operation: "cancel" });
      expect((await world.provider.cancel(object, world.call())).kind, kind).toBe("unknown");
      await world.calm();
    }
    world.fault({ kind: "refuse" });
    expect((await world.provider.cancel(object, world.call())).kind).toBe("unknown");
  });
}
