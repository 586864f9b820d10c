import { expect, test } from "vitest";
import type { ProviderRecord, RecordsPage, RecordsQuery } from "../../providers/contract/records.ts";
import { type ContractWorld, money } from "./contract-world.ts";

const DAY_MS = 86_400_000;
const AT_ONCE = 20;

/** The provider's own list, as reconciliation reads it. */
export function recordTests(world: ContractWorld, { pageSize }: { readonly pageSize: number }): void {
  async function page(query: Partial<RecordsQuery>): Promise<RecordsPage> {
    const nowMs = world.clock.now();
    const whole = { what: "payments", fromMs: nowMs - DAY_MS, toMs: nowMs + DAY_MS, cursor: null, ...query } as const;
    const found = await world.provider.records!(whole, world.call());
    if (found.kind !== "page") throw new Error(`not a page: ${JSON.stringify(found)}`);
    return found;
  }

  async function all(query: Partial<RecordsQuery> = {}): Promise<ProviderRecord[]> {
    const found: ProviderRecord[] = [];
    let cursor: string | null = null;
    do {
      const next: RecordsPage = await page({ ...query, cursor });
      found.push(...next.records);
      cursor = next.next;
    } while (cursor !== null);
    return found;
  }

  test("a payment is listed with what it is known by, our ids and its money", async () => {
    const { request, object, approved } = await world.paid();
    const records = await all();
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      kind: "payment",
      reference: approved.reference,
      attemptId: request.attemptId,
      chargeId: request.chargeId,
      state: "captured",
      amount: 4200n,
      currency: "usd",
    });
    expect([object, null]).toContain((records[0] as { object: string | null }).object);
  });

  if (world.fixture.manualCapture)
    test("a hold is held, in part captured it is captured, and its release is no refund", async () => {
      const paid = await world.held();
      expect(await all()).toMatchObject([{ state: "held", amount: 4200n, attemptId: paid.request.attemptId }]);
      await world.provider.capture(world.operation(paid, { money: money(4000) }), world.call());
      const captured = (await all()).filter((record) => record.kind === "payment" && record.state === "captured");
      expect(captured).toMatchObject([{ amount: 4000n, chargeId: paid.request.chargeId }]);
      await world.provider.cancel((await world.held()).object, world.call());
      expect((await all()).filter((record) => record.kind === "payment" && record.state === "held")).toEqual([]);
      expect(await all({ what: "refunds" })).toEqual([]);
    });

  test("a refund is listed with its payment, and with our key or none", async () => {
    const paid = await world.paid();
    const refund = world.operation(paid, { money: money(1200) });
    const outcome = await world.provider.refund(refund, world.call());
    const records = await all({ what: "refunds" });
    expect(records).toMatchObject([
      { kind: "refund", payment: paid.approved.reference, state: "succeeded", amount: 1200n, currency: "usd" },
    ]);
    const [found] = records;
    if (found?.kind !== "refund" || outcome.kind !== "approved") throw new Error("no refund");
    expect(found.reference).toBe(outcome.reference);
    expect([refund.key, null]).toContain(found.key);
  });

  test("the window has its first moment and not its last", async () => {
    await world.paid();
    const { createdAtMs } = (await all())[0]!;
    const within = async (fromMs: number, toMs: number) => (await all({ fromMs, toMs })).length;
    expect(await within(createdAtMs, createdAtMs + 1)).toBe(1);
    expect(await within(createdAtMs - 1000, createdAtMs)).toBe(0);
    expect(await within(createdAtMs + 1, createdAtMs + 1000)).toBe(0);
  });

  test("more than a page is listed page by page, each payment once", async () => {
    const count = pageSize + 1;
    for (let made = 0; made < count; made += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - made) }, () => world.paid()));
    }
    expect((await page({})).next).not.toBeNull();
    const references = (await all()).map(({ reference }) => reference);
    expect(references).toHaveLength(count);
    expect(new Set(references).size).toBe(count);
  });

  test("a list that fails is unknown, and not empty", async () => {
    await world.paid();
    const query = { what: "payments", fromMs: 0, toMs: world.clock.now() + DAY_MS, cursor: null } as const;
    for (const kind of ["500_before", "429", "503_html", "reset_before"] as const) {
      world.fault({ kind, operation: "lookup" });
      expect(await world.provider.records!(query, world.call()), kind).toMatchObject({ kind: "unknown" });
      await world.calm();
    }
    expect(await world.create("wrong").records!(query, world.call())).toMatchObject({ kind: "unknown" });
  });
}
