import type { Clock, Random } from "../../providers/contract/clock.ts";
import { gateObstacle, type OverrideMode } from "../../routing/choose.ts";
import {
  advance,
  failProbe,
  type Gate,
  newGate,
  observe,
  observeSlow,
  passProbe,
  returnProbe,
  slowAfterMs,
  takeProbe,
} from "../../routing/health-gate.ts";
import { fullBudget, takeInquiry } from "../../routing/inquiry-budget.ts";
import { Breaker, type Fired } from "./breaker.ts";
import type { Circuit, InquiryPurpose, Ran, Refused, Ticket } from "./circuit.ts";
import { LatencyWindow } from "./latency-window.ts";

export interface CircuitOptions {
  readonly provider: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Of this provider, by the clock at each use. */
  readonly override: () => OverrideMode | null;
  /** What else stands against a new attempt (operator, identity); null: nothing. */
  readonly obstacle: () => string | null;
  /** An attempt was admitted. */
  readonly onAdmit: () => void;
  readonly onTransition: (from: Gate, to: Gate) => void;
}

/** The circuit of one provider on this instance: the pure gate, its clock, the calls in flight, and opossum. */
export class ProviderCircuit implements Circuit {
  readonly latency = new LatencyWindow();
  readonly breaker: Breaker;
  readonly #options: CircuitOptions;
  /** Steps of attempts that were admitted in the gate's present generation, oldest first. Those of older ones prove nothing. */
  #flight = new Set<{ readonly since: number }>();
  #inFlight = 0;
  #gate: Gate;
  #budget = fullBudget(0);

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.breaker = new Breaker(options.provider);
    this.#gate = newGate(options.clock.monotonic());
  }

  /** The gate as of now: time and slow calls are looked at with each use. */
  gate(): Gate {
    const now = this.#now();
    this.#move(advance(this.#gate, now));
    const threshold = slowAfterMs(this.latency.percentiles(now).p99);
    const flight = { inFlight: this.#flight.size, slow: this.#slow(now - threshold), slowAfterMs: threshold };
    this.#move(observeSlow(this.#gate, { now, random: this.#options.random, ...flight }));
    return this.#gate;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  admit(): Ticket | Refused {
    const gate = this.gate();
    const reason = this.#options.obstacle() ?? gateObstacle({ override: this.#options.override(), gate })?.why ?? null;
    // The refusal itself is opossum's, like every other: its statistics then say what was asked and refused.
    if (reason !== null) {
      void this.breaker.fire(false, unreachable, neverFaulty);
      return { admitted: false, reason };
    }
    const taken = takeProbe(gate, this.#now());
    if (taken) this.#move(taken.gate);
    this.#options.onAdmit();
    return new AttemptTicket(this, gate.generation, taken?.probe.id ?? null);
  }

  async inquire<T extends { readonly kind: string }>(
    purpose: InquiryPurpose,
    send: () => Promise<T>,
    isFault: (result: T) => boolean,
  ): Promise<Ran<T>> {
    const reason = this.#refusesInquiry(purpose);
    const fired = await this.breaker.fire(reason === null, send, isFault);
    return fired.fired ? { admitted: true, result: fired.result } : refused(reason);
  }

  /** For the ticket: one step of an attempt, sent or refused. */
  async step<T>(
    ticket: { generation: number; first: boolean },
    send: () => Promise<T>,
    isFault: (result: T) => boolean,
  ): Promise<{ fired: Fired<T>; reason: string | null }> {
    const reason = this.#refusesStep(ticket);
    const entry = { since: this.#now() };
    const flight = this.#flight;
    if (reason === null) {
      this.#inFlight += 1;
      if (ticket.generation === this.#gate.generation) flight.add(entry);
    }
    try {
      const fired = await this.breaker.fire(reason === null, send, isFault);
      // Faults are left out: what timed out would raise the threshold that is to find it.
      if (fired.fired && !fired.fault) this.latency.add(this.#now() - entry.since, this.#now());
      return { fired, reason };
    } finally {
      flight.delete(entry);
      if (reason === null) this.#inFlight -= 1;
    }
  }

  /** For the ticket: what the attempt says about health. null: nothing was sent. */
  settle(generation: number, probe: number | null, fault: boolean | null): void {
    const now = this.#now();
    const at = { now, generation, random: this.#options.random };
    this.#move(advance(this.#gate, now));
    if (probe === null) {
      if (fault !== null) this.#move(observe(this.#gate, { ...at, fault }));
      return;
    }
    const result = { ...at, id: probe };
    if (fault === null) this.#move(returnProbe(this.#gate, result));
    else this.#move(fault ? failProbe(this.#gate, result) : passProbe(this.#gate, result));
  }

  #refusesStep(ticket: { generation: number; first: boolean }): string | null {
    const override = this.#options.override();
    if (override === "down") return "an operator set it down";
    if (override === "up" || !ticket.first) return null;
    const gate = this.gate();
    return gate.state === "open" && gate.generation !== ticket.generation ? `open: ${gate.reason}` : null;
  }

  #refusesInquiry(purpose: InquiryPurpose): string | null {
    const override = this.#options.override();
    if (override === "down" && (purpose === "replay" || purpose === "operation")) return "an operator set it down: lookups and fences only";
    const gate = this.gate();
    if (gate.state === "closed" || override === "up" || purpose === "fence" || purpose === "replay") return null;
    const budget = takeInquiry(this.#budget, this.#now());
    if (!budget) return `${gate.state === "open" ? "open" : "half open"}: only a few inquiries pass`;
    this.#budget = budget;
    return null;
  }

  #move(to: Gate): void {
    const from = this.#gate;
    this.#gate = to;
    if (from.state === to.state) return;
    this.#flight = new Set();
    this.breaker.open = to.state === "open";
    this.#options.onTransition(from, to);
  }

  /** Steps begun before `since`. */
  #slow(since: number): number {
    let slow = 0;
    for (const step of this.#flight) {
      if (step.since >= since) break;
      slow += 1;
    }
    return slow;
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}

class AttemptTicket implements Ticket {
  readonly admitted = true;
  readonly generation: number;
  readonly #circuit: ProviderCircuit;
  readonly #probe: number | null;
  #answered = false;
  #settled = false;

  constructor(circuit: ProviderCircuit, generation: number, probe: number | null) {
    this.#circuit = circuit;
    this.generation = generation;
    this.#probe = probe;
  }

  get probe(): boolean {
    return this.#probe !== null;
  }

  async run<T extends { readonly kind: string }>(send: () => Promise<T>, isFault: (result: T) => boolean): Promise<Ran<T>> {
    const ticket = { generation: this.generation, first: !this.#answered };
    const { fired, reason } = await this.#circuit.step(ticket, send, isFault);
    if (!fired.fired) return refused(reason);
    this.#answered = true;
    // A fault counts at once; the absence of one only at the end. Else each prepare that works would make up for a
    // commit that does not, and an outage of commits would be found half as fast as measured.
    if (fired.fault) this.#settle(true);
    return { admitted: true, result: fired.result };
  }

  release(): void {
    this.#settle(this.#answered ? false : null);
  }

  #settle(fault: boolean | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#circuit.settle(this.generation, this.#probe, fault);
  }
}

/** Without a reason of ours it was opossum's own: it is shut down. */
function refused(reason: string | null): Refused {
  return { admitted: false, reason: reason ?? "this instance is being stopped" };
}

async function unreachable(): Promise<never> {
  throw new Error("unreachable: a refused call was sent");
}

function neverFaulty(): boolean {
  return false;
}
