import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  APPROVAL_DECAY,
  ApprovalBook,
  decayedTo,
  PRIOR_APPROVAL_RATE,
  PRIOR_PER_PRIORITY,
  type Segment,
  segmentName,
  withOutcome,
} from "../../routing/approval.ts";

const CARD: Segment = { country: "US", type: "card", currency: "usd", brand: "visa" };

function counts(approved: number, declined: number) {
  return { approved, declined, at: 0 };
}

describe("approval counts", () => {
  it("halve in two minutes while there are many", () => {
    expect(decayedTo(counts(300, 100), 120_000, APPROVAL_DECAY)).toEqual({ approved: 150, declined: 50, at: 120_000 });
  });

  it("halve in thirty minutes where they are sparse", () => {
    expect(decayedTo(counts(20, 10), 1_800_000, APPROVAL_DECAY)).toEqual({ approved: 10, declined: 5, at: 1_800_000 });
  });

  it("decay the same in one step and in two", () => {
    const time = fc.integer({ min: 0, max: 3_600_000 });
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 400, noNaN: true }),
        fc.double({ min: 0, max: 400, noNaN: true }),
        time,
        time,
        (a, f, t1, t2) => {
          const once = decayedTo(counts(a, f), t1 + t2, APPROVAL_DECAY);
          const twice = decayedTo(decayedTo(counts(a, f), t1, APPROVAL_DECAY), t1 + t2, APPROVAL_DECAY);
          expect(twice.approved).toBeCloseTo(once.approved, 6);
          expect(twice.declined).toBeCloseTo(once.declined, 6);
        },
      ),
    );
  });

  it("never exceed 400, never go below zero, and ignore a clock that goes back", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -5_000, max: 5_000 })), { maxLength: 1_000 }), (outcomes) => {
        let now = 0;
        let have = counts(0, 0);
        for (const [approved, ms] of outcomes) {
          now += ms;
          have = withOutcome(have, approved, now, APPROVAL_DECAY);
        }
        expect(have.approved + have.declined).toBeLessThanOrEqual(400 + 1e-6);
        expect(Math.min(have.approved, have.declined)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("the approval book", () => {
  it("knows nothing at first: the configured order is the prior", () => {
    const book = new ApprovalBook();
    const [a, b] = ["a", "b"].map((provider, priority) => book.estimates(segmentName(CARD), 0)(provider, priority));
    expect(a).toEqual({
      rate: expect.closeTo(PRIOR_APPROVAL_RATE, 10),
      outcomes: 0,
      spread: expect.closeTo(Math.sqrt((0.87 * 0.13) / 40), 10),
    });
    expect(a!.rate - b!.rate).toBeCloseTo(PRIOR_PER_PRIORITY, 10);
  });

  it("believes that a provider never tried is like all of them together", () => {
    const book = new ApprovalBook();
    for (let i = 0; i < 400; i++) book.record("a", CARD, i % 2 === 0, 0);
    expect(book.estimates(segmentName(CARD), 0)("b", 0).rate).toBeCloseTo(0.5, 1);
  });

  it("is sure of what it has seen, and less so later", () => {
    const book = new ApprovalBook();
    for (let i = 0; i < 400; i++) book.record("a", CARD, i % 10 > 0, 0);
    const spreadAt = (now: number) => book.estimates(segmentName(CARD), now)("a", 0).spread;
    expect(spreadAt(0)).toBeCloseTo(0.019, 2);
    expect(spreadAt(0)).toBeLessThan(book.estimates(segmentName(CARD), 0)("b", 0).spread / 2);
    expect(spreadAt(600_000)).toBeGreaterThan(2 * spreadAt(0));
  });

  it("backs off from a segment to its provider", () => {
    const book = new ApprovalBook();
    for (let i = 0; i < 200; i++) book.record("a", { ...CARD, country: "BR" }, false, 0);
    expect(book.estimates(segmentName(CARD), 0)("a", 0).rate).toBeCloseTo(book.estimates(null, 0)("a", 0).rate, 10);
    for (let i = 0; i < 200; i++) book.record("a", CARD, true, 0);
    expect(book.estimates(segmentName(CARD), 0)("a", 0).rate).toBeGreaterThan(0.7);
    expect(book.estimates(segmentName({ ...CARD, country: "BR" }), 0)("a", 0).rate).toBeLessThan(0.3);
  });

  it("keeps bounded memory: the segment unused for the longest goes first", () => {
    const book = new ApprovalBook({ maxSegments: 2 });
    const inCountry = (country: string) => ({ ...CARD, country });
    for (const country of ["A", "B", "A", "C"]) book.record("a", inCountry(country), false, 0);
    expect(book.segments).toBe(2);
    const whole = book.estimates(null, 0)("a", 0).rate;
    expect(book.estimates(segmentName(inCountry("B")), 0)("a", 0).rate).toBe(whole);
    expect(book.estimates(segmentName(inCountry("A")), 0)("a", 0).rate).not.toBe(whole);
  });

  it("does not confuse segments whose parts contain separators", () => {
    const book = new ApprovalBook();
    book.record("a", { ...CARD, type: 'card","usd', brand: null }, false, 0);
    expect(book.segments).toBe(1);
    expect(book.estimates(segmentName(CARD), 0)("a", 0).rate).toBe(book.estimates(null, 0)("a", 0).rate);
  });
});
