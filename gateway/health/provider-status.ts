import type { ApprovalEstimate } from "../../routing/approval.ts";
import { freeProbes, type Gate, rampWeight, techFaultRate } from "../../routing/health-gate.ts";
import type { Override } from "../store/overrides.ts";
import type { Breaker } from "./breaker.ts";
import type { Percentiles } from "./latency-window.ts";

/** One provider as people and metrics see it. Times are milliseconds since 1970, durations milliseconds, shares 0 to 1. */
export interface ProviderStatus {
  readonly provider: string;
  /** `testing`: only a few attempts as probes. */
  readonly health: "up" | "testing" | "unavailable";
  /** What stands against new attempts; null: nothing. */
  readonly why: string | null;
  readonly verified: boolean;
  readonly circuit: CircuitStatus;
  readonly approval: ApprovalEstimate;
  readonly latencyMs: Percentiles;
  /** Of this instance's recent attempts; null when there were none. */
  readonly share: number | null;
  /** Steps of attempts on their way. */
  readonly inFlight: number;
  /** Made by this instance since it started. */
  readonly attempts: number;
  /** opossum's counts of the last 10 s. */
  readonly breaker: Breaker["stats"];
  readonly override: Override | null;
}

export interface CircuitStatus {
  readonly state: Gate["state"];
  /** What opened it; null while closed. */
  readonly reason: string | null;
  readonly since: number;
  readonly openUntil: number | null;
  readonly generation: number;
  readonly trips: number;
  /** Only this instance finds the provider ill: look at its network. */
  readonly alone: boolean;
  readonly faultRate: number | null;
  readonly faultsInARow: number | null;
  readonly freeProbes: number;
  /** The share of its traffic that it gets, after it came back. */
  readonly weight: number;
}

export function statusOf(facts: {
  provider: string;
  obstacle: string | null;
  unverified: string | null;
  override: Override | null;
  gate: Gate;
  alone: boolean;
  approval: ApprovalEstimate;
  latency: Percentiles;
  inFlight: number;
  attempts: number;
  breaker: Breaker["stats"];
  share: number | null;
  now: number;
  /** Turns the fleet's time into one that people read. */
  wallMinusFleet: number;
}): ProviderStatus {
  const { gate, obstacle } = facts;
  const tested = gate.state === "half_open" && facts.override?.mode !== "up";
  return {
    provider: facts.provider,
    health: tested && (obstacle === null || freeProbes(gate) === 0) ? "testing" : obstacle === null ? "up" : "unavailable",
    why: obstacle,
    verified: facts.unverified === null,
    circuit: { ...circuitStatus(gate, facts.now, facts.wallMinusFleet), alone: facts.alone },
    approval: facts.approval,
    latencyMs: facts.latency,
    share: facts.share,
    inFlight: facts.inFlight,
    attempts: facts.attempts,
    breaker: facts.breaker,
    override: facts.override,
  };
}

function circuitStatus(gate: Gate, now: number, wallMinusFleet: number): Omit<CircuitStatus, "alone"> {
  const { state, generation, trips } = gate;
  return {
    state,
    reason: gate.state === "closed" ? null : gate.reason,
    since: gate.since + wallMinusFleet,
    openUntil: gate.state === "open" ? gate.openUntil + wallMinusFleet : null,
    generation,
    trips,
    faultRate: gate.state === "closed" ? techFaultRate(gate, now) : null,
    faultsInARow: gate.state === "closed" ? gate.faultsInARow : null,
    freeProbes: freeProbes(gate),
    weight: rampWeight(gate, now),
  };
}
