import type { ProviderStatus } from "./health/provider-status.ts";

/** What a customer wants to do, and how it goes. */
export const CAPABILITIES = ["new_payments", "saved_payments", "refunds"] as const;
export type Capability = (typeof CAPABILITIES)[number];
export type Level = "operational" | "degraded" | "outage";
export type Levels = Readonly<Record<Capability, Level>>;

/**
 * Refunds go to the processor that took the money: where one is away, some of them wait. `waitsLong`: a charge that was kept waits for longer
 * than a passing trouble lasts. A processor that is only being tested ends no outage: otherwise each test would.
 */
export function capabilitiesOf(facts: {
  readonly health: readonly ProviderStatus["health"][];
  readonly waitsLong: boolean;
  readonly before: Level | null;
}): Levels {
  const { health, before } = facts;
  const up = health.filter((one) => one === "up").length;
  const tested = health.includes("testing") && before !== "outage";
  const routed: Level = up === health.length ? "operational" : up > 0 || tested ? "degraded" : "outage";
  const saved = routed === "outage" ? "outage" : facts.waitsLong ? "degraded" : "operational";
  return { new_payments: routed, saved_payments: saved, refunds: routed };
}

const ORDER: readonly Level[] = ["operational", "degraded", "outage"];

export function worstOf(levels: readonly Level[]): Level {
  return levels.reduce((worst, level) => (ORDER.indexOf(level) > ORDER.indexOf(worst) ? level : worst), "operational");
}
