import { type ApprovalBook, EVERYONE, providerOfCounts } from "../../routing/approval.ts";
import { rebased } from "../../routing/health-gate.ts";
import type { Heartbeat, Presence } from "../../routing/presence.ts";
import type { Replica } from "../../routing/replica.ts";
import type { ProviderCircuit } from "./provider-circuit.ts";
import { type SharedPart, sharedPart } from "./shared-copies.ts";
import { takeCounts, takeGate, takePresence } from "./shared-values.ts";

/** What a fleet's documents are called: a gate by its provider, counts by the approval book's name. */
const GATE = "gate:";
const APPROVAL = "approval:";
export const PRESENCE_DOCUMENT = "instances";

export function gateDocument(provider: string): string {
  return `${GATE}${provider}`;
}

export function approvalDocument(counts: string): string {
  return `${APPROVAL}${counts}`;
}

interface FleetParts {
  readonly circuitOf: (provider: string) => ProviderCircuit | undefined;
  readonly approvals: ApprovalBook;
  readonly presence: Replica<Presence, Heartbeat>;
  readonly time: { now(): number };
}

/** What the store calls by this name; null: nothing of ours. */
export function fleetPart(name: string, { circuitOf, approvals, presence, time }: FleetParts): SharedPart | null {
  if (name.startsWith(GATE)) {
    const circuit = circuitOf(name.slice(GATE.length));
    return circuit ? gatePart(circuit, time) : null;
  }
  if (name === PRESENCE_DOCUMENT) return sharedPart({ replica: presence, take: takePresence, adopted: () => {} });
  if (!name.startsWith(APPROVAL)) return null;
  const counts = name.slice(APPROVAL.length);
  // Of a provider that is not configured here nothing is kept: a store may name any number of them.
  if (counts !== EVERYONE && !circuitOf(providerOfCounts(counts))) return null;
  const take = (value: unknown) => takeCounts(value, time.now());
  return sharedPart({ replica: approvals.replica(counts), take, adopted: () => {} });
}

function gatePart(circuit: ProviderCircuit, time: { now(): number }): SharedPart {
  const { shared } = circuit;
  return sharedPart({
    replica: shared,
    take: (value, reset) => takeGate(value, shared.view, time.now(), reset),
    ours: () => rebased(shared.base, time.now()),
    adopted: () => circuit.adopted(),
    accepted: (before, after) => circuit.accepted(before, after),
    unheard: () => circuit.unheard(),
  });
}
