import { beforeEach, describe, expect, it } from "vitest";
import type { Currency } from "../../../providers/contract/money.ts";
import { isFault, OK, QUERY, SmallFleet } from "./small-fleet.ts";

let small: SmallFleet;
beforeEach(() => {
  small = new SmallFleet();
});

describe("the fleet", () => {
  it("uses no provider before its identity is verified, nor after it is no more", () => {
    small.fleet.markUnverified("a", "the account changed");
    expect(small.fleet.available()).toEqual(["b"]);
    expect(small.fleet.choose(QUERY)).toMatchObject({
      order: ["b"],
      candidates: [{ obstacle: { code: "unverified", detail: "the account changed" } }, {}],
    });
    expect(small.refusal("a").reason).toContain("not verified");
    expect(small.fleet.status()[0]).toMatchObject({ verified: false, health: "unavailable" });
  });

  it("knows which currencies a provider takes, and which providers the charge has a token for", () => {
    const eur = { ...QUERY, money: { amount: 1n, currency: "eur" as Currency } };
    expect(small.fleet.choose(eur).candidates[1]).toMatchObject({ unavailable: "never", obstacle: { code: "currency" } });
    expect(small.fleet.choose({ ...QUERY, providers: ["b"] }).candidates[0]).toMatchObject({ unavailable: "never" });
  });

  it("prefers the higher approval rate once enough issuers have answered; a decline is no fault", async () => {
    for (let i = 0; i < 40; i++) {
      await small.attempt("a", OK, OK);
      small.fleet.recordApproval("a", QUERY.segment, i % 2 === 0);
      small.fleet.recordApproval("b", QUERY.segment, true);
    }
    expect(small.fleet.choose(QUERY).order).toEqual(["b", "a"]);
    expect(small.state("a")).toBe("closed");
  });

  it("tells every change of a gate, in the step that makes it, and survives a listener that throws", async () => {
    const changes: string[] = [];
    small.fleet.onChange(() => {
      throw new Error("a bug in a listener");
    });
    small.fleet.onChange(({ provider, from, to, reason }) => changes.push(`${provider} ${from} -> ${to}: ${reason}`));
    await small.open("a");
    small.clock.pass(5_000);
    for (let i = 0; i < 3; i++) await small.attempt("a", OK, OK);
    expect(changes).toEqual([
      "a closed -> open: 100 % of the last attempts were faults, 4 in a row, the last: an error",
      "a open -> half_open: 100 % of the last attempts were faults, 4 in a row, the last: an error",
      "a half_open -> closed: all probes passed",
    ]);
    expect(small.bugs).toHaveLength(3);
  });

  it("tells latency, share of attempts, and when an opening ends, in wall time", async () => {
    for (let i = 1; i <= 100; i++) {
      const call = small.hang("a");
      small.clock.pass(i);
      call.end(OK);
      await call.ran;
    }
    small.clock.pass(1_000);
    await small.open("b");
    const [a, b] = small.fleet.status();
    expect(a).toMatchObject({ latencyMs: { p50: 50, p95: 95, p99: 99 }, breaker: { fires: 100 } });
    expect(a!.share! + b!.share!).toBeCloseTo(1);
    expect(a!.share).toBeGreaterThan(0.9);
    expect(b?.circuit.openUntil).toBe(small.clock.now() + 4_500);
  });

  it("forgets latencies after five minutes", async () => {
    await small.attempt("a", OK);
    small.clock.pass(300_000);
    expect(small.fleet.status()[0]?.latencyMs).toEqual({ p50: null, p95: null, p99: null });
  });

  it("does not know a provider that is not configured", () => {
    expect(() => small.fleet.circuit("nobody")).toThrow("provider nobody is not configured");
  });

  it("sends nothing once it is closed", async () => {
    const ticket = small.admit("a");
    small.fleet.close();
    expect(await ticket.run(async () => OK, isFault)).toEqual({ admitted: false, reason: "this instance is being stopped" });
  });
});
