import { describe, expect, it } from "vitest";
import { seeded } from "../../support/manual-clock.ts";
import { EventClock } from "./event-clock.ts";

describe("the event clock", () => {
  it("fires timers in order, each at its own moment, and those of one moment as they were set", () => {
    const clock = new EventClock();
    const random = seeded(1);
    const times = Array.from({ length: 300 }, () => Math.floor(50 * random()));
    const fired: { at: number; i: number; now: number }[] = [];
    for (const [i, at] of times.entries()) clock.after(at, () => fired.push({ at, i, now: clock.monotonic() }));
    clock.passTo(100);
    expect(fired.map(({ at }) => at)).toEqual(fired.map(({ now }) => now));
    expect(fired.map(({ i }) => i)).toEqual([...times.keys()].sort((a, b) => times[a]! - times[b]! || a - b));
    expect(clock.monotonic()).toBe(100);
  });

  it("fires what a timer sets, and not what was stopped", () => {
    const clock = new EventClock();
    const fired: string[] = [];
    clock.after(1, () => clock.after(1, () => fired.push("second")));
    const stop = clock.after(3, () => fired.push("stopped"));
    clock.after(2, stop);
    clock.passTo(10);
    expect(fired).toEqual(["second"]);
  });

  it("lets promises go on between timers", async () => {
    const clock = new EventClock();
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(1);
        seen.push(clock.monotonic());
      }
    };
    void work();
    await clock.passToInTurns(2, 4);
    expect(seen).toEqual([1, 2]);
  });
});
