import { expect, test } from "vitest";
import type { ContractWorld } from "./contract-world.ts";

const HOUR_MS = 3_600_000;

/** What a key promises, for how long, and what it is worth afterwards: where two processors differ most (psp-traits.ts). */
export function keyTests(world: ContractWorld): void {
  const { traits, tokens } = world.fixture;
  const fails = traits.storesFailures;

  test.each(["500_before", "500_after"] as const)(
    `a prepare that met %s ${fails ? "fails for ever under its key, which proves that nobody can pay it" : "works under the same key"}`,
    async (kind) => {
      const request = world.request();
      world.fault({ kind, operation: "prepare", count: 1 });
      expect(await world.provider.prepare(request, world.call())).toMatchObject({ kind: "unknown", cause: "server_error" });
      await world.calm();
      const again = await world.provider.prepare(request, world.call());
      const found = await world.look(request, null, true);
      if (fails) {
        expect(again).toMatchObject({ kind: "unknown", cause: "server_error" });
        expect(found).toMatchObject({ object: null, finding: { kind: "fenced", decline: null } });
      } else {
        expect(again).toMatchObject({ kind: "prepared" });
        expect(found).toMatchObject({ object: (again as { object: string }).object, finding: { kind: "unpaid" } });
      }
    },
  );

  test.each([
    ["500_before", false],
    ["500_after", true],
  ] as const)(`the replay of a commit that met %s ${fails ? "fails again" : "is paid, once"}`, async (kind, moved) => {
    const request = world.request();
    const object = await world.prepared(request);
    world.fault({ kind, operation: "commit", count: 1 });
    await world.commit(request, object);
    await world.calm();
    const replayed = await world.commit(request, object, { replay: true });
    expect(replayed).toMatchObject(fails ? { kind: "unknown", cause: "server_error" } : { kind: "approved", amount: 4200n });
    expect(world.moved(request)).toEqual(moved || !fails ? [4200n] : []);
  });

  test(`a replay answers with the ${traits.replays === "first_answer" ? "first answer, also when it is long out of date" : "state of now"}`, async () => {
    const request = world.request({ token: tokens.pending });
    const object = await world.prepared(request);
    expect(await world.commit(request, object)).toMatchObject({ kind: "pending" });
    await world.passTime(world.times.settle);
    await world.look(request, object);
    expect((await world.look(request, object)).finding).toMatchObject({ kind: "approved" });
    const replayed = await world.commit(request, object, { replay: true });
    expect(replayed.kind).toBe(traits.replays === "first_answer" ? "pending" : "approved");
    expect(world.moved(request)).toEqual([4200n]);
  });

  test("keys are kept as long as the adapter relies on them", async () => {
    const { prepareKeyAgeMs, commitKeyAgeMs, operationKeyAgeMs } = world.provider.capabilities;
    const paid = await world.paid();
    const { request, object, approved } = paid;
    await world.passTime(prepareKeyAgeMs);
    expect(await world.look(request, null, true)).toMatchObject({ object, finding: { kind: "approved" } });
    await world.passTime(commitKeyAgeMs - prepareKeyAgeMs);
    expect(await world.commit(request, object, { replay: true })).toEqual(approved);
    const refund = world.operation(paid);
    const refunded = await world.provider.refund(refund, world.call());
    await world.passTime(operationKeyAgeMs);
    expect(await world.provider.refund(refund, world.call(), { replay: true })).toEqual(refunded);
    expect(world.moved(request)).toEqual([4200n]);
    expect(world.moved(request, "refund")).toEqual([4200n]);
  });

  test("a prepare key that is forgotten makes another object: never replay it then", async () => {
    const request = world.request();
    const object = await world.prepared(request);
    await world.passTime(traits.prepareKeptMs - HOUR_MS / 2);
    expect(await world.prepared(request)).toBe(object);
    await world.passTime(HOUR_MS);
    expect(await world.prepared(request)).not.toBe(object);
  });

  test("a commit whose key is forgotten finds it paid, and pays nothing", async () => {
    const { request, object, approved } = await world.paid();
    await world.passTime(traits.allKeysForgottenMs);
    expect(await world.commit(request, object, { replay: true })).toEqual(approved);
    expect(world.moved(request)).toEqual([4200n]);
  });

  test.each(["approved", "pending"] as const)(
    `a second attempt of a charge whose first is %s ${traits.oneInvoicePerCharge ? "is refused as a duplicate" : "takes the money again"}`,
    async (state) => {
      const first = world.request({ token: tokens[state] });
      await world.commit(first, await world.prepared(first));
      const second = world.request({ chargeId: first.chargeId });
      const object = await world.prepared(second);
      const outcome = await world.commit(second, object);
      if (!traits.oneInvoicePerCharge) {
        expect(outcome).toMatchObject({ kind: "approved" });
        return;
      }
      expect(outcome).toMatchObject({ kind: "unknown", cause: "duplicate_invoice" });
      expect((await world.look(second, object)).finding).toMatchObject({ kind: "unpaid", object });
      expect(await world.commit(second, object, { replay: true })).toMatchObject({ kind: "unknown", cause: "duplicate_invoice" });
      expect(world.moved(second)).toEqual([]);
    },
  );
}
