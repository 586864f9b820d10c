import { expect, it } from "vitest";
import { ClockGuard } from "../../gateway/clock-guard.ts";
import type { Database } from "../../gateway/store/database.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** A database whose clock is `aheadMs` ahead of ours, and which answers after `slowMs`, half of it before it looks at its clock. */
function database(clock: ManualClock, aheadMs: () => number, slowMs = 0): Database {
  const query = async () => {
    clock.pass(slowMs / 2);
    const now = new Date(clock.now() + aheadMs());
    clock.pass(slowMs / 2);
    return [{ now }];
  };
  return { query } as unknown as Database;
}

it.each([
  [0, 0, true],
  [4_900, 0, true],
  [5_100, 0, false],
  [-5_100, 0, false],
  [0, 3_000, true],
  [4_900, 1_000, false],
])("with the database %i ms ahead and answering in %i ms, may send: %s", async (aheadMs, slowMs, ok) => {
  const clock = new ManualClock();
  const guard = new ClockGuard(
    database(clock, () => aheadMs, slowMs),
    clock,
  );
  await guard.check();
  expect(guard.ok()).toBe(ok);
});

it.each([7_000, -7_000])("a slow answer does not hide that the clock is %i ms off (simulator, seed 5030)", async (aheadMs) => {
  for (const slowMs of [0, 7_000, 14_000, 20_000]) {
    const clock = new ManualClock();
    const guard = new ClockGuard(
      database(clock, () => aheadMs, slowMs),
      clock,
    );
    await guard.check();
    expect(guard.ok(), `answered in ${slowMs} ms`).toBe(false);
    expect(Math.abs(guard.skewMs)).toBeGreaterThanOrEqual(7_000);
  }
});

it("sends nothing after a jump of the wall clock, until the next check", async () => {
  const clock = new ManualClock();
  let jumpMs = 0;
  const jumping = Object.assign(Object.create(clock) as ManualClock, {
    now: () => clock.now() + jumpMs,
    monotonic: () => clock.monotonic(),
  });
  const guard = new ClockGuard(
    database(clock, () => jumpMs),
    jumping,
  );
  await guard.check();
  expect(guard.ok()).toBe(true);
  jumpMs = 86_400_000;
  expect(guard.ok()).toBe(false);
  await guard.check();
  expect(guard.ok()).toBe(true);
});
