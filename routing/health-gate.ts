import type { Random } from "../providers/contract/clock.ts";
import { type Decaying, plusOne, valueAt } from "./decay.ts";

/**
 * The health gate of one provider: may it take new attempts? A pure state machine; every state is plain JSON, so that
 * instances can share it. Times are milliseconds of one clock that never goes back.
 *
 *   closed --(faults, slow calls)--> open --(openUntil)--> half_open --(3 probes without a fault)--> closed
 *                                     ^------------------(a probe with a fault)-------'
 *
 * Every transition raises `generation`. A result carries the generation of its admission and moves nothing once that is
 * past: a late success from before an opening cannot close the gate, a late fault cannot open it again.
 */
export type Gate = Closed | Open | HalfOpen;

interface Common {
  readonly generation: number;
  /** Openings in a row: each doubles the next opening. */
  readonly trips: number;
  readonly since: number;
}

export interface Closed extends Common {
  readonly state: "closed";
  /** CUSUM of faults against successes. */
  readonly sum: number;
  readonly faultsInARow: number;
  /** Attempts and faults with a half-life of `TECH_HALF_LIFE_MS`: the soft signal. */
  readonly attempts: Decaying;
  readonly faults: Decaying;
  /** When it closed after an opening: the weight ramps from here. null: never opened. */
  readonly rampFrom: number | null;
}

export interface Open extends Common {
  readonly state: "open";
  readonly openUntil: number;
  readonly reason: string;
}

export interface HalfOpen extends Common {
  readonly state: "half_open";
  readonly passed: number;
  readonly running: readonly Probe[];
  readonly nextProbe: number;
  /** Why it was opened. */
  readonly reason: string;
}

/** A probe token that an attempt holds; given back at `until` should the attempt vanish. */
export interface Probe {
  readonly id: number;
  readonly until: number;
}

/** ln(0.30 / 0.02): what a fault says for 30 % faults (sick) against 2 % (normal). */
export const FAULT_WEIGHT = 2.708;
/** -ln(0.70 / 0.98): what a success says for the opposite. */
export const SUCCESS_WEIGHT = 0.336;
/** Measured: a false alarm every 83,000 charges at 2 % faults; 4 / 8 / 21 / 52 charges at 100 / 50 / 25 / 15 %. At 5 it cries wolf. */
export const OPEN_AT_SUM = 9;
/** Four in a row reach `OPEN_AT_SUM` already; this one holds whatever the sum's constants become. */
export const OPEN_AT_FAULTS_IN_A_ROW = 5;
/** Fewer slow calls prove nothing. */
export const SLOW_CALLS_MIN = 5;
/** Slow calls open the gate above this share of the calls in flight: a hang is seen before its first timeout. */
export const SLOW_SHARE = 0.3;
/** A call is slow after this many milliseconds, or twice the provider's p99, whichever is more. */
export const SLOW_FLOOR_MS = 3_000;
export const SLOW_P99_FACTOR = 2;
export const FIRST_OPENING_MS = 5_000;
export const LONGEST_OPENING_MS = 60_000;
/** Openings end up to this share early, so that instances do not probe in step. */
export const OPENING_JITTER = 0.2;
/** A provider that was well for so long starts at the first opening again. */
export const FORGET_TRIPS_MS = 300_000;
export const PROBE_TOKENS = 3;
/** Each free token is taken by at most this share of arrivals while another provider can serve them. */
export const PROBE_SHARE = 0.1;
/** After so long in half-open any arrival may probe: two charges per hour would need 15 hours at `PROBE_SHARE`. */
export const PROBE_PATIENCE_MS = 60_000;
/** A token whose attempt vanished comes back. Longer than any attempt: two calls of 10 s and what lies between. */
export const PROBE_LEASE_MS = 60_000;
/** A provider that comes back must not get the whole load at once. */
export const RAMP_MS = 20_000;
export const RAMP_START = 0.1;
export const TECH_HALF_LIFE_MS = 20_000;

export function newGate(now: number): Gate {
  return closed({ generation: 0, trips: 0, now, rampFrom: null });
}

/** Time alone: an opening ends, a forgotten probe returns its token. Everything below expects an advanced gate. */
export function advance(gate: Gate, now: number): Gate {
  switch (gate.state) {
    case "closed":
      return gate;
    case "open":
      return now < gate.openUntil ? gate : halfOpen(gate, now);
    case "half_open": {
      const running = gate.running.filter((probe) => probe.until > now);
      return running.length === gate.running.length ? gate : { ...gate, running };
    }
  }
}

/** The result of an admitted attempt. Probes report with `passProbe` and `failProbe` instead. */
export function observe(gate: Gate, result: { now: number; random: Random; generation: number; fault: boolean }): Gate {
  if (gate.state !== "closed" || result.generation !== gate.generation) return gate;
  const { now, fault } = result;
  const next: Closed = {
    ...gate,
    sum: Math.max(0, gate.sum + (fault ? FAULT_WEIGHT : -SUCCESS_WEIGHT)),
    faultsInARow: fault ? gate.faultsInARow + 1 : 0,
    attempts: plusOne(gate.attempts, now, TECH_HALF_LIFE_MS),
    faults: fault ? plusOne(gate.faults, now, TECH_HALF_LIFE_MS) : gate.faults,
  };
  if (next.sum < OPEN_AT_SUM && next.faultsInARow < OPEN_AT_FAULTS_IN_A_ROW) return next;
  return open(next, result, `${recently(next, now)}, ${next.faultsInARow} in a row`);
}

/** Calls of this generation that are in flight; `slow` of them are older than `slowAfterMs`. */
export function observeSlow(
  gate: Gate,
  flight: { now: number; random: Random; inFlight: number; slow: number; slowAfterMs: number },
): Gate {
  const { slow, inFlight } = flight;
  if (gate.state !== "closed" || slow < SLOW_CALLS_MIN || slow <= SLOW_SHARE * inFlight) return gate;
  return open(gate, flight, `${slow} of ${inFlight} calls in flight are older than ${Math.round(flight.slowAfterMs)} ms`);
}

export function slowAfterMs(p99Ms: number | null): number {
  return Math.max(SLOW_FLOOR_MS, SLOW_P99_FACTOR * (p99Ms ?? 0));
}

/** After a failed round one probe goes ahead: each charge sent to a provider that hangs costs its whole deadline. */
export function freeProbes(gate: Gate): number {
  if (gate.state !== "half_open") return 0;
  const tokens = gate.trips > 1 && gate.passed === 0 ? 1 : PROBE_TOKENS;
  return Math.max(0, tokens - gate.passed - gate.running.length);
}

/** May an arrival that others could serve take a probe? `random` in [0, 1), drawn once per arrival. */
export function drawsProbe(gate: Gate, now: number, random: number): boolean {
  if (gate.state !== "half_open" || freeProbes(gate) === 0) return false;
  return random < PROBE_SHARE || now - gate.since >= PROBE_PATIENCE_MS;
}

/** null when no token is free. */
export function takeProbe(gate: Gate, now: number): { gate: HalfOpen; probe: Probe } | null {
  if (gate.state !== "half_open" || freeProbes(gate) === 0) return null;
  const probe = { id: gate.nextProbe, until: now + PROBE_LEASE_MS };
  return { gate: { ...gate, running: [...gate.running, probe], nextProbe: gate.nextProbe + 1 }, probe };
}

export function passProbe(gate: Gate, probe: ProbeResult): Gate {
  const without = takenBack(gate, probe);
  if (!without) return gate;
  const passed = without.passed + 1;
  if (passed < PROBE_TOKENS) return { ...without, passed };
  return closed({ generation: gate.generation + 1, trips: gate.trips, now: probe.now, rampFrom: probe.now });
}

export function failProbe(gate: Gate, probe: ProbeResult & { random: Random }): Gate {
  return takenBack(gate, probe) ? open(gate, probe, "a probe failed") : gate;
}

/** The attempt came to nothing (never sent): another may probe. */
export function returnProbe(gate: Gate, probe: ProbeResult): Gate {
  return takenBack(gate, probe) ?? gate;
}

export interface ProbeResult {
  readonly now: number;
  readonly generation: number;
  readonly id: number;
}

/** 0.1 to 1 for 20 s after it closed, else 1: the share of its traffic that it gets back. 0 while not closed. */
export function rampWeight(gate: Gate, now: number): number {
  if (gate.state !== "closed") return 0;
  if (gate.rampFrom === null) return 1;
  const progress = Math.max(0, now - gate.rampFrom) / RAMP_MS;
  return Math.min(1, RAMP_START + (1 - RAMP_START) * progress);
}

/** The estimated share of technical faults, in (0, 1): the soft signal, never 0 after few calls. */
export function techFaultRate(gate: Gate, now: number): number {
  if (gate.state !== "closed") return 1;
  return (valueAt(gate.faults, now, TECH_HALF_LIFE_MS) + 0.01) / (valueAt(gate.attempts, now, TECH_HALF_LIFE_MS) + 1);
}

function open(from: Gate, at: { now: number; random: Random }, reason: string): Open {
  const forgotten = from.state === "closed" && at.now - from.since >= FORGET_TRIPS_MS;
  const trips = forgotten ? 1 : from.trips + 1;
  const longest = Math.min(LONGEST_OPENING_MS, FIRST_OPENING_MS * 2 ** (trips - 1));
  const openUntil = at.now + longest * (1 - OPENING_JITTER * at.random());
  return { state: "open", generation: from.generation + 1, trips, since: at.now, openUntil, reason };
}

function halfOpen(from: Open, now: number): HalfOpen {
  const { generation, trips, reason } = from;
  return { state: "half_open", generation: generation + 1, trips, since: now, passed: 0, running: [], nextProbe: 1, reason };
}

function closed(from: { generation: number; trips: number; now: number; rampFrom: number | null }): Closed {
  const { generation, trips, now, rampFrom } = from;
  const none = { value: 0, at: now };
  return { state: "closed", generation, trips, since: now, sum: 0, faultsInARow: 0, attempts: none, faults: none, rampFrom };
}

/** The gate without this probe; null when its result comes too late to count. */
function takenBack(gate: Gate, probe: ProbeResult): HalfOpen | null {
  if (gate.state !== "half_open" || gate.generation !== probe.generation) return null;
  const running = gate.running.filter(({ id }) => id !== probe.id);
  return running.length === gate.running.length ? null : { ...gate, running };
}

function recently(gate: Closed, now: number): string {
  const faults = valueAt(gate.faults, now, TECH_HALF_LIFE_MS);
  const attempts = valueAt(gate.attempts, now, TECH_HALF_LIFE_MS);
  return `${Math.round((100 * faults) / attempts)} % of the last attempts were faults`;
}
