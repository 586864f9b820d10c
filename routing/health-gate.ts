import { type Decaying, plusOne, valueAt } from "./decay.ts";
import { acquitted, failsAlone, onlyOneSees, type Witnesses, witnessed } from "./witnesses.ts";

/**
 * The health gate of one provider: may it take new attempts? A pure state machine, moved by events and time alone; every
 * state and event is plain JSON, so that instances can share it. Times are milliseconds of one clock.
 *
 *   closed --(faults, calls without an answer)--> open --(openUntil)--> half_open --(3 probes without a fault)--> closed
 *                                                  ^-----------------------(a probe with a fault)-------'
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
  readonly witnesses: Witnesses;
  /** When it closed after an opening: the weight ramps from here. null: never opened. */
  readonly rampFrom: number | null;
}

export interface Open extends Common {
  readonly state: "open";
  readonly openUntil: number;
  readonly reason: string;
  /** When a read last failed; null: none did, or the last one worked. */
  readonly readFailedAt: number | null;
}

export interface HalfOpen extends Common {
  readonly state: "half_open";
  readonly passed: number;
  readonly running: readonly Probe[];
  /** Why it was opened. */
  readonly reason: string;
}

/** A probe token that an attempt holds; given back at `until` should the attempt vanish. */
export interface Probe {
  /** Unique over all instances. */
  readonly id: string;
  readonly until: number;
}

/** Something that instance `by` saw at `at`. */
export type GateEvent = {
  readonly at: number;
  readonly by: string;
  /** Of the gate, when the attempt was admitted. */
  readonly generation: number;
} & (
  | { readonly kind: "ok" }
  /** `jitter` in [0, 1): drawn when it happened, so that every instance computes the same opening from it. */
  | { readonly kind: "fault"; readonly what: Fault; readonly jitter: number }
  | { readonly kind: "probe_taken"; readonly probe: string }
  | { readonly kind: "probe_passed"; readonly probe: string }
  | { readonly kind: "probe_failed"; readonly probe: string; readonly what: Fault; readonly jitter: number }
  /** The attempt came to nothing (never sent): another may probe. */
  | { readonly kind: "probe_returned"; readonly probe: string }
  /** A cheap read that moves no money: a signal, not a verdict. */
  | { readonly kind: "read"; readonly works: boolean; readonly jitter: number }
);

/** `slow`: no answer yet, after more time than answers take. */
export type Fault = "error" | "slow";

/** ln(0.30 / 0.02): what a fault says for 30 % faults (sick) against 2 % (normal). */
export const FAULT_WEIGHT = 2.708;
/** -ln(0.70 / 0.98): what a success says for the opposite. */
export const SUCCESS_WEIGHT = 0.336;
/** Measured: a false alarm every 83,000 charges at 2 % faults; 4 / 8 / 21 / 52 charges at 100 / 50 / 25 / 15 %. At 5 it cries wolf. */
export const OPEN_AT_SUM = 9;
/** Four in a row reach `OPEN_AT_SUM` already; this one holds whatever the sum's constants become. */
export const OPEN_AT_FAULTS_IN_A_ROW = 5;
/** A call without an answer after this many milliseconds, or twice the provider's p99, whichever is more, is a fault already. */
export const SLOW_FLOOR_MS = 3_000;
export const SLOW_P99_FACTOR = 2;
export const FIRST_OPENING_MS = 5_000;
/** At 60 s a provider that is back waits for up to a minute more; this costs about 8 more probes in ten minutes of outage. */
export const LONGEST_OPENING_MS = 30_000;
/** Openings end up to this share early, so that two installations do not probe in step. */
export const OPENING_JITTER = 0.2;
/** A provider that was well for so long starts at the first opening again. */
export const FORGET_TRIPS_MS = 300_000;
/** Of the whole fleet. */
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
/** Clocks of two machines differ a little. Times further ahead are from before the clock was set back, or a stranger's. */
export const AHEAD_MS = 10_000;
/** A read that failed says something about so much time. */
export const READ_FRESH_MS = 15_000;
/** Reads may fail where payments work: they keep a gate open for so much longer at most. */
export const READ_HOLDS_MS = 60_000;

export function newGate(now: number): Gate {
  return closed({ generation: 0, trips: 0, now, rampFrom: null });
}

/** Starts anew; what was admitted before moves nothing. */
export function reset(gate: Gate, now: number): Gate {
  return closed({ generation: gate.generation + 1, trips: 0, now, rampFrom: null });
}

/** Of two that do not descend from one another: the higher generation, and of two openings the later end. */
export function later(a: Gate, b: Gate): Gate {
  if (a.generation !== b.generation) return a.generation > b.generation ? a : b;
  return a.state === "open" && (b.state !== "open" || b.openUntil < a.openUntil) ? a : b;
}

/** It holds times of before the clock was set back, or a stranger's: `rebased`, or it would last until the clock has caught up. */
export function needsRebase(gate: Gate, now: number): boolean {
  return isAhead(gate.since, now) || (gate.state === "half_open" && gate.running.some(({ until }) => isAhead(until, now + PROBE_LEASE_MS)));
}

/** Nothing in it is ahead of `now` any more: an opening is over, probes that last too long are given back. */
export function rebased(before: Gate, now: number): Gate {
  if (before.state === "open") return isAhead(before.since, now) ? halfOpen(before, now) : before;
  const gate = { ...before, since: Math.min(before.since, now) };
  if (gate.state === "half_open") return { ...gate, running: gate.running.filter(({ until }) => !isAhead(until, now + PROBE_LEASE_MS)) };
  const past = ({ value, at }: Decaying): Decaying => ({ value, at: Math.min(at, now) });
  const rampFrom = gate.rampFrom === null ? null : Math.min(gate.rampFrom, now);
  return { ...gate, attempts: past(gate.attempts), faults: past(gate.faults), rampFrom };
}

export function isAhead(time: number, now: number): boolean {
  return time > now + AHEAD_MS;
}

/** Time alone: an opening ends, a forgotten probe returns its token. */
export function advance(gate: Gate, now: number): Gate {
  switch (gate.state) {
    case "closed":
      return gate;
    case "open":
      return now < openEnds(gate) ? gate : halfOpen(gate, openEnds(gate));
    case "half_open": {
      const running = gate.running.filter((probe) => probe.until > now);
      return running.length === gate.running.length ? gate : { ...gate, running };
    }
  }
}

/** The gate after `event`, which is ignored if it belongs to another generation, or says nothing in this state. */
export function apply(before: Gate, event: GateEvent): Gate {
  const gate = advance(before, event.at);
  if (event.kind === "read") return read(gate, event);
  if (gate.generation !== event.generation) return gate;
  switch (event.kind) {
    case "ok":
      return gate.state === "closed" ? observed(gate, event, false) : gate;
    case "fault":
      return gate.state === "closed" ? judged(observed(gate, event, true), event, WORDS[event.what]) : gate;
    case "probe_taken":
      return gate.state === "half_open" ? taken(gate, event) : gate;
    case "probe_passed":
      return gate.state === "half_open" ? passed(gate, event) : gate;
    case "probe_failed":
      return gate.state === "half_open" && without(gate, event.probe) ? open(gate, event, `a probe failed: ${WORDS[event.what]}`) : gate;
    case "probe_returned":
      return gate.state === "half_open" ? (without(gate, event.probe) ?? gate) : gate;
  }
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

/** 0.1 to 1 for 20 s after it closed, else 1: the share of its traffic that it gets back. 0 while not closed. */
export function rampWeight(gate: Gate, now: number): number {
  if (gate.state !== "closed") return 0;
  if (gate.rampFrom === null || isAhead(gate.rampFrom, now)) return 1;
  const progress = Math.max(0, now - gate.rampFrom) / RAMP_MS;
  return Math.min(1, RAMP_START + (1 - RAMP_START) * progress);
}

/** The estimated share of technical faults, in (0, 1): the soft signal, never 0 after few calls. */
export function techFaultRate(gate: Gate, now: number): number {
  if (gate.state !== "closed") return 1;
  return (valueAt(gate.faults, now, TECH_HALF_LIFE_MS) + 0.01) / (valueAt(gate.attempts, now, TECH_HALF_LIFE_MS) + 1);
}

const WORDS = { error: "an error", slow: "no answer in time" } as const;

/** A result of an attempt that was admitted by the closed gate. */
function observed(gate: Closed, { at, by }: GateEvent, fault: boolean): Closed {
  const sum = Math.max(0, gate.sum + (fault ? FAULT_WEIGHT : -SUCCESS_WEIGHT));
  const witnesses = witnessed(gate.witnesses, by, { at, fault });
  // The soft signal turns everybody's charges away, long before any gate opens.
  const itsOwn = fault && failsAlone(gate.witnesses, by, at);
  return {
    ...gate,
    sum,
    faultsInARow: fault ? gate.faultsInARow + 1 : 0,
    attempts: itsOwn ? gate.attempts : plusOne(gate.attempts, at, TECH_HALF_LIFE_MS),
    faults: fault && !itsOwn ? plusOne(gate.faults, at, TECH_HALF_LIFE_MS) : gate.faults,
    witnesses: sum === 0 ? acquitted(witnesses) : witnesses,
  };
}

/** Opens where there are faults enough, unless only one of several instances sees them: then its next one is as good as this one. */
function judged(gate: Closed, fault: { at: number; jitter: number }, last: string): Gate {
  if (gate.sum < OPEN_AT_SUM && gate.faultsInARow < OPEN_AT_FAULTS_IN_A_ROW) return gate;
  if (onlyOneSees(gate.witnesses, fault.at)) return { ...gate, sum: Math.min(gate.sum, OPEN_AT_SUM) };
  return open(gate, fault, `${recently(gate, fault.at)}, ${gate.faultsInARow} in a row, the last: ${last}`);
}

/**
 * A read that fails counts like a fault, but reads alone open nothing: without a fault of an attempt since its last success they
 * go no further than where the next one opens the gate.
 */
function read(gate: Gate, event: Extract<GateEvent, { kind: "read" }>): Gate {
  const { at, by, works } = event;
  switch (gate.state) {
    case "closed": {
      if (works) return gate;
      const brink = OPEN_AT_SUM - FAULT_WEIGHT;
      const suspected = gate.faultsInARow > 0;
      const sum = suspected ? gate.sum + FAULT_WEIGHT : Math.max(gate.sum, Math.min(gate.sum + FAULT_WEIGHT, brink));
      const after = { ...gate, sum, witnesses: witnessed(gate.witnesses, by, { at, fault: true }) };
      return suspected ? judged(after, event, "a read that failed") : after;
    }
    case "open":
      return { ...gate, readFailedAt: works ? null : at };
    case "half_open":
      return gate;
  }
}

/** Later than `openUntil` while reads fail: probing with customers' charges would waste them. */
function openEnds({ openUntil, readFailedAt }: Open): number {
  if (readFailedAt === null) return openUntil;
  return Math.max(openUntil, Math.min(readFailedAt + READ_FRESH_MS, openUntil + READ_HOLDS_MS));
}

/** Also one too many: two instances may take the last token at the same moment, and both are on their way. */
function taken(gate: HalfOpen, { at, probe }: { at: number; probe: string }): HalfOpen {
  return { ...gate, running: [...gate.running, { id: probe, until: at + PROBE_LEASE_MS }] };
}

function passed(gate: HalfOpen, { at, probe }: { at: number; probe: string }): Gate {
  const rest = without(gate, probe);
  if (!rest) return gate;
  if (rest.passed + 1 < PROBE_TOKENS) return { ...rest, passed: rest.passed + 1 };
  return closed({ generation: gate.generation + 1, trips: gate.trips, now: at, rampFrom: at });
}

/** The gate without this probe; null when it is not out, or its time is over. */
function without(gate: HalfOpen, probe: string): HalfOpen | null {
  const running = gate.running.filter(({ id }) => id !== probe);
  return running.length === gate.running.length ? null : { ...gate, running };
}

function open(from: Gate, { at, jitter }: { at: number; jitter: number }, reason: string): Open {
  const forgotten = from.state === "closed" && at - from.since >= FORGET_TRIPS_MS;
  const trips = forgotten ? 1 : from.trips + 1;
  const longest = Math.min(LONGEST_OPENING_MS, FIRST_OPENING_MS * 2 ** (trips - 1));
  const openUntil = at + longest * (1 - OPENING_JITTER * jitter);
  return { state: "open", generation: from.generation + 1, trips, since: at, openUntil, reason, readFailedAt: null };
}

function halfOpen(from: Open, now: number): HalfOpen {
  const { generation, trips, reason } = from;
  return { state: "half_open", generation: generation + 1, trips, since: now, passed: 0, running: [], reason };
}

function closed(from: { generation: number; trips: number; now: number; rampFrom: number | null }): Closed {
  const { generation, trips, now, rampFrom } = from;
  const none = { value: 0, at: now };
  const well = { sum: 0, faultsInARow: 0, attempts: none, faults: none, witnesses: {} };
  return { state: "closed", generation, trips, since: now, ...well, rampFrom };
}

function recently(gate: Closed, now: number): string {
  const faults = valueAt(gate.faults, now, TECH_HALF_LIFE_MS);
  const attempts = valueAt(gate.attempts, now, TECH_HALF_LIFE_MS);
  return `${Math.round((100 * faults) / attempts)} % of the last attempts were faults`;
}
