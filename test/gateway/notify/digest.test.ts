import { expect, test } from "vitest";
import { addHappening, type DigestState, dueDigest } from "../../../gateway/notify/digest.ts";

const SECOND = 1_000;
const HOUR = 3_600_000;
const BEGIN = Date.UTC(2026, 0, 1);
const LETTER = { label: "doubt", amount: null, currency: null };

/** Looks every 10 s, and lets `arriving` happen between looks: the counts of each message, and when it was made, in seconds. */
function told(hours: number, arriving: (second: number) => number): [number, number][] {
  const messages: [number, number][] = [];
  let state: DigestState | undefined;
  for (let ms = 0; ms < hours * HOUR; ms += 10 * SECOND) {
    const now = BEGIN + ms;
    for (let i = 0; i < arriving(ms / SECOND); i++) state = addHappening(state, LETTER, now);
    const due = state && dueDigest(state, now);
    if (!due) continue;
    state = due.state;
    messages.push([due.tell.doubt!.count, ms / SECOND]);
  }
  return messages;
}

test("what comes together is one message, after a moment", () => {
  expect(told(1, (second) => (second === 100 ? 400 : second === 110 ? 100 : 0))).toEqual([[500, 120]]);
});

test("a flood for a day is a handful of messages, and each one is counted", () => {
  const messages = told(60, (second) => (second < 86_400 ? 1 : 0));
  expect(messages.length).toBeLessThanOrEqual(6);
  expect(messages.reduce((sum, [count]) => sum + count, 0)).toBe(8_640);
  const distances = messages.slice(1).map(([, at], i) => at - messages[i]![1]);
  expect(distances).toEqual(distances.toSorted((a, b) => a - b));
});

test("after a calm time the next one is told as quickly as the first", () => {
  expect(told(40, (second) => (second === 0 || second === 36 * 3_600 ? 1 : 0))).toEqual([
    [1, 20],
    [1, 36 * 3_600 + 20],
  ]);
});

test("amounts are added by currency, beyond what a number holds", () => {
  let state: DigestState | undefined;
  for (let i = 0; i < 3; i++) state = addHappening(state, { label: "", amount: 9_007_199_254_740_993n, currency: "usd" }, BEGIN);
  state = addHappening(state, { label: "", amount: 5n, currency: "eur" }, BEGIN);
  expect(dueDigest(state, BEGIN + HOUR)?.tell).toEqual({ "": { count: 4, amounts: { usd: "27021597764222979", eur: "5" } } });
});
