import type { Clock, Random } from "../../providers/contract/clock.ts";
import { gateObstacle, type OverrideMode } from "../../routing/choose.ts";
import {
  advance,
  apply,
  freeProbes,
  type Gate,
  type GateEvent,
  needsRebase,
  newGate,
  type Open,
  rebased,
  reset,
  slowAfterMs,
} from "../../routing/health-gate.ts";
import { fullBudget, takeInquiry } from "../../routing/inquiry-budget.ts";
import { Replica } from "../../routing/replica.ts";
import { type Admission, AttemptTicket, refused, type Step, type Verdict } from "./attempt-ticket.ts";
import { Breaker, type Fired } from "./breaker.ts";
import type { Circuit, InquiryPurpose, Ran, Refused, Ticket } from "./circuit.ts";
import { LatencyWindow } from "./latency-window.ts";

export interface CircuitOptions {
  readonly provider: string;
  /** This instance's name: unique in the fleet. */
  readonly instance: string;
  readonly clock: Clock;
  /** Of what the fleet shares. */
  readonly time: { now(): number };
  readonly random: Random;
  /** Of this provider, by the clock at each use. */
  readonly override: () => OverrideMode | null;
  /** What else stands against a new attempt (operator, identity); null: nothing. */
  readonly obstacle: () => string | null;
  /** This process was not running just now: calls without an answer may have one that nobody has read yet. */
  readonly stalled: () => boolean;
  /** An attempt was admitted. */
  readonly onAdmit: () => void;
  /** The fleet's gate has seen something; `urgent`: others should know before their next charge. */
  readonly onEvent: (urgent: boolean) => void;
  readonly onTransition: (from: GateView, to: GateView) => void;
  /** An opening or closing that is this instance's to record: its own, and those of the fleet that its events made. */
  readonly onRecord: (from: GateView, to: GateView) => void;
}

/** The gate that decides here. `alone`: only this instance finds the provider ill. */
export interface GateView {
  readonly gate: Gate;
  readonly alone: boolean;
}

/**
 * The circuit of one provider on this instance: the fleet's gate, fed by all instances; our own one, fed by what only we see; the
 * calls in flight; and opossum, which both drive. The fleet's gate decides while it is not closed, then our own.
 */
export class ProviderCircuit implements Circuit {
  readonly latency = new LatencyWindow();
  readonly breaker: Breaker;
  readonly shared: Replica<Gate, GateEvent>;
  readonly #options: CircuitOptions;
  #own: Gate;
  /** Steps of attempts that have said nothing about health yet, oldest first. */
  readonly #flight = new Set<Step>();
  #inFlight = 0;
  #probes = 0;
  #seen: GateView;
  /** Of the fleet's gate, up to which it is recorded. */
  #recorded = 0;
  #budget = fullBudget(0);

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.breaker = new Breaker(options.provider);
    const gate = newGate(this.#now());
    this.shared = new Replica(gate, apply);
    this.#own = gate;
    this.#seen = { gate, alone: false };
  }

  /** The gate as of now: time and calls without an answer are looked at with each use. */
  view(): GateView {
    this.#judgeSlow();
    return this.#look();
  }

  gate(): Gate {
    return this.view().gate;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  admit(): Ticket | Refused {
    const { gate, alone } = this.view();
    const reason = this.#options.obstacle() ?? gateObstacle({ override: this.#options.override(), gate })?.why ?? null;
    // The refusal itself is opossum's, like every other: its statistics then say what was asked and refused.
    if (reason !== null) {
      void this.breaker.fire(false, unreachable, neverFaulty);
      return { admitted: false, reason };
    }
    const { generation } = advance(this.shared.view, this.#now());
    const probe = freeProbes(gate) > 0 ? { id: `${this.#options.instance}.${++this.#probes}`, alone } : null;
    const admission: Admission = { generation, ownGeneration: this.#own.generation, probe };
    if (probe) this.#tell({ ...this.#event(alone ? this.#own.generation : generation), kind: "probe_taken", probe: probe.id }, alone);
    this.#options.onAdmit();
    return new AttemptTicket(this, admission);
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
    ticket: { admission: Admission; first: boolean; judge(verdict: Verdict): void },
    send: () => Promise<T>,
    isFault: (result: T) => boolean,
  ): Promise<{ fired: Fired<T>; reason: string | null }> {
    const reason = this.#refusesStep(ticket);
    const since = this.#options.clock.monotonic();
    const step: Step = { since, late: () => ticket.judge("slow") };
    if (reason === null) {
      this.#inFlight += 1;
      this.#flight.add(step);
    }
    try {
      const fired = await this.breaker.fire(reason === null, send, isFault);
      const now = this.#options.clock.monotonic();
      // Faults are left out: what timed out would raise the threshold that is to find it.
      if (fired.fired && !fired.fault) this.latency.add(now - since, now);
      return { fired, reason };
    } finally {
      this.#flight.delete(step);
      if (reason === null) this.#inFlight -= 1;
    }
  }

  /** For the ticket: what the attempt says about health. null: nothing was sent. */
  settle({ generation, ownGeneration, probe }: Admission, verdict: Verdict | null): void {
    const event = this.#event(generation);
    const own = this.#event(ownGeneration);
    if (probe) {
      const base = probe.alone ? own : event;
      if (verdict === null) this.#tell({ ...base, kind: "probe_returned", probe: probe.id }, probe.alone);
      else if (verdict === "ok") this.#tell({ ...base, kind: "probe_passed", probe: probe.id }, probe.alone);
      else this.#tell({ ...base, kind: "probe_failed", probe: probe.id, what: verdict, jitter: this.#options.random() }, probe.alone);
    }
    // A probe of our own gate is an ordinary attempt for the fleet's.
    if (verdict === null || (probe && !probe.alone)) return;
    const said = verdict === "ok" ? ({ kind: "ok" } as const) : ({ kind: "fault", what: verdict, jitter: this.#options.random() } as const);
    if (!probe) this.#applyOwn({ ...own, ...said });
    this.#tell({ ...event, ...said }, false);
  }

  /** A cheap read, made to see whether the provider is there. */
  read(works: boolean): void {
    this.#tell({ ...this.#event(this.shared.view.generation), kind: "read", works, jitter: this.#options.random() }, false);
  }

  /** The store's gate was taken over. What we held open stays so here until its time, unless the fleet has moved on since. */
  adopted(): void {
    const before = this.#seen;
    const now = this.#now();
    const gate = advance(this.shared.view, now);
    if (!before.alone && before.gate.state === "open" && gate.state === "closed" && gate.generation < before.gate.generation) {
      if (this.#own.state === "closed") this.#own = { ...alone(before.gate), generation: this.#own.generation + 1 };
    }
    this.#look();
  }

  /** The store took over what our events made of the fleet's gate: it is ours to record, and nobody else's. */
  accepted(before: Gate, after: Gate): void {
    const changed = after.state !== "half_open" && after.generation !== before.generation;
    if (!changed || after.generation === this.#recorded) return;
    this.#recorded = after.generation;
    this.#options.onRecord({ gate: before, alone: false }, { gate: after, alone: false });
  }

  /** Nobody else hears of our events for now: then it is better recorded twice than never. */
  unheard(): void {
    this.accepted(this.shared.base, this.shared.view);
  }

  #refusesStep(ticket: { admission: Admission; first: boolean }): string | null {
    const override = this.#options.override();
    if (override === "down") return "an operator set it down";
    if (override === "up" || !ticket.first) return null;
    const { gate, alone } = this.view();
    const { generation, ownGeneration } = ticket.admission;
    return gate.state === "open" && gate.generation !== (alone ? ownGeneration : generation) ? `open: ${gate.reason}` : null;
  }

  #refusesInquiry(purpose: InquiryPurpose): string | null {
    const override = this.#options.override();
    if (override === "down" && (purpose === "replay" || purpose === "operation")) return "an operator set it down: lookups and fences only";
    const gate = this.gate();
    if (gate.state === "closed" || override === "up" || purpose === "fence" || purpose === "replay") return null;
    const budget = takeInquiry(this.#budget, this.#options.clock.monotonic());
    if (!budget) return `${gate.state === "open" ? "open" : "half open"}: only a few inquiries pass`;
    this.#budget = budget;
    return null;
  }

  /** To our own gate, or to the fleet's: every fault and every probe is urgent. */
  #tell(event: GateEvent, own: boolean): void {
    if (own) this.#applyOwn(event);
    else {
      this.shared.add(event);
      this.#options.onEvent(event.kind !== "ok" && event.kind !== "read");
    }
    this.#look();
  }

  #applyOwn(event: GateEvent): void {
    const before = this.#own;
    const after = apply(before, event);
    this.#own = after.state === "open" && before.state !== "open" ? alone(after) : after;
  }

  /** Both gates as of now, and opossum turned to what they say. */
  #look(): GateView {
    const now = this.#now();
    if (needsRebase(this.shared.view, now)) this.shared.restate(rebased(this.shared.base, now));
    if (needsRebase(this.#own, now)) this.#own = rebased(this.#own, now);
    const shared = advance(this.shared.view, now);
    // The fleet knows now; what we alone saw is part of it.
    if (shared.state !== "closed" && this.#own.state !== "closed") this.#own = reset(this.#own, now);
    this.#own = advance(this.#own, now);
    const alone = shared.state === "closed" && this.#own.state !== "closed";
    const before = this.#seen;
    this.#seen = { gate: alone ? this.#own : shared, alone };
    if (before.gate.state !== this.#seen.gate.state) {
      this.breaker.open = this.#seen.gate.state === "open";
      this.#options.onTransition(before, this.#seen);
      // Nobody else has it, so nobody else records it.
      const own = alone || (before.alone && shared.state === "closed");
      if (own && this.#seen.gate.state !== "half_open") this.#options.onRecord({ ...before, alone: true }, { ...this.#seen, alone: true });
    }
    return this.#seen;
  }

  /** Calls that have been on their way for too long are faults before they fail. */
  #judgeSlow(): void {
    const now = this.#options.clock.monotonic();
    const [oldest] = this.#flight;
    if (!oldest || now - oldest.since <= SOONEST_SLOW_MS || this.#options.stalled()) return;
    const threshold = slowAfterMs(this.latency.percentiles(now).p99);
    for (const step of this.#flight) {
      if (now - step.since <= threshold) break;
      this.#flight.delete(step);
      step.late();
    }
  }

  #event(generation: number): { at: number; by: string; generation: number } {
    return { at: this.#now(), by: this.#options.instance, generation };
  }

  #now(): number {
    return this.#options.time.now();
  }
}

function alone(gate: Open): Open {
  return { ...gate, reason: `seen by this instance alone: ${gate.reason}` };
}

/** No threshold is lower: spares the percentiles. */
const SOONEST_SLOW_MS = slowAfterMs(null);

async function unreachable(): Promise<never> {
  throw new Error("unreachable: a refused call was sent");
}

function neverFaulty(): boolean {
  return false;
}
