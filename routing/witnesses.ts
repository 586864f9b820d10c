import { own } from "./own.ts";

/**
 * Who reported what about one provider lately, so that one instance with a broken network does not close a provider for
 * all of them: its faults are doubted while another instance gets answers.
 */
export type Witnesses = Readonly<Record<string, Witness>>;

export interface Witness {
  /** Its last call without a fault; null: none. */
  readonly okAt: number | null;
  /** Its last fault since the sum of all last was zero; null: none. */
  readonly faultAt: number | null;
  /** Its first fault since its last call without one; null: that one was its last. */
  readonly failingSince: number | null;
}

/** An answer that is older says nothing about now. */
export const WITNESS_MS = 10_000;
/** More instances than this share one gate only in part: the ones silent for the longest are forgotten. */
export const MAX_WITNESSES = 64;

export function witnessed(witnesses: Witnesses, by: string, seen: { at: number; fault: boolean }): Witnesses {
  const { okAt, faultAt, failingSince } = own(witnesses, by) ?? { okAt: null, faultAt: null, failingSince: null };
  const now = seen.fault
    ? { okAt, faultAt: seen.at, failingSince: failingSince ?? seen.at }
    : { okAt: seen.at, faultAt, failingSince: null };
  const next = { ...witnesses, [by]: now };
  return Object.keys(next).length > MAX_WITNESSES ? withoutOldest(next) : next;
}

/** The sum is zero again: earlier faults no longer speak. */
export function acquitted(witnesses: Witnesses): Witnesses {
  if (Object.values(witnesses).every(({ faultAt }) => faultAt === null)) return witnesses;
  return Object.fromEntries(Object.entries(witnesses).map(([by, witness]) => [by, { ...witness, faultAt: null }]));
}

/** All faults come from one instance, while another one gets answers. */
export function onlyOneSees(witnesses: Witnesses, now: number): boolean {
  const all = Object.entries(witnesses);
  const accusers = all.filter(([, { faultAt }]) => faultAt !== null);
  if (accusers.length !== 1) return false;
  return all.some(([by, { okAt }]) => by !== accusers[0]![0] && okAt !== null && now - okAt < WITNESS_MS);
}

/** Its last call failed, while another one gets answers: then one more fault of it says nothing about what the others would get. */
export function failsAlone(witnesses: Witnesses, by: string, now: number): boolean {
  const failing = (own(witnesses, by)?.failingSince ?? null) !== null;
  return failing && Object.entries(witnesses).some(([other, { okAt }]) => other !== by && okAt !== null && now - okAt < WITNESS_MS);
}

function withoutOldest(witnesses: Witnesses): Witnesses {
  const lastAt = ({ okAt, faultAt }: Witness) => Math.max(okAt ?? 0, faultAt ?? 0);
  return Object.fromEntries(
    Object.entries(witnesses)
      .sort(([, a], [, b]) => lastAt(b) - lastAt(a))
      .slice(0, MAX_WITNESSES),
  );
}
