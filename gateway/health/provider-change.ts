import type { Gate } from "../../routing/health-gate.ts";
import type { GateView } from "./provider-circuit.ts";

/** A provider's gate opened, half-opened or closed. */
export interface ProviderChange {
  readonly provider: string;
  readonly from: Gate["state"];
  readonly to: Gate["state"];
  /** What opened it. */
  readonly reason: string;
  readonly trips: number;
  readonly generation: number;
  /** Milliseconds until it half-opens; null unless it opened. */
  readonly openForMs: number | null;
  /** Of this instance's own gate: it alone finds, or found, the provider ill. */
  readonly alone: boolean;
}

export function providerChange(provider: string, { gate: from }: GateView, { gate: to, alone }: GateView): ProviderChange {
  const { trips, generation } = to;
  return {
    provider,
    from: from.state,
    to: to.state,
    reason: to.state === "closed" ? "all probes passed" : to.reason,
    trips,
    generation,
    openForMs: to.state === "open" ? Math.round(to.openUntil - to.since) : null,
    alone,
  };
}

type ChangeListener = (change: ProviderChange) => void;

/** Those who want to hear of changes. */
export class ChangeListeners {
  readonly #listeners: ChangeListener[] = [];
  readonly #onBug: (error: unknown) => void;

  /** `onBug`: a listener threw. */
  constructor(onBug: (error: unknown) => void) {
    this.#onBug = onBug;
  }

  add(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  tell(change: ProviderChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (bug) {
        this.#onBug(bug);
      }
    }
  }
}
