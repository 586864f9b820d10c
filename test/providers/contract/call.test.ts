import { expect, it } from "vitest";
import { Call, GateClosed } from "../../../providers/contract/call.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const never = new Promise<string>(() => {});
const classify = (error: unknown) => `threw ${(error as Error).message}`;

it("takes what the work answers, and closes in the same step", async () => {
  const call = new Call({ clock: new ManualClock(), timeoutMs: 100 });
  await expect(
    call.run(
      async () => "done",
      classify,
      () => "deadline",
    ),
  ).resolves.toBe("done");
  expect(call.closed).toBe(true);
});

it("turns a throw into a result, also a synchronous one", async () => {
  const fail = (): Promise<string> => {
    throw new Error("at once");
  };
  await expect(new Call({ clock: new ManualClock(), timeoutMs: 100 }).run(fail, classify, () => "deadline")).resolves.toBe("threw at once");
  await expect(
    new Call({ clock: new ManualClock(), timeoutMs: 100 }).run(
      () => Promise.reject(new Error("later")),
      classify,
      () => "deadline",
    ),
  ).resolves.toBe("threw later");
});

it("chooses the deadline's outcome, ends the sockets, and sends nothing more", async () => {
  const clock = new ManualClock();
  const call = new Call({ clock, timeoutMs: 100 });
  const ended: string[] = [];
  const running = call.run(
    () => never,
    classify,
    () => `deadline after ${call.wireAttempts}`,
  );
  call.countWireAttempt();
  call.onClose(() => ended.push("socket"));
  clock.pass(100);
  expect(ended).toEqual(["socket"]);
  expect(() => call.countWireAttempt()).toThrow(GateClosed);
  expect(() => call.assertMaySend()).toThrow(GateClosed);
  await expect(running).resolves.toBe("deadline after 1");
});

it("hears a late answer as evidence only", async () => {
  const clock = new ManualClock();
  const late: unknown[] = [];
  const call = new Call({ clock, timeoutMs: 100, onLate: (result) => late.push(result) });
  let answer = (_: string): void => {};
  const running = call.run(
    () => new Promise<string>((resolve) => (answer = resolve)),
    classify,
    () => "deadline",
  );
  clock.pass(100);
  await expect(running).resolves.toBe("deadline");
  answer("approved after all");
  await new Promise((resolve) => setImmediate(resolve));
  expect(late).toEqual(["approved after all"]);
});

it("asks before every send whether it still may", () => {
  let lease = true;
  const call = new Call({ clock: new ManualClock(), timeoutMs: 100, maySend: () => lease });
  call.countWireAttempt();
  lease = false;
  expect(() => call.countWireAttempt()).toThrow(GateClosed);
  expect(call.wireAttempts).toBe(1);
});

it("ends at once what is registered after it was closed", () => {
  const call = new Call({ clock: new ManualClock(), timeoutMs: 100 });
  call.close();
  let ended = false;
  call.onClose(() => (ended = true));
  expect(ended).toBe(true);
});
