import { expect, test } from "vitest";
import { type ConditionState, nextCondition, type Pace, type Tell } from "../../../gateway/notify/condition.ts";

const MINUTE = 60_000;
const PACE: Pace = { onAfterMs: MINUTE, offAfterMs: 2 * MINUTE };
const BEGIN = Date.UTC(2026, 0, 1);

/** Looks every 5 s for as long as `holds` says; what was told, and at which minute. */
function told(minutes: number, holds: (minute: number) => boolean, pace = PACE): [Tell, number][] {
  const messages: [Tell, number][] = [];
  let state: ConditionState | undefined;
  for (let ms = 0; ms < minutes * MINUTE; ms += 5_000) {
    const next = nextCondition(state, holds(ms / MINUTE), BEGIN + ms, pace);
    state = next.state;
    if (next.tell) messages.push([next.tell, ms / MINUTE]);
  }
  return messages;
}

test("what holds is told once when it has held for a while, and its end once when it has been calm for a while", () => {
  expect(told(60, (minute) => minute >= 10 && minute < 20)).toEqual([
    ["begun", 11],
    ["ended", 22],
  ]);
});

test("what passes before it has held for that while is not told", () => {
  expect(told(60, (minute) => minute % 2 < 0.9)).toEqual([]);
});

test("what comes and goes all the time has one beginning, and one end when it is really over", () => {
  const messages = told(600, (minute) => minute < 300 && minute % 3 < 1.5);
  expect(messages.filter(([tell]) => tell !== "lasting").map(([tell]) => tell)).toEqual(["begun", "ended"]);
  expect(messages.length).toBeLessThanOrEqual(7);
  const [, end] = messages.at(-1)!;
  expect(end).toBeGreaterThan(300);
  expect(end).toBeLessThanOrEqual(335);
});

test("what comes back with pauses that are longer than the calm asks for more calm each time: a day of it is a few messages", () => {
  const messages = told(24 * 60, (minute) => minute % 10 < 5);
  expect(messages.filter(([tell]) => tell === "begun").length).toBeLessThanOrEqual(3);
  expect(messages.length).toBeLessThanOrEqual(12);
});

test("while it lasts there are reminders, each as far as, or further away than the one before", () => {
  const messages = told(5 * 24 * 60, () => true);
  expect(messages.slice(0, 4)).toEqual([
    ["begun", 1],
    ["lasting", 31],
    ["lasting", 91],
    ["lasting", 271],
  ]);
  const distances = messages.slice(1).map(([, at], i) => at - messages[i]![1]);
  expect(distances).toEqual(distances.toSorted((a, b) => a - b));
  expect(messages.length).toBe(10);
});

test("after a long calm the same trouble is a new one", () => {
  const messages = told(24 * 60, (minute) => minute % 480 >= 10 && minute % 480 < 20);
  expect(messages.map(([tell]) => tell)).toEqual(["begun", "ended", "begun", "ended", "begun", "ended"]);
  expect(messages.map(([, at]) => at)).toEqual([11, 22, 491, 502, 971, 982]);
});

test("a look that changes nothing remembers nothing", () => {
  const { state } = nextCondition(undefined, true, BEGIN, PACE);
  expect(nextCondition(state, true, BEGIN + 5_000, PACE).state).toBe(state);
});
