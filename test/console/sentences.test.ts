import { describe, expect, it } from "vitest";
import type { Provider } from "../../gateway/console/src/data/providers.ts";
import type { ChargeInFull } from "../../gateway/console/src/pages/charges/charge.ts";
import { summaryOf } from "../../gateway/console/src/pages/charges/summary.ts";
import { type Facts, stateOf } from "../../gateway/console/src/pages/overview/state.ts";
import { consequences } from "../../gateway/console/src/pages/providers/override-words.ts";
import { fromNow, major, money } from "../../gateway/console/src/parts/words.ts";

const NOW = Date.parse("2026-11-22T14:00:00Z");

function provider(id: string, more: Partial<Provider> = {}): Provider {
  return {
    id,
    health: "up",
    reason: null,
    verified: true,
    breaker: {
      state: "closed",
      scope: "fleet",
      reason: null,
      since: "2026-11-22T13:00:00Z",
      open_until: null,
      trips: 0,
      fault_rate: 0,
      weight: 1,
    },
    approval: { rate: 0.9, outcomes: 10 },
    latency_ms: { p50: 10, p95: 20, p99: 30 },
    share: 0.5,
    in_flight: 0,
    override: null,
    ...more,
  };
}

const OPEN = { ...provider("x").breaker, state: "open" as const, reason: "half of the last attempts were faults" };
const away = (id: string) => provider(id, { health: "unavailable", breaker: OPEN });
const NOTHING = { deferred: [], in_doubt: [], dead_letters: [] };
const facts = (more: Partial<Facts>): Facts => ({
  providers: [provider("stripe"), provider("paypal")],
  queue: NOTHING,
  recent: { succeeded: 98, failed: 2, minutes: 15 },
  now: NOW,
  ...more,
});

describe("the sentence of state", () => {
  it("says that money flows, and how well", () => {
    expect(stateOf(facts({}))).toEqual({
      tone: "good",
      headline: "Money is flowing.",
      details: ["98% of 100 charges in the last 15 minutes succeeded."],
    });
  });

  it("names who is left out, why, and when it is tested again", () => {
    const { tone, headline, details } = stateOf(facts({ providers: [away("stripe"), provider("paypal")] }));
    expect({ tone, headline }).toEqual({ tone: "warn", headline: "Money is flowing, without Stripe." });
    expect(details).toContain(
      "Stripe is not asked, because half of the last attempts were faults. It is tested again with the next charges.",
    );
  });

  it("names the day, when a person's decision ends on another one", () => {
    const override = { mode: "down" as const, reason: "Drill", actor: "key:k", created_at: "2026-11-22T14:00:00Z" };
    const out = (expires_at: string) =>
      stateOf(facts({ providers: [{ ...away("stripe"), override: { ...override, expires_at } }, provider("paypal")] })).details[1];
    expect(out("2026-11-22T14:30:00Z")).toMatch(/^Stripe was taken out by hand \(Drill\), until \d\d:30\.$/);
    expect(out("2026-11-24T14:00:00Z")).toMatch(/until 24 Nov, \d\d:00\.$/);
  });

  it("says that no money flows when nobody can be asked, and what waits", () => {
    const deferred = [{ currency: "usd", count: 2, amount: 8400, oldest_at: "2026-11-22T13:59:00Z" }];
    const { tone, headline, details } = stateOf(facts({ providers: [away("stripe"), away("paypal")], queue: { ...NOTHING, deferred } }));
    expect({ tone, headline }).toEqual({ tone: "bad", headline: "No money is flowing: no processor can be used." });
    expect(details).toContain("2 charges wait ($84.00) and will be collected when a processor returns.");
  });

  it("does not call it flowing while the only ones left are being tested", () => {
    const tested = provider("paypal", { health: "testing" });
    expect(stateOf(facts({ providers: [away("stripe"), tested] })).headline).toBe("Money is coming back: PayPal is being tested.");
  });

  it("does not call silence a success, nor declines alone a flow", () => {
    expect(stateOf(facts({ recent: { succeeded: 0, failed: 0, minutes: 15 } })).headline).toBe("Ready. No money is asked for.");
    expect(stateOf(facts({ recent: { succeeded: 0, failed: 3, minutes: 15 } })).tone).toBe("bad");
  });
});

describe("what a forced decision will do", () => {
  const told = (mode: "down" | "only" | "up", one: Provider, other: Provider) =>
    consequences({ mode, provider: one, all: [one, other], until: null, now: NOW }).join(" ");

  it("says who takes over, and what happens to charges that only this one can take", () => {
    expect(told("down", provider("stripe"), provider("paypal"))).toContain("PayPal takes its share, 50% of the recent attempts.");
  });

  it("warns that no money will flow when there is nobody else", () => {
    expect(told("down", provider("stripe"), away("paypal"))).toContain("No money flows meanwhile.");
  });

  it("warns before a provider that does not work is the only one, or is forced up", () => {
    expect(told("only", away("stripe"), provider("paypal"))).toContain("until it can, every charge is kept");
    expect(told("up", away("stripe"), provider("paypal"))).toContain("some will be in doubt");
  });
});

describe("what support reads of a charge", () => {
  /** What the sentences are made of. */
  const told = (more: object) =>
    summaryOf({
      status: "succeeded",
      provider: "stripe",
      amount: 5_000,
      amount_captured: 5_000,
      amount_refunded: 0,
      currency: "usd",
      settlement: null,
      disputed: false,
      attempts: [],
      events: [],
      refunds: [],
      disputes: [],
      ...more,
    } as unknown as ChargeInFull).slice(1);

  it("tells a refund that is on its way from one that nobody knows of", () => {
    const refunds = [
      { status: "succeeded", amount: 1_000 },
      { status: "deferred", amount: 700 },
      { status: "in_doubt", amount: 300 },
    ];
    expect(told({ amount_refunded: 1_000, refunds })).toEqual([
      "$10.00 went back to the customer.",
      "$7.00 is on its way back.",
      "$3.00 was sent back, and nobody knows yet whether it arrived.",
    ]);
  });

  it("tells a dispute that goes on from one that was lost", () => {
    expect(told({ disputed: true, disputes: [{ status: "open" }] })).toEqual(["The customer disputes it: it cannot be refunded now."]);
    expect(told({ disputed: true, disputes: [{ status: "lost" }] })).toEqual([
      "The customer disputed it, and the dispute was lost: the money is gone.",
    ]);
  });
});

describe("a time", () => {
  it("is now when it has just been, though the page's clock lags, and never ahead of us", () => {
    expect([1_900, 0, -1_400, -2_000, 60_000].map((away) => fromNow(NOW + away, NOW))).toEqual([
      "now",
      "now",
      "now",
      "2 seconds ago",
      "in 1 minute",
    ]);
  });
});

describe("an amount", () => {
  it("has the decimals that the gateway counts in, also where a browser would write none", () => {
    expect([money(420_050, "huf"), money(4_200, "jpy"), money(4_200, "kwd"), money(-4_250, "usd")]).toEqual([
      "HUF\u00a04,200.50",
      "¥4,200",
      "KWD\u00a04.200",
      "-$42.50",
    ]);
    expect([major(420_050, "huf"), major(4_200, "iqd"), major(4_200, "jpy")]).toEqual([4200.5, 4.2, 4200]);
  });
});
