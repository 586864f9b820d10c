import { expect, it } from "vitest";
import { eventually } from "./engine.ts";
import { livedClock, stoodStillMs } from "./lived-clock.ts";

/** Nothing of this process runs meanwhile, as on a machine that stands still. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it("no deadline passes while the process stands still: what has arrived meanwhile is read first", async () => {
  let over = false;
  livedClock.after(100, () => (over = true));
  const before = livedClock.monotonic();
  standStill(400);
  expect(livedClock.monotonic() - before).toBeLessThan(100);
  await new Promise((resolve) => setImmediate(resolve));
  expect(over).toBe(false);
  await eventually(() => over, Boolean);
});

it("a standstill is known for a while, and a deadline that was taken back does not pass", async () => {
  let passed = 0;
  const stop = livedClock.after(10, () => (passed += 1));
  livedClock.after(30, () => (passed += 10));
  stop();
  standStill(400);
  expect(stoodStillMs()).toBeGreaterThanOrEqual(390);
  await eventually(
    () => passed,
    (count) => count > 0,
  );
  expect(passed).toBe(10);
});
