import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import type { AttemptId } from "../../../gateway/ids.ts";
import { hintAttempt } from "../../../gateway/store/closed-attempts.ts";
import type { Outcome } from "../../../providers/contract/outcome.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import type { FaultKind } from "../../../providers/sandbox/fault.ts";
import { both, chargeInput, type Engine, eventually, movedAt, preferring, startEngine, worked } from "../../support/engine.ts";

const FIRST = { capture: "automatic", failover: "authorize_first" } as const;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 700, chargeBudgetMs: 4_000 });
});
afterAll(() => engine.close());
afterEach(() => engine.sandbox.clearFaults());

/** What is held at the processors for the charge and neither captured nor released, by provider. */
function holds(charge: Charge): string[] {
  const open: string[] = [];
  for (const { chargeId, provider, type } of engine.sandbox.ledger()) {
    if (chargeId !== charge.id) continue;
    if (type === "authorize") open.push(provider);
    else if (type !== "refund" && open.includes(provider)) open.splice(open.indexOf(provider), 1);
  }
  return open;
}

/** Until every orphan of the charge is known, and every hold that is not the charge's own is released. */
async function settled(fresh: Engine, charge: Charge): Promise<Charge> {
  const known = ({ attempts }: Charge) => attempts.every(({ live, outcome, nextLookAt }) => live || (outcome !== "unknown" && !nextLookAt));
  return worked(fresh, charge, (now) => known(now) && holds(now).length === 0);
}

describe.each(["stripe", "paypal"] as const)("authorize_first with %s first", (first) => {
  const second = first === "stripe" ? "paypal" : "stripe";

  it("authorizes and captures there when all is well, in one request", async () => {
    await preferring(engine, first, async (fresh) => {
      const { charge } = await fresh.charges.create(chargeInput(FIRST));
      expect(charge).toMatchObject({ status: "succeeded", provider: first, amountCaptured: 4200n, settlement: { state: "succeeded" } });
      const mine = engine.sandbox.ledger().filter(({ chargeId }) => chargeId === charge.id);
      expect(mine.map(({ type, provider }) => [type, provider])).toEqual([
        ["authorize", first],
        ["capture", first],
      ]);
    });
  });

  it.each<FaultKind>(["reset_before", "reset_after", "hang_before", "hang_after", "500_before", "500_after", "503_html", "trickle"])(
    "leaves a doubt after %s to the other provider at once, and releases what it held",
    async (kind) => {
      await preferring(engine, first, async (fresh) => {
        engine.sandbox.setFault(first, { kind, operation: "commit", count: 1 });
        const { charge } = await fresh.charges.create(chargeInput(FIRST));
        expect(charge).toMatchObject({ status: "succeeded", provider: second, amountCaptured: 4200n });
        expect(charge.attempts).toMatchObject([
          { provider: first, live: false, outcome: "unknown", ambiguous: true },
          { provider: second, live: true, outcome: "approved" },
        ]);
        engine.sandbox.clearFaults();
        if (first === "paypal" && (kind.endsWith("_before") || kind === "503_html")) {
          // Nothing was authorized, and PayPal has no fence for an order: it is looked at until it has lapsed.
          await worked(fresh, charge, ({ attempts }) => (attempts[0]?.looks ?? 0) > 0);
        } else await settled(fresh, charge);
        expect(movedAt(engine.sandbox, charge.id)).toMatchObject({ [second]: 4200n });
        expect(movedAt(engine.sandbox, charge.id)[first] ?? 0n).toBe(0n);
        expect(holds(charge)).toEqual([]);
      });
    },
  );

  it("succeeds at the other provider while the first one stays away, and releases the hold once it is back", async () => {
    await preferring(engine, first, async (fresh) => {
      engine.sandbox.setFault(first, { kind: "hang_after", operation: "commit", count: 1 });
      engine.sandbox.setFault(first, { kind: "hang_before" });
      engine.sandbox.clearFaults();
      engine.sandbox.setFault(first, { kind: "hang_after", operation: "commit" });
      engine.sandbox.setFault(first, { kind: "hang_before", operation: "lookup" });
      const { charge } = await fresh.charges.create(chargeInput(FIRST));
      expect(charge).toMatchObject({ status: "succeeded", provider: second });
      expect(holds(charge)).toEqual([first]);
      await fresh.worker.pass();
      await fresh.worker.idle();
      expect(holds(charge)).toEqual([first]);
      engine.sandbox.clearFaults();
      await settled(fresh, charge);
      expect(movedAt(engine.sandbox, charge.id)).toEqual({ [first]: 0n, [second]: 4200n });
    });
  });

  it("holds a decline elsewhere back while the doubt is open, and adopts the hold that was there after all", async () => {
    await preferring(engine, first, async (fresh) => {
      engine.sandbox.setFault(first, { kind: "hang_after", operation: "commit" });
      engine.sandbox.setFault(first, { kind: "hang_before", operation: "lookup" });
      engine.sandbox.setFault(second, declined(second));
      const { charge } = await fresh.charges.create(chargeInput(FIRST));
      expect(charge).toMatchObject({ status: "in_doubt", provider: first });
      expect(charge.attempts).toMatchObject([
        { provider: first, live: true, outcome: "unknown" },
        { provider: second, live: false, outcome: "declined" },
      ]);
      engine.sandbox.clearFaults();
      const after = await worked(fresh, charge, ({ status }) => status !== "in_doubt" && status !== "processing");
      expect(after).toMatchObject({ status: "succeeded", provider: first, amountCaptured: 4200n });
      expect(movedAt(engine.sandbox, charge.id)).toEqual({ [first]: 4200n });
      expect(holds(charge)).toEqual([]);
    });
  });

  it("goes on elsewhere as soon as that is possible, while the doubt stays", async () => {
    await preferring(engine, first, async (fresh) => {
      const away = (): void => {
        engine.sandbox.setFault(first, { kind: "hang_after", operation: "commit" });
        engine.sandbox.setFault(first, { kind: "hang_before", operation: "lookup" });
      };
      away();
      engine.sandbox.setFault(second, { kind: "503_html", operation: "prepare" });
      const { charge } = await fresh.charges.create(chargeInput(FIRST));
      expect(charge).toMatchObject({
        status: "in_doubt",
        provider: first,
        attempts: [{ live: true }, { outcome: "not_sent", live: false }],
      });
      engine.sandbox.clearFaults();
      away();
      const after = await worked(fresh, charge, ({ status }) => status === "succeeded");
      expect(after).toMatchObject({ provider: second, amountCaptured: 4200n });
    });
  });

  it("leaves a doubt at once also when a webhook has told of the hold: it moves no money", async () => {
    await preferring(engine, first, async (fresh) => {
      engine.sandbox.setFault(first, { kind: "hang_after", operation: "commit" });
      engine.sandbox.setFault(first, { kind: "hang_before", operation: "lookup" });
      const input = chargeInput(FIRST);
      const text = "select a.id, a.charge_id from attempts a join charges c on c.id = a.charge_id where c.idempotency_key = $1";
      const running = fresh.charges.create(input);
      const [row] = await eventually(
        () => fresh.db.query<{ id: AttemptId; charge_id: string }>({ name: "", text, values: [input.idempotencyKey] }),
        (rows) => engine.sandbox.ledger().some(({ chargeId }) => chargeId === rows[0]?.charge_id),
      );
      await hintAttempt(fresh.db, row!.id, new Date(0));
      const { charge } = await running;
      expect(charge).toMatchObject({ status: "succeeded", provider: second });
      engine.sandbox.clearFaults();
      await settled(fresh, charge);
      expect(movedAt(engine.sandbox, charge.id)).toEqual({ [first]: 0n, [second]: 4200n });
    });
  });

  it("never fails over a capture, whatever becomes of its answer", async () => {
    for (const kind of ["reset_before", "hang_after", "500_after", "503_html"] as const) {
      await preferring(engine, first, async (fresh) => {
        engine.sandbox.setFault(first, { kind, operation: "capture", count: 1 });
        const { charge } = await fresh.charges.create(chargeInput(FIRST));
        const after = await worked(fresh, charge, ({ status }) => status === "succeeded");
        expect(after.attempts).toHaveLength(1);
        expect(movedAt(engine.sandbox, charge.id)).toEqual({ [first]: 4200n });
      });
    }
  });

  it("releases the hold and fails when the capture is refused for good", async () => {
    const no: Outcome = {
      kind: "declined",
      reason: "capture_refused",
      source: "provider",
      advice: "never",
      retryAfterS: null,
      providerCode: "x",
      networkCode: null,
    };
    const refusing = await engine.another({ wrap: (provider) => refusingCapture(provider, no) });
    try {
      const { charge } = await refusing.charges.create(chargeInput({ ...FIRST, tokens: { [first]: both()[first] } }));
      expect(charge).toMatchObject({ status: "failed", amountCaptured: 0n, failure: { code: "capture_refused" } });
      expect(charge.attempts).toMatchObject([{ live: false, outcome: "fenced" }]);
      expect(holds(charge)).toEqual([]);
    } finally {
      await refusing.close();
    }
  });

  it("declines as any charge, when the only provider declines", async () => {
    await preferring(engine, first, async (fresh) => {
      engine.sandbox.setFault(first, declined(first));
      const { charge } = await fresh.charges.create(chargeInput({ ...FIRST, tokens: { [first]: both()[first] } }));
      expect(charge).toMatchObject({ status: "failed", failure: { code: LOST[first] } });
    });
  });
});

it("an orphan that was never authorized is fenced, and the charge fails with the decline that it had", async () => {
  await preferring(engine, "stripe", async (fresh) => {
    engine.sandbox.setFault("stripe", { kind: "hang_before", operation: "commit" });
    engine.sandbox.setFault("stripe", { kind: "hang_before", operation: "lookup" });
    engine.sandbox.setFault("paypal", declined("paypal"));
    const { charge } = await fresh.charges.create(chargeInput(FIRST));
    expect(charge.status).toBe("in_doubt");
    engine.sandbox.clearFaults();
    const after = await worked(fresh, charge, ({ status }) => status === "failed");
    expect(after).toMatchObject({ failure: { code: LOST.paypal }, attempts: [{ outcome: "fenced" }, { outcome: "declined" }] });
    expect([movedAt(engine.sandbox, charge.id), holds(charge)]).toEqual([{}, []]);
    await eventually(
      () => fresh.worker.pass(),
      (begun) => begun === 0,
    );
    expect(after.attempts).toHaveLength(2);
  });
});

const LOST = { stripe: "lost_or_stolen", paypal: "card_restricted" } as const;

it("is not authorized for the first time after a hard decline elsewhere: PayPal's open order is only watched", async () => {
  await preferring(engine, "paypal", async (fresh) => {
    engine.sandbox.setFault("paypal", { kind: "hang_before", operation: "commit" });
    engine.sandbox.setFault("paypal", { kind: "hang_before", operation: "lookup" });
    engine.sandbox.setFault("stripe", declined("stripe"));
    const { charge } = await fresh.charges.create(chargeInput(FIRST));
    expect(charge).toMatchObject({ status: "in_doubt", provider: "paypal" });
    engine.sandbox.clearFaults();
    const after = await worked(fresh, charge, ({ status }) => status !== "in_doubt" && status !== "processing");
    expect(after).toMatchObject({ status: "failed", failure: { code: LOST.stripe } });
    expect(after.attempts).toMatchObject([{ live: false, outcome: "unknown", nextLookAt: expect.any(Date) }, { outcome: "declined" }]);
    expect(engine.sandbox.ledger().filter(({ chargeId }) => chargeId === charge.id)).toEqual([]);
  });
});

it("an orphan that nobody could see for a day is a dead letter, also of a charge that succeeded; replayed it is looked at, seen it is settled", async () => {
  await preferring(engine, "stripe", async (fresh) => {
    engine.sandbox.setFault("stripe", { kind: "hang_after", operation: "commit" });
    engine.sandbox.setFault("stripe", { kind: "hang_before", operation: "lookup" });
    const { charge } = await fresh.charges.create(chargeInput(FIRST));
    expect(charge).toMatchObject({ status: "succeeded", provider: "paypal" });
    const [orphan] = charge.attempts;
    const text = "update attempts set started_at = started_at - interval '25 hours', next_look_at = now() where id = $1";
    await fresh.db.query({ name: "a_day_later", text, values: [orphan?.id] });
    const letters = (): Promise<{ id: string; state: string }[]> =>
      fresh.db.query({ name: "letters_of", text: "select id, state from dead_letters where charge_id = $1", values: [charge.id] });
    const turn = async (): Promise<{ id: string; state: string }[]> => {
      await fresh.worker.pass();
      await fresh.worker.idle();
      return letters();
    };
    const [letter] = await eventually(turn, (found) => found.length > 0);
    expect(letter).toMatchObject({ state: "open" });
    await fresh.db.query({
      name: "much_later",
      text: "update attempts set next_look_at = now() + interval '1 hour' where id = $1",
      values: [orphan?.id],
    });
    engine.sandbox.clearFaults();
    await fresh.charges.replayDeadLetter({ accountId: charge.accountId, id: letter?.id as string, actor: "key:ops" });
    const after = await settled(fresh, charge);
    expect(after).toMatchObject({ status: "succeeded", attempts: [{ outcome: "approved", live: false }, { outcome: "approved" }] });
    expect(movedAt(engine.sandbox, charge.id)).toMatchObject({ paypal: 4200n });
  });
});

function refusingCapture(provider: Provider, no: Outcome): Provider {
  return new Proxy(provider, {
    get(target, name) {
      if (name === "capture") return async () => no;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function declined(provider: "stripe" | "paypal") {
  return { kind: "decline", operation: "commit", code: provider === "stripe" ? "lost_card" : "processor_9540" } as const;
}
