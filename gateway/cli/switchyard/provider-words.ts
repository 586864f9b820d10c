import { dueText, fromNow, percent, timeText } from "./words.ts";

/** A provider as /v1/providers shows it; the fields that are used here. */
export interface ProviderJson {
  readonly id: string;
  readonly health: "up" | "testing" | "unavailable";
  readonly reason: string | null;
  readonly breaker: {
    readonly state: "closed" | "open" | "half_open";
    readonly scope: "fleet" | "instance";
    readonly reason: string | null;
    readonly since: string;
    readonly open_until: string | null;
    readonly fault_rate: number | null;
    readonly weight: number;
  };
  readonly approval: { readonly rate: number; readonly outcomes: number };
  readonly latency_ms: { readonly p50: number | null; readonly p95: number | null };
  readonly share: number | null;
  readonly in_flight: number;
  readonly override: OverrideJson | null;
}

export interface OverrideJson {
  readonly mode: Mode;
  readonly reason: string;
  readonly actor: string;
  readonly expires_at: string | null;
}

export const MODES = ["down", "drain", "only", "up"] as const;
export type Mode = (typeof MODES)[number];

/** What a forced decision does, as the end of a sentence that begins with the provider. */
export const MODE_WORDS: Readonly<Record<Mode, string>> = {
  down: "gets no new attempts; what is open there is only looked up and fenced",
  drain: "gets no new attempts; what is under way there goes on",
  only: "is the only one that gets new attempts, with any other forced to `only`",
  up: "gets new attempts whatever its health gate says",
};

export function untilText({ expires_at }: Pick<OverrideJson, "expires_at">, nowMs: number): string {
  return expires_at === null ? "until it is cleared" : `until ${timeText(expires_at)} UTC (${fromNow(expires_at, nowMs)})`;
}

/** What a person should know of a provider beyond its numbers; none where all is well. */
export function remarks(provider: ProviderJson, nowMs: number): string[] {
  const { override, breaker, reason, health } = provider;
  const lines: string[] = [];
  if (override) lines.push(`forced ${override.mode} by ${override.actor} ${untilText(override, nowMs)}: ${override.reason}`);
  if (breaker.state !== "closed") {
    const again = breaker.open_until ? `, tested again ${dueText(breaker.open_until, nowMs)}` : "";
    lines.push(`its breaker is ${breaker.state.replace("_", " ")} since ${timeText(breaker.since)} UTC${again}: ${breaker.reason ?? "-"}`);
  } else if (health !== "up" && reason !== null && !override) lines.push(`${health}: ${reason}`);
  if (breaker.scope === "instance" && breaker.state !== "closed")
    lines.push("only the instance that answered finds it ill: look at that machine's way out (DNS, firewall, proxy)");
  if (breaker.state === "closed" && breaker.weight < 1)
    lines.push(`it came back shortly ago, and gets ${percent(breaker.weight)} of its traffic`);
  return lines;
}
