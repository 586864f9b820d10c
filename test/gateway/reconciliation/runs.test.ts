import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { reconcile } from "../../../gateway/reconciliation/run.ts";
import { recordFindings } from "../../../gateway/store/findings.ts";
import { changeFinding } from "../../../gateway/store/read-findings.ts";
import { Books, captured, FROM, HOUR, NOW, paymentOf, refundRecord, silence, strangePayment } from "./books.ts";

let books: Books;
beforeAll(async () => {
  books = await Books.open();
});
beforeEach(() => books.reset());
afterAll(() => books.close());

/** Ten charges that agree, on pages of three, and one payment too many on the last page. */
async function tenAndOne() {
  for (let i = 0; i < 10; i++) books.stripe.payments.push(paymentOf(await books.charge()));
  books.stripe.payments.push(strangePayment("pi_extra"));
  books.stripe.pageSize = 3;
}

const staged = async () => Number((await books.sql<{ n: bigint }>("select count(*) as n from reconciliation_records"))[0]?.n);
const events = (type: string) =>
  books.sql<{ data: Record<string, unknown>; actor: string }>("select data, actor from events where type = $1 order by id", [type]);

describe("a run", () => {
  it("reads pages to the end, tells what it read, and keeps no records", async () => {
    await tenAndOne();
    books.stripe.refunds.push(refundRecord("re_1"));
    const ended = await books.reconcile();
    expect(ended).toMatchObject({
      kind: "finished",
      report: {
        records: { "stripe.payments": 11, "stripe.refunds": 1, "paypal.payments": 0, "paypal.refunds": 0 },
        findings: { seen: 2, new: 2, resolved: 0 },
        providers: { stripe: { state: "compared" }, paypal: { state: "compared" } },
      },
    });
    expect(books.stripe.queries.filter(({ what }) => what === "payments").map(({ cursor }) => cursor)).toEqual([null, "3", "6", "9"]);
    expect(await staged()).toBe(0);
    expect((await events("reconciliation.finished")).at(-1)).toMatchObject({
      data: { findings: { new: 2 } },
      actor: "system:reconciliation",
    });
  });

  it("again, finds the same and nothing new: a difference is one row while it is open", async () => {
    await tenAndOne();
    const told = (await events("reconciliation.finding")).length;
    await books.reconcile();
    books.nowMs += HOUR;
    const again = await books.reconcile();
    expect(again).toMatchObject({ report: { findings: { seen: 1, new: 0, resolved: 0 } } });
    expect(await books.open()).toHaveLength(1);
    expect((await events("reconciliation.finding")).length - told).toBe(1);
  });

  it("of one provider compares that one alone", async () => {
    const ours = await books.charge();
    books.stripe.looks.set(ours.object, { kind: "unpaid", object: ours.object });
    books.paypal.payments.push(strangePayment("capture_x"));
    expect(await books.differences({ provider: "paypal" })).toEqual(["unknown_payment paypal capture_x"]);
    expect(books.stripe.queries).toEqual([]);
  });
});

describe("a provider that cannot be read", () => {
  it("fails the run on its second page, and nothing of it is called missing or unknown", async () => {
    await tenAndOne();
    const ours = await books.charge();
    books.stripe.looks.set(ours.object, { kind: "unpaid", object: ours.object });
    books.paypal.payments.push(strangePayment("capture_x"));
    books.stripe.onPage = ({ cursor }) => (cursor === "3" ? silence : null);
    const id = await books.newRun();
    const ended = await reconcile(books.parts(), id);
    expect(ended).toMatchObject({ kind: "failed", error: "stripe: the list of payments cannot be read: no answer" });
    expect((await books.open()).map(({ provider, subject }) => `${provider} ${subject}`)).toEqual(["paypal capture_x"]);
    expect(books.stripe.asked).toEqual([]);
    expect(await books.run(id)).toMatchObject({ state: "failed", error: expect.stringContaining("stripe") });
    expect((await events("reconciliation.failed")).at(-1)).toMatchObject({ data: { run: id } });
  });

  it("is read on from where it stopped when the run is taken up again", async () => {
    await tenAndOne();
    books.stripe.onPage = ({ cursor }) => (cursor === "6" ? silence : null);
    const id = await books.newRun();
    expect(await reconcile(books.parts(), id)).toMatchObject({ kind: "failed" });
    books.stripe.onPage = () => null;
    books.stripe.queries.length = 0;
    books.nowMs += 60_000;
    expect(await reconcile(books.parts(), id)).toMatchObject({ kind: "finished", report: { records: { "stripe.payments": 11 } } });
    expect(books.stripe.queries.map(({ what, cursor }) => `${what} ${cursor}`)).toEqual(["payments 6", "payments 9", "refunds null"]);
    expect(await books.open()).toMatchObject([{ subject: "pi_extra" }]);
  });

  it("is read anew when that was long ago", async () => {
    await tenAndOne();
    books.stripe.onPage = ({ cursor }) => (cursor === "6" ? silence : null);
    const id = await books.newRun();
    await reconcile(books.parts(), id);
    books.stripe.onPage = () => null;
    books.stripe.queries.length = 0;
    books.nowMs += 2 * HOUR;
    expect(await reconcile(books.parts(), id)).toMatchObject({ kind: "finished" });
    expect(books.stripe.queries[0]).toMatchObject({ cursor: null });
  });

  it("is not compared while its account is not verified (law 12)", async () => {
    books.stripe.payments.push(strangePayment("pi_x"));
    const parts = { ...books.parts(), accountOf: () => null };
    expect(await reconcile(parts, await books.newRun())).toMatchObject({
      kind: "failed",
      error: "stripe: its account is not verified; paypal: its account is not verified",
    });
    expect(books.stripe.queries).toEqual([]);
  });

  it("whose cursor goes round in a circle is no reason to go round with it", async () => {
    books.stripe.onPage = () => ({ kind: "page", records: [], next: "again" });
    expect(await books.reconcile()).toMatchObject({ kind: "failed", error: "stripe: the list of payments does not go on after again" });
  });
});

describe("a crash", () => {
  it("in the middle of the lists, or of comparing, leaves a run that another process ends, without a finding twice", async () => {
    await tenAndOne();
    books.stripe.payments.unshift(strangePayment("pi_first"));
    // One list at a time: the other one's reader is not dead with it, and would say meanwhile that the run is alive.
    const id = await books.newRun({ provider: "stripe" });
    books.stripe.onPage = ({ cursor }) => {
      if (cursor === "6") throw new Error("the process is gone");
      return null;
    };
    // What a killed process does not do: tell that it failed. Its lease ends by itself.
    const dead = books.parts();
    const deaf = {
      ...dead,
      db: {
        ...dead.db,
        query: (statement: Parameters<typeof dead.db.query>[0]) =>
          statement.name === "end_reconciliation" ? Promise.reject(new Error("gone")) : dead.db.query(statement),
      },
    } as typeof dead;
    await expect(reconcile(deaf, id)).rejects.toThrow("the process is gone");
    books.stripe.onPage = () => null;
    expect(await reconcile(books.parts(), id)).toEqual({ kind: "busy" });
    books.nowMs += 10 * 60_000;
    expect(await reconcile(books.parts(), id)).toMatchObject({ kind: "finished", report: { records: { "stripe.payments": 12 } } });
    expect(await books.open()).toHaveLength(2);
  });

  it("between a hint and its finding is made good: the next try hints again, and records", async () => {
    const one = await books.charge({ status: "failed", outcome: "declined", live: false });
    books.stripe.payments.push(paymentOf(one));
    const id = await books.newRun();
    const parts = books.parts();
    const dying = {
      ...parts,
      db: {
        ...parts.db,
        query: (statement: Parameters<typeof parts.db.query>[0]) =>
          statement.name === "record_findings" ? Promise.reject(new Error("gone")) : parts.db.query(statement),
      },
    } as typeof parts;
    await expect(reconcile(dying, id)).rejects.toThrow("gone");
    expect(await books.open()).toEqual([]);
    expect(await reconcile(books.parts(), id)).toMatchObject({ kind: "finished", report: { findings: { new: 1 } } });
  });

  it("of a run that was slow only: whoever lost it writes no page more", async () => {
    await tenAndOne();
    // One list at a time: the other one would say meanwhile that the run is alive.
    const id = await books.newRun({ provider: "stripe" });
    let other: ReturnType<typeof reconcile> | undefined;
    books.stripe.onPage = async ({ cursor, what }) => {
      if (cursor !== "3" || other !== undefined || what !== "payments") return null;
      books.nowMs += 10 * 60_000;
      other = reconcile(books.parts(), id);
      await other;
      return null;
    };
    expect(await reconcile(books.parts(), id)).toEqual({ kind: "busy" });
    expect(await other).toMatchObject({ kind: "finished" });
    expect(await books.open()).toHaveLength(1);
  });
});

describe("what changes during a run is no difference", () => {
  it("a charge that is collected after its record was read", async () => {
    const one = await books.charge({ status: "deferred", outcome: "not_sent", live: false });
    books.stripe.payments.push(paymentOf(one, { state: "none", amount: 0n }));
    books.stripe.onPage = async ({ what }) => {
      if (what !== "refunds") return null;
      await books.sql("update attempts set live = true, outcome = 'approved', provider_reference = object where id = $1", [one.attempt]);
      await books.sql("update charges set status = 'succeeded', amount_captured = 4200, provider_reference = $2 where id = $1", [
        one.id,
        one.reference,
      ]);
      return null;
    };
    books.stripe.looks.set(one.object, captured(one.reference));
    expect(await books.differences()).toEqual([]);
    expect(books.stripe.asked).toEqual([one.object]);
  });

  it("a hold that is released while the provider is asked about it", async () => {
    const one = await books.charge({ status: "failed", outcome: "declined", live: false });
    books.stripe.payments.push(paymentOf(one, { state: "held" }));
    books.stripe.looks.set(one.object, { kind: "approved", reference: one.reference, amount: 4200n, captured: false });
    books.stripe.onLook = async () => {
      await books.operation(one, { kind: "compensate", captured: false, amount: 4200n, state: "processing" });
    };
    const ended = await books.reconcile();
    expect(ended).toMatchObject({ kind: "finished", report: { findings: { seen: 0 }, under_way: 1 } });
    expect(await books.open()).toEqual([]);
  });

  it("what changed minutes ago is looked at by the next run", async () => {
    const one = await books.charge({ status: "failed", outcome: "declined", live: false });
    books.stripe.payments.push(paymentOf(one));
    await books.sql("update charges set updated_at = $2 where id = $1", [one.id, new Date(NOW - 60_000)]);
    expect(await books.reconcile()).toMatchObject({ report: { under_way: 1, findings: { seen: 0 } } });
    books.nowMs += HOUR;
    expect(await books.differences()).toEqual([`unknown_payment stripe ${one.reference}`]);
  });
});

describe("a finding is resolved by itself", () => {
  it("when a later run sees that the difference is gone: adopted, given back, corrected", async () => {
    const adopted = await books.charge({ status: "failed", outcome: "declined", live: false });
    const back = await books.charge({ status: "failed", outcome: "declined", live: false });
    books.stripe.payments.push(paymentOf(adopted), paymentOf(back), strangePayment("pi_gone"));
    expect(await books.differences()).toHaveLength(3);
    await books.sql("update attempts set live = true, outcome = 'approved', provider_reference = object where id = $1", [adopted.attempt]);
    await books.sql("update charges set status = 'succeeded', amount_captured = 4200, provider_reference = $2 where id = $1", [
      adopted.id,
      adopted.reference,
    ]);
    await books.operation(back, { kind: "compensate", amount: 4200n, reference: "re_back" });
    books.stripe.refunds.push(refundRecord("re_back", { payment: back.reference, amount: 4200n }));
    books.stripe.payments.pop();
    books.nowMs += HOUR;
    expect(await books.differences()).toEqual([]);
    const resolved = await books.open("resolved");
    expect(resolved.map(({ closed_by }) => closed_by)).toEqual(Array(3).fill("system:reconciliation"));
    expect(
      (await events("reconciliation.resolved"))
        .slice(-3)
        .map(({ data }) => data.subject)
        .sort(),
    ).toEqual([adopted.reference, back.reference, "pi_gone"].sort());
  });

  it("of another day too, by a look at the payment; and not while the provider is silent", async () => {
    const one = await books.charge();
    books.stripe.looks.set(one.object, { kind: "unpaid", object: one.object });
    expect(await books.differences()).toEqual([`missing_payment stripe ${one.reference}`]);
    books.nowMs = NOW + 240 * HOUR;
    const later = { from: new Date(NOW + 192 * HOUR), to: new Date(NOW + 216 * HOUR) };
    books.stripe.looks.delete(one.object);
    expect(await books.differences(later)).toHaveLength(1);
    books.stripe.looks.set(one.object, captured(one.reference));
    books.nowMs += HOUR;
    expect(await books.differences(later)).toEqual([]);
  });

  it("but one that a webhook told stays, where the list that was read does not reach to its payment", async () => {
    const finding = {
      ...{ id: "fd_hook", account_id: "acct_default", kind: "unknown_payment" as const, provider: "stripe", subject: "pi_hook" },
      ...{ charge_id: null, attempt_id: null, operation_id: null, our_amount: null, their_amount: "900", currency: "usd" },
      detail: { event: "evt_1", at: new Date(FROM.getTime() + HOUR).toISOString() },
    };
    await recordFindings(books.db, [finding], { actor: "system:webhook", now: FROM });
    expect(await books.differences()).toEqual(["unknown_payment stripe pi_hook"]);
    const ours = await books.charge({ reference: "pi_hook" });
    books.stripe.payments.push(paymentOf(ours));
    expect(await books.differences()).toEqual([]);
  });

  it("but not by a run that looked elsewhere, or could not read", async () => {
    books.stripe.payments.push(strangePayment("pi_x"));
    expect(await books.differences()).toHaveLength(1);
    books.nowMs = NOW + 240 * HOUR;
    await books.reconcile({ from: new Date(NOW + 192 * HOUR), to: new Date(NOW + 216 * HOUR) });
    await books.reconcile({ provider: "paypal" });
    books.stripe.onPage = () => silence;
    await books.reconcile();
    expect(await books.open()).toHaveLength(1);
  });
});

it("what a person resolved is not told again, unless its amounts change", async () => {
  books.stripe.payments.push(strangePayment("pi_known"));
  await books.reconcile();
  const [finding] = await books.open();
  const by = { id: finding!.id, accountId: "acct_default", actor: "key:ops", now: new Date(books.nowMs) };
  await changeFinding(books.db, by, { state: "resolved", note: "the shop's own" });
  expect(await books.differences()).toEqual([]);
  books.stripe.payments[0] = strangePayment("pi_known", { amount: 901n });
  expect(await books.differences()).toEqual(["unknown_payment stripe pi_known"]);
});
