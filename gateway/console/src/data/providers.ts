/** As `/v1/providers` shows it. Times are RFC 3339, shares and rates 0 to 1. */
export interface Provider {
  readonly id: string;
  readonly health: "up" | "testing" | "unavailable";
  /** What stands against new attempts; null: nothing. */
  readonly reason: string | null;
  readonly verified: boolean;
  readonly breaker: {
    readonly state: "closed" | "open" | "half_open";
    readonly scope: "fleet" | "instance";
    readonly reason: string | null;
    readonly since: string;
    readonly open_until: string | null;
    readonly trips: number;
    readonly fault_rate: number | null;
    readonly weight: number;
  };
  readonly approval: { readonly rate: number; readonly outcomes: number };
  readonly latency_ms: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
  readonly share: number | null;
  readonly in_flight: number;
  readonly override: Override | null;
}

export type OverrideMode = "down" | "drain" | "only" | "up";

export interface Override {
  readonly mode: OverrideMode;
  readonly reason: string;
  readonly actor: string;
  readonly created_at: string;
  readonly expires_at: string | null;
}
