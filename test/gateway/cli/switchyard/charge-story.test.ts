import { expect, it } from "vitest";
import { type EventJson, storyOf, type ToldCharge } from "../../../../gateway/cli/switchyard/charge-story.ts";
import { chargeSentence } from "../../../../gateway/cli/switchyard/charge-words.ts";

const CHARGE: ToldCharge = {
  id: "ch_1",
  livemode: true,
  status: "succeeded",
  amount: 4200,
  amount_captured: 4000,
  amount_refunded: 500,
  currency: "usd",
  disputed: true,
  reference: null,
  provider: "paypal",
  provider_reference: "CAP1",
  failure: null,
  deferred: null,
  authorized_until: null,
  attempts: [
    { id: "at_1", provider: "stripe", outcome: "unknown", reason: "timeout", latency_ms: 600, provider_reference: null },
    { id: "at_2", provider: "paypal", outcome: "approved", reason: null, latency_ms: 80, provider_reference: "CAP1" },
  ],
  created_at: "2026-11-01T00:00:00.000Z",
  events: [],
  refunds: [{ id: "re_1", amount: 500, reason: "goodwill" }],
  disputes: [],
};

function told(type: string, more: Partial<EventJson> = {}): string {
  const nothing = { attempt: null, provider: null, from_status: null, to_status: null, outcome: null, latency_ms: null, data: {} };
  const event: EventJson = { type, at: "2026-11-01T00:00:00.000Z", actor: "system:worker", ...nothing, ...more };
  return storyOf({ ...CHARGE, events: [event] }, [])[0]!.text;
}

const first = { attempt: "at_1", provider: "stripe" };
const second = { attempt: "at_2", provider: "paypal" };

it("tells what each kind of event means for the money", () => {
  expect([
    told("attempt.started", { ...first, to_status: "processing" }),
    told("charge.in_doubt", { ...first, from_status: "processing", outcome: "unknown", latency_ms: 600 }),
    told("attempt.finished", { ...first, outcome: "fenced", data: { cause: null } }),
    told("charge.succeeded", { ...second, outcome: "approved", latency_ms: 80 }),
    told("charge.failed", { ...first, outcome: "declined", data: { failure: "insufficient_funds" } }),
    told("charge.captured", { data: { amount: "4000", reference: "CAP1" } }),
    told("operation.started", { data: { kind: "capture" } }),
    told("operation.succeeded", { data: { kind: "capture" } }),
    told("charge.late_success", { data: { adopted: false, reference: "pi_1" } }),
    told("compensation.refunds", { data: { amount: "4200" } }),
    told("compensation.done", { data: { state: "voided" } }),
    told("charge.resolved_by_hand", { data: { outcome: "not_charged", reason: "seen in the dashboard" } }),
    told("refund.created", { data: { refund: "re_1" } }),
    told("refund.in_doubt", { data: { refund: "re_1" } }),
    told("dispute.opened", { data: { reason: "fraudulent" } }),
    told("dead_letter.opened", { data: { kind: "doubt", reason: "not settled for more than a day" } }),
    told("something.new"),
  ]).toEqual([
    "accepted: 42.00 USD; attempt 1 begins at stripe",
    "stripe gave no answer that can be trusted (timeout, after 600 ms): the money may have moved; nobody knows whether it was charged: it is looked up until that is known",
    "stripe can never execute the attempt any more: it is fenced",
    "paypal said yes (after 80 ms); the charge is paid",
    "stripe said no; the charge has failed (insufficient_funds)",
    "40.00 USD of the hold was taken (CAP1)",
    "a capture begins",
    "the capture is done: it succeeded",
    "an attempt that was given up was paid after all (pi_1): it goes back",
    "a hold that should be released was captured first: the money is refunded instead",
    "what was paid by an attempt that was given up has gone back (voided)",
    "settled by a person as not charged: seen in the dashboard",
    "a refund of 5.00 USD begins (goodwill): re_1",
    "the refund of 5.00 USD is in doubt",
    "the customer's bank disputes it (fraudulent)",
    "the machine gave up, and a person has to look: not settled for more than a day",
    "something new",
  ]);
});

it("says what a charge has come to, whatever its status", () => {
  const said = (more: Partial<ToldCharge>) => chargeSentence({ ...CHARGE, ...more });
  expect(said({})).toBe(
    "40.00 USD was collected at paypal (CAP1). 42.00 USD was asked for. 5.00 USD of it went back. A dispute about it is open, or was lost.",
  );
  expect(said({ status: "in_doubt" })).toContain("nobody knows yet whether it moved");
  expect(said({ status: "deferred", provider: null, deferred: { reason: "no_provider_available", until: "2026-11-04T00:00:00Z" } })).toBe(
    "42.00 USD is kept, and collected when a processor can take it, until 2026-11-04 00:00:00 UTC (no_provider_available).",
  );
  const failure = { code: "insufficient_funds", message: "The card has not enough money.", advice: "same_later" };
  expect(said({ status: "failed", failure })).toBe(
    "It failed, and no money was kept: The card has not enough money (insufficient_funds, advice same_later).",
  );
});
