import { Dice } from "../simulation/dice.ts";

/** What is done to a process. `long freeze`: past a lease's end, so that it wakes as a zombie. */
export type Blow = "kill" | "terminate" | "freeze" | "long freeze" | "forget";

export interface Step {
  /** Milliseconds since the end of the step before. */
  readonly afterMs: number;
  readonly blow: Blow;
  /** Milliseconds until it is started again, or thawed. */
  readonly forMs: number;
}

/** How long it is left alone and how it is struck. */
export interface Fate {
  readonly quietMs: readonly [number, number];
  readonly blows: Readonly<Partial<Record<Blow, number>>>;
}

/** A lease lives CHARGE_BUDGET_MS and 15 s: 18 s with the settings of these tests. */
const LONG_FREEZE_MS = [19_000, 23_000] as const;
const FREEZE_MS = [500, 6_000] as const;
const DOWN_MS = [0, 3_000] as const;

/** What is done to one process in a storm of `lengthMs`: the same for the same seed. */
export function planOf(seed: number, name: string, fate: Fate, lengthMs: number): Step[] {
  const dice = new Dice(seed, name);
  const steps: Step[] = [];
  for (let at = 0; ; ) {
    const blow = dice.weighted(fate.blows);
    const afterMs = dice.between(...fate.quietMs);
    const forMs = dice.between(...durationOf(blow));
    at += afterMs;
    if (at >= lengthMs) return steps;
    steps.push({ afterMs, blow, forMs });
    at += forMs;
  }
}

function durationOf(blow: Blow): readonly [number, number] {
  if (blow === "long freeze") return LONG_FREEZE_MS;
  return blow === "freeze" ? FREEZE_MS : DOWN_MS;
}
