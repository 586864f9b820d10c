import { apply, type Fault, freeProbes, type Gate } from "../../routing/health-gate.ts";

/** What one instance tells a gate, in the words of tests. */
const ME = "instance-1";

interface At {
  readonly now: number;
  readonly generation: number;
  readonly by?: string;
}

export function observe(gate: Gate, result: At & { random: () => number; fault: boolean; what?: Fault }): Gate {
  const { now, generation, by = ME, random, fault, what = "error" } = result;
  const event = { at: now, by, generation };
  return apply(gate, fault ? { ...event, kind: "fault", what, jitter: random() } : { ...event, kind: "ok" });
}

let probes = 0;

/** null: no token is free. */
export function takeProbe(gate: Gate, now: number): { gate: Gate; probe: { id: string } } | null {
  if (freeProbes(gate) === 0) return null;
  const id = `${ME}.${++probes}`;
  return { gate: apply(gate, { at: now, by: ME, generation: gate.generation, kind: "probe_taken", probe: id }), probe: { id } };
}

export function passProbe(gate: Gate, { now, generation, id }: At & { id: string }): Gate {
  return apply(gate, { at: now, by: ME, generation, kind: "probe_passed", probe: id });
}

export function failProbe(gate: Gate, { now, generation, id, random }: At & { id: string; random: () => number }): Gate {
  return apply(gate, { at: now, by: ME, generation, kind: "probe_failed", probe: id, what: "error", jitter: random() });
}

export function returnProbe(gate: Gate, { now, generation, id }: At & { id: string }): Gate {
  return apply(gate, { at: now, by: ME, generation, kind: "probe_returned", probe: id });
}
