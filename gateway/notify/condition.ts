/**
 * When people are told that something holds, and that it ended. Pure; times are milliseconds since 1970.
 *
 * It is told once when it has held for `onAfterMs`, and its end once when it has been calm for `offAfterMs`. Each time that it comes back
 * within a while the calm asked for is twice as long: what comes and goes makes one beginning, and one end when it is really over. While it
 * lasts there are reminders, each further away than the one before.
 */
export interface ConditionState {
  /** People were told that it began. */
  readonly on: boolean;
  /** As last looked at, and since when without a break. */
  readonly holds: boolean;
  readonly edgeAt: number;
  /** When what people were told of began. */
  readonly since: number;
  /** Beginnings since it was last calm for long. */
  readonly times: number;
  /** Messages of this episode, and the time of the last. */
  readonly told: number;
  readonly toldAt: number;
  /** The end that was told last; null: none was. */
  readonly offAt: number | null;
}

export interface Pace {
  readonly onAfterMs: number;
  readonly offAfterMs: number;
}

export type Tell = "begun" | "lasting" | "ended";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The most calm that is asked for before an end is told. */
const LONGEST_CALM_MS = 30 * MINUTE_MS;
/** After an end: what comes back within this is the same trouble. */
const REMEMBERED_MS = 2 * HOUR_MS;
/** From one message to the next while it lasts; then daily. */
const REMINDERS_MS = [30 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS];
const DAILY_MS = 24 * HOUR_MS;

const NEVER: ConditionState = { on: false, holds: false, edgeAt: 0, since: 0, times: 0, told: 0, toldAt: 0, offAt: null };

/** One look. The state is the same object when nothing is to be remembered. */
export function nextCondition(
  before: ConditionState | undefined,
  holds: boolean,
  now: number,
  pace: Pace,
): { readonly state: ConditionState; readonly tell: Tell | null } {
  const was = before ?? NEVER;
  const turned = was.holds !== holds;
  const edgeAt = turned ? now : was.edgeAt;
  const lasted = now - edgeAt;
  const state: ConditionState = turned ? { ...was, holds, edgeAt } : was;
  if (!was.on) {
    if (!holds || lasted < pace.onAfterMs) return { state, tell: null };
    const times = was.offAt !== null && now - was.offAt < REMEMBERED_MS ? was.times + 1 : 1;
    return { state: { ...state, on: true, since: edgeAt, times, told: 1, toldAt: now }, tell: "begun" };
  }
  if (!holds) {
    if (lasted < calmMs(was.times, pace)) return { state, tell: null };
    return { state: { ...state, on: false, offAt: now }, tell: "ended" };
  }
  const again = turned ? { ...state, times: was.times + 1 } : state;
  if (now - was.toldAt < (REMINDERS_MS[was.told - 1] ?? DAILY_MS)) return { state: again, tell: null };
  return { state: { ...again, told: was.told + 1, toldAt: now }, tell: "lasting" };
}

function calmMs(times: number, { offAfterMs }: Pace): number {
  return Math.min(offAfterMs * 2 ** Math.min(times - 1, 20), Math.max(LONGEST_CALM_MS, offAfterMs));
}
