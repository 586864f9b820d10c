import CircuitBreaker from "opossum";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Breaker } from "../../../gateway/health/breaker.ts";

const DAY_MS = 86_400_000;
const isFault = (result: string) => result === "fault";
const ok = async () => "ok";
const fault = async () => "fault";

let breaker: Breaker;
beforeEach(() => {
  vi.useFakeTimers();
  breaker = new Breaker("psp");
});
afterEach(() => {
  breaker.shutdown();
  vi.useRealTimers();
});

/** Its reset timer went off. The rotation of its window, once a second, is left out: it would take seconds. */
function afterMonthOpen(): Breaker {
  vi.useRealTimers();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  const breaker = new Breaker("psp");
  breaker.open = true;
  vi.advanceTimersByTime(30 * DAY_MS);
  expect(breaker.open).toBe(false);
  return breaker;
}

function later<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  return Promise.withResolvers<T>();
}

describe("opossum in the call path", () => {
  it("refuses what the gate refuses, without sending it", async () => {
    const send = vi.fn(ok);
    expect(await breaker.fire(false, send, isFault)).toEqual({ fired: false });
    expect(send).not.toHaveBeenCalled();
    expect(breaker.stats).toMatchObject({ fires: 1, rejects: 1 });
  });

  it("admits what the gate admits, also while it is open, and is open again at once", async () => {
    breaker.open = true;
    const fired = breaker.fire(true, ok, isFault);
    expect(breaker.open).toBe(true);
    expect(await fired).toEqual({ fired: true, result: "ok", fault: false });
    expect(breaker.open).toBe(true);
  });

  it("follows the gate both ways, and a single verdict changes nothing for the next call", async () => {
    await breaker.fire(false, ok, isFault);
    expect(breaker.open).toBe(false);
    breaker.open = true;
    await breaker.fire(true, ok, isFault);
    expect(breaker.open).toBe(true);
    breaker.open = false;
    expect(breaker.open).toBe(false);
  });

  it("counts a fault as a failure and hands its result on", async () => {
    expect(await breaker.fire(true, fault, isFault)).toEqual({ fired: true, result: "fault", fault: true });
    expect(breaker.stats).toMatchObject({ failures: 1, successes: 0 });
  });

  it("lets a bug through as it was thrown, also a synchronous one", async () => {
    const bug = new TypeError("a bug");
    const asynchronous = () => Promise.reject(bug);
    const synchronous = () => {
      throw bug;
    };
    for (const send of [asynchronous, synchronous]) await expect(breaker.fire(true, send, isFault)).rejects.toBe(bug);
  });

  it("sends nothing after it was shut down, whatever the gate does then", async () => {
    const send = vi.fn(ok);
    breaker.shutdown();
    breaker.open = true;
    breaker.open = false;
    expect(await breaker.fire(true, send, isFault)).toEqual({ fired: false });
    expect(send).not.toHaveBeenCalled();
  });
});

describe("opossum's own faults do not bite:", () => {
  it("one failure opens it without a volume threshold", async () => {
    const bare = new CircuitBreaker(() => Promise.reject(new Error("down")));
    await bare.fire().catch(() => {});
    expect(bare.opened).toBe(true);
    bare.shutdown();

    for (let i = 0; i < 1_000; i++) await breaker.fire(true, fault, isFault);
    expect(breaker.open).toBe(false);
  });

  it("a failure whose start left its window is an infinite error rate", async () => {
    const bareCall = later<never>();
    const bare = new CircuitBreaker(() => bareCall.promise, { timeout: false, errorThresholdPercentage: 100 });
    const bareFired = bare.fire().catch(() => {});
    vi.advanceTimersByTime(20_000);
    bareCall.reject(new Error("down"));
    await bareFired;
    expect(bare.opened).toBe(true);
    bare.shutdown();

    const call = later<string>();
    const fired = breaker.fire(true, () => call.promise, isFault);
    vi.advanceTimersByTime(20_000);
    call.resolve("fault");
    await fired;
    expect(breaker.open).toBe(false);
  });

  it("a late success from before the opening closes it when it is half open", async () => {
    const bareCall = later<string>();
    const bare = new CircuitBreaker(() => bareCall.promise, { timeout: false, resetTimeout: 1_000 });
    const bareFired = bare.fire();
    bare.open();
    vi.advanceTimersByTime(1_000);
    bareCall.resolve("ok");
    await bareFired;
    expect(bare.closed).toBe(true);
    bare.shutdown();

    const call = later<string>();
    const fired = breaker.fire(true, () => call.promise, isFault);
    breaker.open = true;
    vi.advanceTimersByTime(60_000);
    call.resolve("ok");
    await fired;
    expect(breaker.open).toBe(true);
  });

  it("an infinite reset timeout half-opens at once, and its longest one ends after 24.8 days", async () => {
    const breaker = afterMonthOpen();
    const send = vi.fn(ok);
    expect(await breaker.fire(false, send, isFault)).toEqual({ fired: false });
    expect(send).not.toHaveBeenCalled();
    expect(breaker.open).toBe(true);
  });

  it("a success, or an error that a filter calls one, closes it while half open", async () => {
    const breaker = afterMonthOpen();
    await breaker.fire(true, ok, isFault);
    expect(breaker.open).toBe(true);
  });

  it("a result after its timeout is dropped", async () => {
    const bare = new CircuitBreaker(() => new Promise((resolve) => setTimeout(resolve, 60_000, "paid")));
    const bareFired = expect(bare.fire()).rejects.toThrow("Timed out");
    await vi.advanceTimersByTimeAsync(60_000);
    await bareFired;
    bare.shutdown();

    const fired = breaker.fire(true, () => new Promise<string>((resolve) => setTimeout(resolve, 60_000, "paid")), isFault);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await fired).toEqual({ fired: true, result: "paid", fault: false });
  });
});
