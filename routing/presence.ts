/** Which instances live: when each was last heard of, milliseconds of the fleet's clock. */
export type Presence = Readonly<Record<string, number>>;

export interface Heartbeat {
  readonly at: number;
  readonly by: string;
}

/** Between two heartbeats of one instance. */
export const HEARTBEAT_MS = 5_000;
/** Three heartbeats missed: it is gone. One that is to come is a stranger's, or from before the clock was set back. */
export const GONE_MS = 15_000;

const isFresh = (seen: number, now: number): boolean => Math.abs(now - seen) < GONE_MS;

export function heard(presence: Presence, { at, by }: Heartbeat): Presence {
  const living = Object.entries(presence).filter(([, seen]) => isFresh(seen, at));
  return { ...Object.fromEntries(living), [by]: at };
}

/** At least one: whoever asks. */
export function livingInstances(presence: Presence, now: number): number {
  return Math.max(1, Object.values(presence).filter((seen) => isFresh(seen, now)).length);
}
