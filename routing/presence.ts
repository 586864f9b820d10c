/** Which instances live: when each was last heard of, milliseconds of the fleet's clock. */
export type Presence = Readonly<Record<string, number>>;

export interface Heartbeat {
  readonly at: number;
  readonly by: string;
}

/** Between two heartbeats of one instance. */
export const HEARTBEAT_MS = 5_000;
/** Three heartbeats missed: it is gone. */
export const GONE_MS = 15_000;

export function heard(presence: Presence, { at, by }: Heartbeat): Presence {
  const living = Object.entries(presence).filter(([, seen]) => at - seen < GONE_MS);
  return { ...Object.fromEntries(living), [by]: at };
}

/** At least one: whoever asks. */
export function livingInstances(presence: Presence, now: number): number {
  return Math.max(1, Object.values(presence).filter((seen) => now - seen < GONE_MS).length);
}
