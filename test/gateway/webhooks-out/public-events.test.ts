import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CHARGE_STATUSES } from "../../../gateway/charges/charge.ts";
import type { SealedEvent } from "../../../gateway/store/dispatch-events.ts";
import { isPublic, PATTERNS, PUBLIC_TYPES, subjectOf, toPublicEvent, wants } from "../../../gateway/webhooks-out/public-events.ts";

const EVENT: SealedEvent = {
  seq: 42n,
  at: new Date("2026-12-01T00:00:00Z"),
  account_id: "acct_default",
  type: "charge.succeeded",
  actor: "key:secret-name",
  charge_id: "ch_1",
  attempt_id: "at_1",
  provider: "stripe",
  amount: 999_999_999_999n,
  currency: "usd",
  to_status: "succeeded",
  data: { internal: "kept inside" },
};

test("what is internal stays inside: other types, actors, attempts and fields that are not named", () => {
  for (const type of [
    "attempt.started",
    "dead_letter.opened",
    "charge.late_success",
    "key.created",
    "webhook_endpoint.created",
    "toString",
  ])
    expect(isPublic(type)).toBe(false);
  const text = JSON.stringify(toPublicEvent(EVENT, undefined, true));
  expect(text).not.toMatch(/secret-name|at_1|kept inside/);
  expect(JSON.parse(text).data).toMatchObject({ id: "evt_42", amount: 999_999_999_999, livemode: true });
});

test("every status that a charge can come to is told", () => {
  for (const status of CHARGE_STATUSES) if (status !== "processing") expect(PUBLIC_TYPES).toContain(`charge.${status}`);
});

test("a pattern is an event, a group, or all", () => {
  expect(wants(["refund.*"], "refund.failed")).toBe(true);
  expect(wants(["refund.*"], "charge.failed")).toBe(false);
  expect(wants(["charge.failed"], "charge.failed")).toBe(true);
  expect(wants(["charge.fail"], "charge.failed")).toBe(false);
  expect(wants(["dispute.*", "*"], "charge.failed")).toBe(true);
  for (const type of PUBLIC_TYPES) expect(PATTERNS).toContain(`${type.split(".")[0]}.*`);
});

test("events are in order per charge, else per provider, payment method or for all of routing", () => {
  expect(subjectOf(EVENT)).toBe("ch_1");
  const alone = { ...EVENT, charge_id: null };
  expect(subjectOf({ ...alone, type: "provider.opened" })).toBe("provider:stripe");
  expect(subjectOf({ ...alone, type: "routing.recovered" })).toBe("routing");
  expect(subjectOf({ ...alone, type: "payment_method.deleted", data: { payment_method: "pm_1" } })).toBe("pm_1");
  expect(subjectOf({ ...alone, type: "reconciliation.finding" })).toBeNull();
});

test("the documentation names every event, and no other", () => {
  const text = readFileSync(new URL("../../../docs/webhooks-out.md", import.meta.url), "utf8");
  const named = [...text.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \|/gm)].map(([, name]) => name);
  expect([...named].sort()).toEqual([...PUBLIC_TYPES].sort());
});
