import { expect, test } from "vitest";
import type { Fault, FaultKind } from "../../providers/sandbox/fault.ts";
import type { ContractWorld } from "./contract-world.ts";

export interface Strike {
  readonly kind: FaultKind;
  readonly expected: object;
  /** The truth in the books after a commit that met this fault. */
  readonly moved: boolean;
  /** No answer comes: it ends by the deadline. */
  readonly hangs?: boolean;
}

const lost = { kind: "unknown", cause: "connection_lost" };
const timeout = { kind: "unknown", cause: "timeout" };
const serverError = { kind: "unknown", cause: "server_error" };

/** What one struck request must come back as. Whether money moved cannot be told from it: that is the point. */
export const STRIKES: readonly Strike[] = [
  { kind: "reset_before", expected: lost, moved: false },
  { kind: "reset_after", expected: lost, moved: true },
  { kind: "hang_before", expected: timeout, moved: false, hangs: true },
  { kind: "hang_after", expected: timeout, moved: true, hangs: true },
  { kind: "trickle", expected: timeout, moved: true, hangs: true },
  { kind: "500_before", expected: serverError, moved: false },
  { kind: "500_after", expected: serverError, moved: true },
  { kind: "503_html", expected: { kind: "unknown" }, moved: false },
];

export function faultTests(world: ContractWorld): void {
  test.each(STRIKES)("$kind in prepare: told as what it was, and no money moves", async ({ kind, expected, hangs }) => {
    const request = world.request();
    world.fault({ kind, operation: "prepare" });
    expect(await world.provider.prepare(request, world.call(hangs ? world.times.short : undefined))).toMatchObject(expected);
    await world.calm();
    expect(world.ledger()).toEqual([]);
    expect(struck(world, "prepare")).toBe(1);
  });

  test.each(STRIKES)("$kind in commit: in doubt, sent once", async ({ kind, expected, moved, hangs }) => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind, operation: "commit" });
    expect(await world.commit(request, object, hangs ? { timeoutMs: world.times.short } : {})).toMatchObject(expected);
    expect(struck(world, "commit")).toBe(1);
    expect(world.moved(request)).toEqual(moved ? [4200n] : []);
  });

  test.each(["prepare", "commit"] as const)("429 in %s is a refusal before execution, and a fault", async (operation) => {
    const request = world.request();
    const object = operation === "commit" ? await world.prepared(request) : "";
    world.fault({ kind: "429", operation });
    const outcome = operation === "commit" ? await world.commit(request, object) : await world.provider.prepare(request, world.call());
    expect(outcome).toMatchObject({ kind: "not_sent", cause: "rate_limited", fault: true });
    expect(struck(world, operation)).toBe(1);
    expect(world.ledger()).toEqual([]);
  });

  test("a refused prepare is not sent, and a fault", async () => {
    world.fault({ kind: "refuse" });
    const outcome = await world.provider.prepare(world.request(), world.call());
    expect(outcome).toMatchObject({ kind: "not_sent", fault: true });
    expect(world.requests()).toEqual([]);
  });

  test("a refused commit is not sent: not a byte, and a fault", async () => {
    const request = world.request();
    world.fault({ kind: "refuse", operation: "commit", count: 1 });
    const object = await world.prepared(request);
    expect(await world.commit(request, object)).toMatchObject({ kind: "not_sent", cause: "refused", fault: true });
    await world.calm();
    await world.pause(world.times.quiet);
    expect(struck(world, "commit")).toBe(0);
    expect(world.moved(request)).toEqual([]);
  });

  test("slow but in time is approved", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind: "slow", operation: "commit", delayMs: world.times.short / 2 });
    expect(await world.commit(request, object)).toMatchObject({ kind: "approved" });
  });

  test("too slow is unknown, and rightly so: the money moves later", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind: "slow", operation: "commit", delayMs: world.times.slow });
    expect(await world.commit(request, object, { timeoutMs: world.times.short })).toMatchObject(timeout);
    expect(world.moved(request)).toEqual([]);
    await world.pause(world.times.slow);
    expect(world.moved(request)).toEqual([4200n]);
  });

  const gates: Fault["kind"][] = ["hang_before", "trickle", "slow"];
  test.each(gates)("after the deadline of a commit that met %s no further request reaches the provider", async (kind) => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind, operation: "commit", delayMs: 60_000 });
    expect(await world.commit(request, object, { timeoutMs: world.times.short })).toMatchObject(timeout);
    await world.calm();
    const before = world.requests().length;
    await world.pause(world.times.quiet);
    expect(world.requests()).toHaveLength(before);
  });

  test("a call that is closed, or may no longer send, sends nothing, and that is nobody's fault", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    const before = world.requests().length;
    const closed = world.call();
    closed.close();
    const barred = world.call(undefined, () => false);
    for (const call of [closed, barred]) {
      const outcome = await world.provider.commit(request, object, call, { replay: false });
      expect(outcome).toMatchObject({ kind: "not_sent", cause: "gate_closed", fault: false });
    }
    await world.pause(50);
    expect(world.requests()).toHaveLength(before);
  });

  test("a call that is closed in the moment in which it begins sends nothing", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    const before = world.requests().length;
    const call = world.call();
    const outcome = world.provider.commit(request, object, call, { replay: false });
    call.close();
    expect(await outcome).toMatchObject({ kind: "not_sent", cause: "gate_closed", fault: false });
    await world.pause(world.times.quiet);
    expect(world.requests()).toHaveLength(before);
    expect(world.moved(request)).toEqual([]);
  });

  test("wrong credentials are not sent, and a fault", async () => {
    const outcome = await world.create("wrong").prepare(world.request(), world.call());
    expect(outcome).toMatchObject({ kind: "not_sent", fault: true });
    expect(["unauthorized", "token_unavailable"]).toContain("cause" in outcome && outcome.cause);
  });
}

function struck(world: ContractWorld, operation: string): number {
  return world.requests().filter((request) => request.operation === operation).length;
}

/** A commit that ended in doubt; its strike says what really happened. */
export async function inDoubt(world: ContractWorld, { kind, hangs = false }: Pick<Strike, "kind" | "hangs"> = { kind: "reset_before" }) {
  const request = world.request();
  const object = await world.prepared(request);
  world.fault({ kind, operation: "commit", count: 1 });
  const outcome = await world.commit(request, object, hangs ? { timeoutMs: world.times.short } : {});
  expect(outcome.kind).toBe("unknown");
  await world.calm();
  return { request, object };
}
