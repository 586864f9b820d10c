import { describe, expect, it } from "vitest";
import type { ClaimedOperation, Learned, OperationState } from "../../../gateway/charges/operation.ts";
import { judgeOperation, NO_IS_FIRM_AFTER_MS } from "../../../gateway/charges/operation-verdict.ts";

const NOW = new Date("2026-11-01T12:00:00Z");

function operation(more: Partial<ClaimedOperation> = {}): ClaimedOperation {
  return {
    id: "re_1",
    kind: "refund",
    state: "processing",
    accountId: "acct_default",
    livemode: false,
    chargeId: "ch_1",
    attemptId: "at_1",
    provider: "stripe",
    providerAccount: "acct_stripe",
    providerKey: "re_1",
    object: "pi_1",
    reference: "pi_1",
    amount: 1_000n,
    currency: "usd" as ClaimedOperation["currency"],
    captured: true,
    whole: false,
    disputed: false,
    leaseNo: 1,
    leaseUntil: null,
    tries: 1,
    firstSentAt: NOW,
    ambiguous: false,
    providerReference: null,
    reason: null,
    metadata: {},
    failure: null,
    createdAt: NOW,
    updatedAt: NOW,
    sentBefore: false,
    ...more,
  };
}

const ANSWERS = {
  approved: { kind: "approved", reference: "re_there", amount: 1_000n, captured: true },
  pending: { kind: "pending", reference: "re_there", reason: "waiting" },
  declined: {
    kind: "declined",
    reason: "refund_failed",
    source: "provider",
    advice: "never",
    retryAfterS: null,
    providerCode: "no",
    networkCode: null,
  },
  refused: { kind: "not_sent", cause: "refused", fault: true, detail: "" },
  rejected: { kind: "not_sent", cause: "rejected", fault: false, detail: "400" },
  unknown: { kind: "unknown", cause: "timeout", detail: "" },
  requires_action: { kind: "requires_action", url: null },
  fenced: { kind: "fenced", object: "pi_1", decline: null },
} as const satisfies Record<string, Learned["answer"]>;

const verdict = (more: Partial<ClaimedOperation>, answer: keyof typeof ANSWERS, by: Learned["by"]) =>
  judgeOperation(operation(more), { answer: ANSWERS[answer], by }, NOW);

describe("what an answer means for a refund", () => {
  it.each<[Learned["by"], keyof typeof ANSWERS, OperationState]>([
    ["first", "approved", "succeeded"],
    ["first", "pending", "pending"],
    ["first", "declined", "failed"],
    ["first", "rejected", "failed"],
    ["first", "refused", "deferred"],
    ["first", "unknown", "in_doubt"],
    ["first", "requires_action", "in_doubt"],
    ["first", "fenced", "in_doubt"],
    ["replay", "approved", "succeeded"],
    ["replay", "pending", "pending"],
    ["replay", "declined", "in_doubt"],
    ["replay", "rejected", "in_doubt"],
    ["replay", "refused", "in_doubt"],
    ["replay", "unknown", "in_doubt"],
    ["look", "approved", "succeeded"],
    ["look", "pending", "pending"],
    ["look", "declined", "failed"],
    ["look", "rejected", "in_doubt"],
    ["look", "unknown", "in_doubt"],
  ])("to a %s: %s is %s", (by, answer, state) => {
    expect(verdict({ sentBefore: by !== "first" }, answer, by).state).toBe(state);
  });

  it("is proof only of the first send, and of no earlier key's", () => {
    expect(verdict({}, "refused", "first")).toEqual({ state: "deferred", unsent: true });
    expect(verdict({ ambiguous: true, state: "in_doubt" }, "refused", "first")).toEqual({ state: "in_doubt", unsent: true });
    expect(verdict({ ambiguous: true, state: "in_doubt" }, "rejected", "first").state).toBe("in_doubt");
  });

  it("is firm as a no once nothing else was heard for hours, and a send without an answer begins them anew", () => {
    const doubt = { state: "in_doubt", ambiguous: true, sentBefore: true } as const;
    const no = verdict(doubt, "declined", "replay");
    expect(no).toMatchObject({ state: "in_doubt", failure: { since: NOW.toISOString() } });
    const since = (ms: number) => ({ ...doubt, failure: { ...no.failure!, since: new Date(NOW.getTime() - ms).toISOString() } });
    expect(verdict(since(NO_IS_FIRM_AFTER_MS - 1), "declined", "replay").state).toBe("in_doubt");
    expect(verdict(since(NO_IS_FIRM_AFTER_MS), "declined", "replay").state).toBe("failed");
    expect(verdict(since(NO_IS_FIRM_AFTER_MS), "unknown", "replay")).toMatchObject({ state: "in_doubt", failure: null });
    expect(verdict(since(1), "unknown", "look").failure).toBeUndefined();
  });

  it.each(["pending", "succeeded", "failed"] as const)("takes nothing back from a %s one while it cannot be seen", (state) => {
    expect(verdict({ state }, "unknown", "look")).toEqual({ state });
  });

  it("moves a succeeded one only to failed, and a failed one to what its provider made of it", () => {
    expect(verdict({ state: "succeeded" }, "pending", "look")).toEqual({ state: "succeeded" });
    expect(verdict({ state: "succeeded" }, "declined", "look").state).toBe("failed");
    expect(verdict({ state: "failed" }, "approved", "look").state).toBe("succeeded");
  });

  it("ends the release of a hold only by its fence", () => {
    const hold = { kind: "compensate", captured: false } as const;
    expect(verdict(hold, "fenced", "look").state).toBe("succeeded");
    expect(verdict(hold, "approved", "look").state).toBe("in_doubt");
  });
});
