import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startActiveReads } from "../../../gateway/health/active-reads.ts";
import type { Call } from "../../../providers/contract/call.ts";
import type { Identity, Provider } from "../../../providers/contract/provider.ts";
import { FAULT, OK, SmallFleet } from "./small-fleet.ts";

const IDENTITY: Identity = { kind: "identity", account: "acct", livemode: false };

/** A provider of which only the identity is asked for. */
class Asked implements Pick<Provider, "id" | "identify"> {
  readonly id: string;
  readonly at: number[] = [];
  readonly calls: Call[] = [];
  answer: (call: Call) => Promise<Identity | { kind: "unknown"; detail: string }> = async () => IDENTITY;

  constructor(id: string) {
    this.id = id;
  }

  async identify(call: Call) {
    this.at.push(small.clock.monotonic());
    this.calls.push(call);
    return this.answer(call);
  }
}

let small: SmallFleet;
let a: Asked;
let b: Asked;
let instances: number;
let errors: unknown[];
let reads: { stop(): Promise<void> };
beforeEach(() => {
  small = new SmallFleet();
  [a, b] = [new Asked("a"), new Asked("b")];
  instances = 1;
  errors = [];
  const { fleet, clock } = small;
  reads = startActiveReads({
    fleet: {
      traffic: (id) => fleet.traffic(id),
      recordRead: (id, works) => fleet.recordRead(id, works),
      instances: () => instances,
    },
    providers: [a, b],
    clock,
    random: () => 0.5,
    log: { info: () => {}, warn: () => {}, error: (fields) => errors.push(fields) },
  });
});
afterEach(async () => {
  const stopped = reads.stop();
  await pass(1_000);
  await stopped;
  small.fleet.close();
});

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    small.clock.pass(100);
    for (let i = 0; i < 12; i++) await Promise.resolve();
  }
}

/** Charges at both, once a second. */
async function traffic(seconds: number): Promise<void> {
  for (let s = 0; s < seconds; s++) {
    for (const id of ["a", "b"]) await small.attempt(id, OK);
    await pass(1_000);
  }
}

const UNREACHABLE = { kind: "unknown", detail: "nobody there" } as const;

describe("a provider is read", () => {
  it("not while its charges say enough", async () => {
    await traffic(90);
    expect([a.at, b.at]).toEqual([[], []]);
  });

  it("every five seconds while it is ill, by the whole fleet", async () => {
    await small.attempt("b", OK);
    await small.open("a");
    await pass(20_600);
    expect(a.at).toHaveLength(5);
    expect(b.at).toEqual([]);
    instances = 4;
    const before = a.at.length;
    await pass(40_000);
    expect(a.at.length - before).toBe(2);
  });

  it("after a fault already, until an attempt works", async () => {
    await small.attempt("a", FAULT);
    await pass(6_000);
    expect(a.at).toHaveLength(2);
    await small.attempt("a", OK);
    await pass(20_000);
    expect(a.at).toHaveLength(2);
  });

  it("every thirty seconds when it had no attempt for a minute", async () => {
    await pass(59_000);
    expect(a.at).toEqual([]);
    await pass(62_000);
    expect(a.at).toHaveLength(3);
    expect(a.at[1]! - a.at[0]!).toBe(30_000);
  });

  it("within a deadline", async () => {
    await small.open("a");
    await pass(600);
    expect(a.calls.map(({ timeoutMs }) => timeoutMs)).toEqual([4_000]);
  });
});

describe("reads that fail", () => {
  beforeEach(() => {
    a.answer = async () => UNREACHABLE;
  });

  it("and one fault of an attempt open the gate", async () => {
    await pass(121_000);
    expect(a.at).toHaveLength(3);
    expect(small.state("a")).toBe("closed");
    await small.attempt("a", FAULT);
    expect(small.state("a")).toBe("open");
  });

  it("open nothing by themselves, however often", async () => {
    await pass(600_000);
    expect(a.at.length).toBeGreaterThan(15);
    expect(small.state("a")).toBe("closed");
    expect(small.state("b")).toBe("closed");
  });

  it("keep an open gate from probing with customers' charges; one that works lets it", async () => {
    await small.open("a");
    await pass(12_000);
    expect(small.state("a")).toBe("open");
    a.answer = async () => IDENTITY;
    await pass(6_000);
    expect(small.state("a")).toBe("half_open");
  });
});

it("an adapter that throws ends nothing, and is a bug that is told", async () => {
  a.answer = async () => {
    throw new Error("a bug");
  };
  await pass(125_000);
  expect(a.at.length).toBe(3);
  expect(b.at.length).toBe(3);
  expect(errors.length).toBeGreaterThan(0);
  expect(small.state("a")).toBe("closed");
});

it("reads take no part in money: no attempt, no probe, no latency, no approval", async () => {
  await small.open("a");
  const before = small.fleet.status();
  await pass(4_000);
  expect(a.at.length).toBeGreaterThan(0);
  const after = small.fleet.status();
  const facts = ({ attempts, inFlight, latencyMs, approval, breaker }: (typeof after)[number]) => ({
    attempts,
    inFlight,
    latencyMs,
    approval,
    fires: breaker.fires,
  });
  expect(after.map(facts)).toEqual(before.map(facts));
  expect(after[0]!.circuit).toMatchObject({ state: "open", trips: 1 });
});
