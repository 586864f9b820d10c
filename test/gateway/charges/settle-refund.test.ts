import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import type { Operation } from "../../../gateway/charges/operation.ts";
import type { ResolveRefund } from "../../../gateway/charges/service.ts";
import { claimOperations } from "../../../gateway/store/operations.ts";
import { Call } from "../../../providers/contract/call.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Declined, Outcome } from "../../../providers/contract/outcome.ts";
import { PROVIDERS, type ProviderId, RefundStage } from "./refund-stage.ts";

let stage: RefundStage;
beforeAll(async () => {
  stage = await RefundStage.open();
});
beforeEach(() => stage.reset());
afterAll(() => stage.engine.close());

const lost: Outcome = { kind: "unknown", cause: "connection_lost", detail: "test" };
const unreachable = async (): Promise<Outcome> => ({ kind: "unknown", cause: "timeout", detail: "test" });
const seenThere = (reference: string): Outcome => ({ kind: "approved", reference, amount: 1_000n, captured: true });
const refusedThere: Declined = {
  kind: "declined",
  reason: "refund_failed",
  source: "provider",
  advice: "never",
  retryAfterS: null,
  providerCode: "x",
  networkCode: null,
};

/** Sent, and nobody knows: carried out there, or not. It is a dead letter already. */
async function inDoubt(provider: ProviderId = "stripe", executed = false): Promise<{ charge: Charge; refund: Operation }> {
  const charge = await stage.paid(provider);
  return { charge, refund: await doubtAbout(charge, executed) };
}

async function doubtAbout(charge: Charge, executed = false): Promise<Operation> {
  stage.between.refund = async (real, ...args) => {
    if (executed) await real(...args);
    return lost;
  };
  stage.between.lookup = unreachable;
  const { id } = await stage.refund(charge);
  await stage.age({ id }, 25);
  const refund = await stage.turn({ id });
  expect(refund.state).toBe("in_doubt");
  stage.between.refund = null;
  stage.between.lookup = null;
  return refund;
}

function byHand(refund: Operation, outcome: ResolveRefund["outcome"], providerReference: string | null = null): ResolveRefund {
  return {
    accountId: "acct_default",
    actor: "key:ops",
    refundId: refund.id,
    outcome,
    providerReference,
    reason: "looked at the dashboard",
  };
}

const settle = (...args: Parameters<typeof byHand>) => stage.engine.charges.resolveRefund(byHand(...args));

/** What the provider knows it by. */
async function idThere(refund: Operation): Promise<string> {
  const request = { ...refund, key: refund.providerKey, object: refund.object as string };
  const money = { amount: refund.amount, currency: refund.currency };
  const call = new Call({ clock: systemClock, timeoutMs: 5_000 });
  const seen = await stage.engine.core.providers.get(refund.provider)!.lookupRefund!({ ...request, money }, null, call);
  return seen.kind === "approved" ? seen.reference : expect.fail(`carried out, and shown as ${seen.kind}`);
}

async function toldByHand(charge: Charge): Promise<object | undefined> {
  const [event] = await stage.sql<{ actor: string; data: object }>(
    "select actor, data from events where charge_id = $1 and type = 'refund.resolved_by_hand'",
    charge.id,
  );
  return event;
}

describe.each(PROVIDERS)("a refund in doubt at %s", (provider) => {
  it("that was never carried out is settled as not refunded: its amount is free, its letter closed, its author in the trail", async () => {
    const { charge, refund } = await inDoubt(provider);
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 1_000n });
    const settled = await settle(refund, "not_refunded");
    expect(settled).toMatchObject({ state: "failed", failure: { code: "resolved_not_refunded" }, leaseUntil: null });
    expect(await stage.read(refund)).toEqual({ ...settled, tries: 0, ambiguous: true });
    expect(await stage.amounts(charge)).toEqual({ refunded: 0n, reserved: 0n });
    expect(await stage.letters(charge)).toMatchObject([{ state: "settled", operation_id: refund.id }]);
    expect((await stage.events(charge)).slice(-2)).toEqual(["refund.failed", "refund.resolved_by_hand"]);
    expect(await toldByHand(charge)).toEqual({
      actor: "key:ops",
      data: { refund: refund.id, outcome: "not_refunded", reason: "looked at the dashboard", reference: null, checked: false },
    });
    expect(stage.movedBack(charge)).toEqual([]);
    expect((await stage.refund(charge, { amount: 10_000n })).state).toBe("succeeded");
  });

  it("that was carried out is settled with the provider's own reference only, and never as not refunded", async () => {
    const { charge, refund } = await inDoubt(provider, true);
    const reference = await idThere(refund);
    for (const wrong of [byHand(refund, "refunded", "re_other"), byHand(refund, "not_refunded")]) {
      await expect(stage.engine.charges.resolveRefund(wrong)).rejects.toMatchObject({ code: "provider_disagrees" });
      expect(await stage.read(refund)).toMatchObject({ state: "in_doubt", leaseUntil: null });
    }
    expect(await settle(refund, "refunded", reference)).toMatchObject({ state: "succeeded", providerReference: reference });
    expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 1_000n });
    expect(await stage.letters(charge)).toMatchObject([{ state: "settled" }]);
    expect(await toldByHand(charge)).toMatchObject({ data: { reference, checked: true } });
    expect(stage.movedBack(charge)).toEqual([1_000n]);
  });
});

describe("a person's word", () => {
  it("of a refund made by hand is taken when the provider shows it, and refused when it shows none", async () => {
    const { charge, refund } = await inDoubt();
    await expect(settle(refund, "refunded", "re_nobodys")).rejects.toMatchObject({ code: "provider_disagrees" });
    stage.between.lookup = async (_real, _request, id) =>
      id === null ? { kind: "unknown", cause: "unexpected", detail: "no such refund" } : seenThere(id);
    expect(await settle(refund, "refunded", "re_by_hand")).toMatchObject({ state: "succeeded", providerReference: "re_by_hand" });
    expect(await toldByHand(charge)).toMatchObject({ data: { checked: true } });
  });

  it("is taken unchecked while the provider cannot be reached, and the trail says so", async () => {
    const { charge, refund } = await inDoubt();
    stage.between.lookup = unreachable;
    expect(await settle(refund, "refunded", "re_unseen")).toMatchObject({ state: "succeeded", providerReference: "re_unseen" });
    expect(await toldByHand(charge)).toMatchObject({ data: { checked: false } });
  });

  it("about the reference of another charge's refund is refused, also while the provider cannot be reached", async () => {
    const elsewhere = await stage.refund(await stage.paid("paypal"));
    const { refund } = await inDoubt("paypal");
    await expect(settle(refund, "refunded", elsewhere.providerReference)).rejects.toMatchObject({ code: "provider_disagrees" });
    stage.between.lookup = unreachable;
    await expect(settle(refund, "refunded", elsewhere.providerReference)).rejects.toMatchObject({ code: "provider_disagrees" });
  });

  it("about another refund's reference is refused, whether that one knows it already or is in doubt as well", async () => {
    const { charge, refund } = await inDoubt();
    const known = await stage.refund(charge);
    expect(known.state).toBe("succeeded");
    await expect(settle(refund, "refunded", known.providerReference)).rejects.toMatchObject({ code: "provider_disagrees" });

    const other = await doubtAbout(charge, true);
    stage.between.lookup = async (_real, { key }, id) => {
      if (id !== null || key === other.providerKey) return seenThere("re_of_the_other");
      return { kind: "unknown", cause: "unexpected", detail: "no such refund" };
    };
    await expect(settle(refund, "refunded", "re_of_the_other")).rejects.toMatchObject({ code: "provider_disagrees" });
    stage.between.lookup = unreachable;
    await expect(settle(refund, "refunded", "re_of_the_other")).rejects.toMatchObject({ code: "provider_disagrees" });
    expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 3_000n });
  });

  it.each([
    ["pending there", { kind: "pending", reference: "re_there", reason: "bank" }],
    ["failed there", refusedThere],
  ] as const)("that it was refunded is refused while it is %s", async (_what, answer) => {
    const { refund } = await inDoubt();
    stage.between.lookup = async () => answer;
    await expect(settle(refund, "refunded", "re_there")).rejects.toMatchObject({ code: "provider_disagrees" });
    if (answer.kind === "pending") await expect(settle(refund, "not_refunded")).rejects.toMatchObject({ code: "provider_disagrees" });
    else expect(await settle(refund, "not_refunded")).toMatchObject({ state: "failed" });
  });

  it("waits while our own breaker lets no question pass: that is no unreachable provider", async () => {
    const { refund } = await inDoubt();
    stage.between.lookup = async () => ({ kind: "unknown", cause: "not_asked", detail: "test" });
    await expect(settle(refund, "not_refunded")).rejects.toMatchObject({ code: "resolution_in_progress" });
    expect(await stage.read(refund)).toMatchObject({ state: "in_doubt", leaseUntil: null });
  });
});

describe("what cannot be settled by hand", () => {
  it("is a refund that is decided, or that the provider has in work for less than 30 days", async () => {
    const charge = await stage.paid("stripe", "pm_card_pendingRefund");
    const refund = await stage.refund(charge);
    expect(refund.state).toBe("pending");
    stage.between.lookup = unreachable;
    await expect(settle(refund, "not_refunded")).rejects.toMatchObject({ code: "refund_not_in_doubt" });
    await stage.age(refund, 24 * 31);
    // Its reference is known: another one is another refund.
    await expect(settle(refund, "refunded", "re_other")).rejects.toMatchObject({ code: "provider_disagrees" });
    expect(await settle(refund, "not_refunded")).toMatchObject({ state: "failed", ambiguous: true });
    await expect(settle(refund, "not_refunded")).rejects.toMatchObject({ code: "refund_not_in_doubt" });
  });

  it("is one that does not exist, or is another account's", async () => {
    const { refund } = await inDoubt();
    const other = { ...byHand(refund, "not_refunded"), accountId: "acct_other" };
    await expect(stage.engine.charges.resolveRefund(other)).rejects.toMatchObject({ code: "not_found" });
  });

  it("is one that somebody is at", async () => {
    const { refund } = await inDoubt();
    await stage.due(refund);
    await claimOperations(stage.engine.db, { now: new Date(), leaseUntil: new Date(Date.now() + 30_000), limit: 10 });
    await expect(settle(refund, "not_refunded")).rejects.toMatchObject({ code: "resolution_in_progress" });
  });

  it("is one that another person settles at the same moment, or that was taken over meanwhile", async () => {
    const { charge, refund } = await inDoubt();
    const both = await Promise.allSettled([settle(refund, "not_refunded"), settle(refund, "not_refunded")]);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const lostOne = both.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(lostOne.reason).toMatchObject({ code: expect.stringMatching(/^(resolution_in_progress|refund_not_in_doubt)$/) });
    expect((await stage.events(charge)).filter((type) => type === "refund.resolved_by_hand")).toHaveLength(1);

    const slow = await doubtAbout(charge);
    stage.between.lookup = async () => {
      await stage.sql("update operations set lease_no = lease_no + 1 where id = $1", slow.id);
      return lost;
    };
    await expect(settle(slow, "not_refunded")).rejects.toMatchObject({ code: "resolution_in_progress" });
    expect((await stage.read(slow)).state).toBe("in_doubt");
  });
});

describe("a refund that was settled as not refunded, and was carried out after all", () => {
  it("is found by a later look, and counts", async () => {
    const { charge, refund } = await inDoubt("stripe", true);
    const sent = stage.sent(refund);
    stage.between.lookup = unreachable;
    await settle(refund, "not_refunded");
    const [due] = await stage.sql<{ soon: boolean }>(
      "select next_action_at between now() and now() + interval '61 s' as soon from operations where id = $1",
      refund.id,
    );
    expect(due?.soon).toBe(true);
    stage.between.lookup = null;
    expect(await stage.turnsUntil(refund, "succeeded")).toMatchObject({ failure: null });
    expect(await stage.amounts(charge)).toEqual({ refunded: 1_000n, reserved: 1_000n });
    expect(stage.movedBack(charge)).toEqual([1_000n]);
    expect(stage.sent(refund)).toBe(sent);
  });

  it("is a dead letter where its amount was given to others meanwhile", async () => {
    const { charge, refund } = await inDoubt("stripe", true);
    stage.between.lookup = unreachable;
    await settle(refund, "not_refunded");
    stage.between.lookup = null;
    await stage.sql("update charges set amount_reserved = 10000, amount_refunded = 10000 where id = $1", charge.id);
    expect((await stage.turn(refund)).state).toBe("failed");
    expect(await stage.letters(charge)).toMatchObject([{ state: "settled" }, { state: "open", kind: "refund", operation_id: refund.id }]);
  });
});
