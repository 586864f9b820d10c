import type { OverrideMode, Provider } from "../../data/providers.ts";
import { list, providerName, share, whenTime } from "../../parts/words.ts";

/** What an operator can force, in words. */
export const MODES: Readonly<Record<OverrideMode, { verb: string; words: string }>> = {
  down: { verb: "Take out", words: "No new attempts. Only looks at charges in doubt go there." },
  drain: { verb: "Drain", words: "No new attempts. What is under way, captures and refunds go on." },
  only: { verb: "Use only", words: "All others get no new attempts." },
  up: { verb: "Force up", words: "Its breaker is ignored: it gets charges even while it fails." },
};

/** "Take out Stripe": a button's words. */
export function doing(mode: OverrideMode, name: string): string {
  return `${MODES[mode].verb} ${name}`;
}

/** What will happen, a sentence each: read before it is done. `until`: milliseconds since 1970; null: nobody ends it but a person. */
export function consequences({
  mode,
  provider,
  all,
  until,
  now,
}: {
  mode: OverrideMode;
  provider: Provider;
  all: readonly Provider[];
  until: number | null;
  now: number;
}): string[] {
  const name = providerName(provider.id);
  const others = all.filter(({ id }) => id !== provider.id);
  return [
    `${capitalized(when(until, now))} ${firstThing(mode, name, others)}`,
    ...elsewhere(mode, provider, others),
    ...underWay(mode, provider, name),
    ...(provider.override === null
      ? []
      : [`It replaces what is forced now: ${MODES[provider.override.mode].verb.toLowerCase()} (${provider.override.reason}).`]),
    "It is in force on every instance within a second, outlives a restart, and is kept in the audit trail under your key.",
  ];
}

function when(until: number | null, now: number): string {
  if (until === null) return "From now on, until somebody ends it,";
  return `from now until ${whenTime(until, now)}`;
}

function firstThing(mode: OverrideMode, name: string, others: readonly Provider[]): string {
  switch (mode) {
    case "down":
    case "drain":
      return `no charge is tried at ${name}.`;
    case "only":
      return `all charges go to ${name}, and none to ${list(others.map(({ id }) => providerName(id))) || "any other"}.`;
    case "up":
      return `${name} gets charges even when its breaker would open.`;
  }
}

function elsewhere(mode: OverrideMode, provider: Provider, others: readonly Provider[]): string[] {
  const name = providerName(provider.id);
  switch (mode) {
    case "up":
      return provider.health === "unavailable"
        ? ["Its breaker says that it does not work now: charges there will be slow, and some will be in doubt."]
        : [];
    case "only":
      return [
        `A charge that ${name} cannot take (no token there, or it fails) has nowhere else to go: it is kept, and collected later.`,
        ...(provider.health === "unavailable" ? [`${name} cannot be used now: until it can, every charge is kept.`] : []),
      ];
    case "down":
    case "drain": {
      const usable = others.filter(({ health }) => health !== "unavailable");
      if (usable.length === 0)
        return ["No other processor can be used: every new charge is kept, and collected when one returns. No money flows meanwhile."];
      const part = provider.share === null ? "what it took" : `its share, ${share(provider.share)} of the recent attempts`;
      return [
        `${capitalized(list(usable.map(({ id }) => providerName(id))))} ${usable.length === 1 ? "takes" : "take"} ${part}. Charges that only ${name} has a token for are kept, and collected later.`,
      ];
    }
  }
}

function underWay(mode: OverrideMode, { in_flight: steps }: Provider, name: string): string[] {
  if (mode === "up" || mode === "only" || steps === 0) return [];
  return [
    `${steps === 1 ? "One step is" : `${steps} steps are`} under way at ${name}; ${steps === 1 ? "it is" : "they are"} finished, not cut off.`,
  ];
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
