/** Which instances live: when each was last heard of, milliseconds of the fleet's clock. */
export type Presence = Readonly<Record<string, number>>;

export interface Heartbeat {
  readonly at: number;
  readonly by: string;
}

/** A fleet is not larger: of more, the ones heard last are known. More would not fit a document of what instances share. */
export const MAX_INSTANCES = 200;
/** Between two heartbeats of one instance. */
export const HEARTBEAT_MS = 5_000;
/** Three heartbeats missed: it is gone. One that is to come is a stranger's, or from before the clock was set back. */
export const GONE_MS = 15_000;

const isFresh = (seen: number, now: number): boolean => Math.abs(now - seen) < GONE_MS;

export function heard(presence: Presence, { at, by }: Heartbeat): Presence {
  const others = Object.entries(presence).filter(([other, seen]) => other !== by && isFresh(seen, at));
  if (others.length >= MAX_INSTANCES) others.sort(([, a], [, b]) => b - a).splice(MAX_INSTANCES - 1);
  return { ...Object.fromEntries(others), [by]: at };
}

/** At least one: whoever asks. */
export function livingInstances(presence: Presence, now: number): number {
  return Math.max(1, Object.values(presence).filter((seen) => isFresh(seen, now)).length);
}
