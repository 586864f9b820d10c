import { beforeEach, describe, expect, it } from "vitest";
import type { Circuit, Refused, Ticket } from "../../../gateway/health/circuit.ts";
import { createFleet, type Fleet, type ProviderChange } from "../../../gateway/health/fleet.ts";
import type { Override } from "../../../gateway/store/overrides.ts";
import type { Currency } from "../../../providers/contract/money.ts";
import type { OverrideMode } from "../../../routing/choose.ts";
import { ManualClock } from "../../support/manual-clock.ts";

interface Result {
  readonly kind: "ok" | "fault";
}
const OK: Result = { kind: "ok" };
const FAULT: Result = { kind: "fault" };
const isFault = (result: Result) => result.kind === "fault";

const QUERY = {
  providers: ["a", "b"],
  excluded: [],
  segment: { country: "US", type: "card", currency: "usd", brand: "visa" },
  money: { amount: 4200n, currency: "usd" as Currency },
};

let clock: ManualClock;
let draw: number;
let modes: Map<string, OverrideMode>;
let fleet: Fleet;
let bugs: unknown[];

function capabilities(currencies: ReadonlySet<string> | null) {
  return { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, currencies };
}

function override(provider: string, mode: OverrideMode): Override {
  return { provider, mode, reason: "test", actor: "key:1", createdAt: new Date(0), expiresAt: null };
}

beforeEach(() => {
  clock = new ManualClock();
  draw = 0.5;
  modes = new Map();
  bugs = [];
  fleet = createFleet({
    providers: [
      { id: "a", capabilities: capabilities(null) },
      { id: "b", capabilities: capabilities(new Set(["usd"])) },
    ],
    clock,
    random: () => draw,
    overrides: {
      current: () => new Map([...modes].map(([provider, mode]) => [provider, override(provider, mode)])),
      modeOf: (provider) => modes.get(provider) ?? null,
    },
    onBug: (bug) => bugs.push(bug),
  });
  for (const id of ["a", "b"]) fleet.markVerified(id);
});

function ticketOf(circuit: Circuit): Ticket {
  const ticket = circuit.admit();
  if (!ticket.admitted) throw new Error(ticket.reason);
  return ticket;
}

function refusalOf(circuit: Circuit): Refused {
  const refused = circuit.admit();
  if (refused.admitted) throw new Error("was admitted");
  return refused;
}

async function attempt(id: string, ...steps: Result[]): Promise<void> {
  const ticket = ticketOf(fleet.circuit(id));
  for (const result of steps) await ticket.run(async () => result, isFault);
  ticket.release();
}

async function open(id: string): Promise<void> {
  while (stateOf(id) === "closed") await attempt(id, FAULT);
}

function stateOf(id: string) {
  return fleet.status().find(({ provider }) => provider === id)?.circuit.state;
}

/** A call that is on its way until the test ends it. */
function hang(ticket: Ticket) {
  const { promise, resolve } = Promise.withResolvers<Result>();
  return { end: resolve, ran: ticket.run(() => promise, isFault) };
}

describe("an attempt", () => {
  it("with faults in its commits opens the gate as fast as one with faults in its prepares", async () => {
    for (let i = 0; i < 3; i++) await attempt("a", OK, FAULT);
    expect(stateOf("a")).toBe("closed");
    await attempt("a", OK, FAULT);
    expect(stateOf("a")).toBe("open");
  });

  it("is refused while the gate is open, with the reason", async () => {
    await open("a");
    expect(refusalOf(fleet.circuit("a")).reason).toBe("open: 100 % of the last attempts were faults, 4 in a row");
    expect(fleet.available()).toEqual(["b"]);
    expect(fleet.choose(QUERY).order).toEqual(["b"]);
  });

  it("is not prepared when the gate opened after its admission", async () => {
    const ticket = ticketOf(fleet.circuit("a"));
    await open("a");
    expect(await ticket.run(async () => OK, isFault)).toMatchObject({ admitted: false, reason: expect.stringContaining("open") });
  });

  it("is committed when the gate opened after its prepare, and its results move nothing", async () => {
    for (const last of [OK, FAULT]) {
      const ticket = ticketOf(fleet.circuit("a"));
      await ticket.run(async () => OK, isFault);
      modes.delete("a");
      await open("a");
      const { circuit } = fleet.status()[0]!;
      expect(await ticket.run(async () => last, isFault)).toEqual({ admitted: true, result: last });
      ticket.release();
      expect(fleet.status()[0]?.circuit).toEqual(circuit);
      modes.set("a", "up");
    }
  });

  it("is not committed once an operator set the provider down", async () => {
    const ticket = ticketOf(fleet.circuit("a"));
    await ticket.run(async () => OK, isFault);
    modes.set("a", "down");
    expect(await ticket.run(async () => OK, isFault)).toEqual({ admitted: false, reason: "an operator set it down" });
  });

  it("is committed when an operator drains the provider, or allows only another, after its prepare", async () => {
    for (const [id, mode] of [
      ["a", "drain"],
      ["b", "only"],
    ] as const) {
      const ticket = ticketOf(fleet.circuit("a"));
      await ticket.run(async () => OK, isFault);
      modes.set(id, mode);
      expect(await ticket.run(async () => OK, isFault)).toMatchObject({ admitted: true });
      expect(refusalOf(fleet.circuit("a")).reason).toContain("operator");
      modes.clear();
    }
  });

  it("counts once, however often it is released", async () => {
    const ticket = ticketOf(fleet.circuit("a"));
    await ticket.run(async () => FAULT, isFault);
    await ticket.run(async () => FAULT, isFault);
    ticket.release();
    ticket.release();
    expect(fleet.status()[0]?.circuit.faultsInARow).toBe(1);
  });

  it("that throws, a bug of ours, says nothing about the provider", async () => {
    for (let i = 0; i < 10; i++) {
      const ticket = ticketOf(fleet.circuit("a"));
      await expect(ticket.run(() => Promise.reject(new TypeError("a bug")), isFault)).rejects.toThrow("a bug");
      ticket.release();
    }
    expect(fleet.status()[0]).toMatchObject({ inFlight: 0, circuit: { state: "closed", faultsInARow: 0 } });
  });
});

describe("a hanging provider", () => {
  it("opens the gate while its calls still hang", async () => {
    const hanging = Array.from({ length: 20 }, () => hang(ticketOf(fleet.circuit("a"))));
    clock.pass(3_000);
    expect(stateOf("a")).toBe("closed");
    clock.pass(1);
    expect(fleet.choose(QUERY).order).toEqual(["b"]);
    expect(fleet.status()[0]).toMatchObject({ circuit: { reason: "20 of 20 calls in flight are older than 3000 ms" }, inFlight: 20 });
    for (const { end } of hanging) end(FAULT);
    await Promise.all(hanging.map(({ ran }) => ran));
    expect(fleet.status()[0]).toMatchObject({ inFlight: 0, circuit: { trips: 1 } });
  });

  it("is noticed while nobody calls, when the fleet was started", () => {
    const changes: ProviderChange[] = [];
    fleet.onChange((change) => changes.push(change));
    fleet.start();
    for (let i = 0; i < 5; i++) hang(ticketOf(fleet.circuit("a")));
    clock.pass(3_500);
    expect(changes).toMatchObject([{ provider: "a", from: "closed", to: "open", trips: 1, openForMs: 4_500 }]);
    clock.pass(5_000);
    expect(changes[1]).toMatchObject({ from: "open", to: "half_open" });
  });

  it("whose calls hang does not hide failures: 20 hanging and 4 failed are enough", async () => {
    for (let i = 0; i < 20; i++) hang(ticketOf(fleet.circuit("a")));
    for (let i = 0; i < 4; i++) await attempt("a", FAULT);
    expect(stateOf("a")).toBe("open");
  });

  it("does not open the gate again with calls that hung before it opened", async () => {
    for (let i = 0; i < 20; i++) hang(ticketOf(fleet.circuit("a")));
    clock.pass(3_001);
    expect(stateOf("a")).toBe("open");
    clock.pass(5_000);
    for (let i = 0; i < 3; i++) await attempt("a", OK, OK);
    expect(stateOf("a")).toBe("closed");
  });
});

describe("half open", () => {
  beforeEach(async () => {
    await open("a");
    clock.pass(5_000);
  });

  it("admits three probes at once in one process, and no fourth attempt", async () => {
    const probes = [1, 2, 3].map(() => ticketOf(fleet.circuit("a")));
    expect(probes.map(({ probe }) => probe)).toEqual([true, true, true]);
    expect(refusalOf(fleet.circuit("a")).reason).toContain("all probes are out");
    expect(fleet.status()[0]).toMatchObject({ health: "testing" });
    for (const probe of probes) await probe.run(async () => OK, isFault);
    expect(stateOf("a")).toBe("half_open");
    for (const probe of probes) probe.release();
    expect(fleet.status()[0]).toMatchObject({ health: "up", circuit: { state: "closed", weight: 0.1 } });
  });

  it("takes one token for both steps of an attempt", async () => {
    const probe = ticketOf(fleet.circuit("a"));
    await probe.run(async () => OK, isFault);
    await probe.run(async () => OK, isFault);
    expect(fleet.status()[0]?.circuit.freeProbes).toBe(2);
  });

  it("opens again when a commit fails, though its prepare worked", async () => {
    await attempt("a", OK, FAULT);
    expect(fleet.status()[0]?.circuit).toMatchObject({ state: "open", trips: 2, reason: "a probe failed" });
  });

  it("gives the token of an attempt that never sent anything to the next", async () => {
    for (let i = 0; i < 10; i++) ticketOf(fleet.circuit("a")).release();
    expect(fleet.status()[0]?.circuit.freeProbes).toBe(3);
  });

  it("is probed by one arrival in ten; asking takes nothing", () => {
    draw = 0.05;
    for (let i = 0; i < 10; i++) expect(fleet.choose(QUERY).order).toEqual(["a", "b"]);
    draw = 0.5;
    expect(fleet.choose(QUERY).order).toEqual(["b"]);
    expect(fleet.choose({ ...QUERY, excluded: ["b"] }).order).toEqual(["a"]);
  });
});

describe("inquiries", () => {
  const inquire = (purpose: "look" | "replay" | "operation", result: Result = OK) =>
    fleet.circuit("a").inquire(purpose, async () => result, isFault);

  it("always pass a closed gate and never move it: an unknown object is no fault of the provider", async () => {
    for (let i = 0; i < 50; i++) expect(await inquire("look", FAULT)).toEqual({ admitted: true, result: FAULT });
    expect(fleet.status()[0]?.circuit).toMatchObject({ state: "closed", faultsInARow: 0 });
  });

  it("pass an open gate at the rate of probes, and do not close it", async () => {
    await open("a");
    const { openUntil } = fleet.status()[0]!.circuit;
    const admitted: boolean[] = [];
    for (let i = 0; i < 5; i++) admitted.push((await inquire("look")).admitted);
    expect(admitted).toEqual([true, true, true, false, false]);
    clock.pass(1_700);
    expect((await inquire("replay")).admitted).toBe(true);
    expect(fleet.status()[0]?.circuit).toMatchObject({ state: "open", openUntil });
  });

  it("are lookups and fences only while an operator has the provider down", async () => {
    modes.set("a", "down");
    expect(await inquire("look")).toMatchObject({ admitted: true });
    for (const purpose of ["replay", "operation"] as const) {
      expect(await inquire(purpose)).toEqual({ admitted: false, reason: "an operator set it down: lookups and fences only" });
    }
    modes.set("a", "drain");
    expect(await inquire("operation")).toMatchObject({ admitted: true });
  });
});

describe("the fleet", () => {
  it("uses no provider before its identity is verified, nor after it is no more", () => {
    fleet.markUnverified("a", "the account changed");
    expect(fleet.available()).toEqual(["b"]);
    expect(fleet.choose(QUERY)).toMatchObject({ order: ["b"], candidates: [{ why: "not verified: the account changed" }, {}] });
    expect(refusalOf(fleet.circuit("a")).reason).toContain("not verified");
    expect(fleet.status()[0]).toMatchObject({ verified: false, health: "unavailable" });
  });

  it("knows which currencies a provider takes, and which providers the charge has a token for", () => {
    const eur = { ...QUERY, money: { amount: 1n, currency: "eur" as Currency } };
    expect(fleet.choose(eur).candidates[1]).toMatchObject({ unavailable: "never", why: "it does not take this currency" });
    expect(fleet.choose({ ...QUERY, providers: ["b"] }).candidates[0]).toMatchObject({ unavailable: "never" });
  });

  it("prefers the higher approval rate once enough issuers have answered; a decline is no fault", async () => {
    for (let i = 0; i < 40; i++) {
      await attempt("a", OK, OK);
      fleet.recordApproval("a", QUERY.segment, i % 2 === 0);
      fleet.recordApproval("b", QUERY.segment, true);
    }
    expect(fleet.choose(QUERY).order).toEqual(["b", "a"]);
    expect(stateOf("a")).toBe("closed");
  });

  it("tells every change of a gate, in the step that makes it, and survives a listener that throws", async () => {
    const changes: string[] = [];
    fleet.onChange(() => {
      throw new Error("a bug in a listener");
    });
    fleet.onChange(({ provider, from, to, reason }) => changes.push(`${provider} ${from} -> ${to}: ${reason}`));
    await open("a");
    clock.pass(5_000);
    for (let i = 0; i < 3; i++) await attempt("a", OK, OK);
    expect(changes).toEqual([
      "a closed -> open: 100 % of the last attempts were faults, 4 in a row",
      "a open -> half_open: 100 % of the last attempts were faults, 4 in a row",
      "a half_open -> closed: all probes passed",
    ]);
    expect(bugs).toHaveLength(3);
  });

  it("tells latency, share of attempts, and when an opening ends, in wall time", async () => {
    for (let i = 1; i <= 100; i++) {
      const call = hang(ticketOf(fleet.circuit("a")));
      clock.pass(i);
      call.end(OK);
      await call.ran;
    }
    clock.pass(1_000);
    await open("b");
    const [a, b] = fleet.status();
    expect(a).toMatchObject({ latencyMs: { p50: 50, p95: 95, p99: 99 }, breaker: { fires: 100 } });
    expect(a!.share! + b!.share!).toBeCloseTo(1);
    expect(a!.share).toBeGreaterThan(0.9);
    expect(b?.circuit.openUntil).toBe(clock.now() + 4_500);
  });

  it("forgets latencies after five minutes", async () => {
    await attempt("a", OK);
    clock.pass(300_000);
    expect(fleet.status()[0]?.latencyMs).toEqual({ p50: null, p95: null, p99: null });
  });

  it("does not know a provider that is not configured", () => {
    expect(() => fleet.circuit("nobody")).toThrow("provider nobody is not configured");
  });

  it("sends nothing once it is closed", async () => {
    const ticket = ticketOf(fleet.circuit("a"));
    fleet.close();
    expect(await ticket.run(async () => OK, isFault)).toEqual({ admitted: false, reason: "this instance is being stopped" });
  });
});
