/**
 * When people are told of what happened, and how much of it at once. Pure; times are milliseconds since 1970.
 *
 * The first of a kind is told after a moment, together with what comes in that moment. What follows is counted, and told with growing
 * distance, so that a thousand dead letters are a handful of messages.
 */
export interface DigestState {
  /** Not told yet, by what it was. */
  readonly waiting: Readonly<Record<string, Sum>>;
  /** The first of them. */
  readonly since: number;
  /** Messages since it was last calm for long, and the time of the last. */
  readonly told: number;
  readonly toldAt: number;
  readonly dueAt: number;
}

export interface Sum {
  readonly count: number;
  /** Minor units, decimal, by currency. */
  readonly amounts: Readonly<Record<string, string>>;
}

export interface Happening {
  readonly label: string;
  readonly amount: bigint | null;
  readonly currency: string | null;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** What comes together is told together. */
const GATHER_MS = 20_000;
/** After the first message, the second, ...; then daily. */
const DISTANCES_MS = [15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 12 * HOUR_MS];
const DAILY_MS = 24 * HOUR_MS;

const EMPTY: DigestState = { waiting: {}, since: 0, told: 0, toldAt: 0, dueAt: 0 };

export function addHappening(before: DigestState | undefined, happening: Happening, now: number): DigestState {
  const was = before ?? EMPTY;
  const waiting = { ...was.waiting, [happening.label]: plus(was.waiting[happening.label], happening) };
  if (Object.keys(was.waiting).length > 0) return { ...was, waiting };
  const distance = was.told === 0 ? 0 : distanceMs(was.told);
  const told = now - was.toldAt >= 2 * distance ? 0 : was.told;
  const dueAt = Math.max(now + GATHER_MS, told === 0 ? 0 : was.toldAt + distance);
  return { ...was, waiting, since: now, told, dueAt };
}

/** What is to be told now; null: nothing. */
export function dueDigest(was: DigestState, now: number): { readonly state: DigestState; readonly tell: DigestState["waiting"] } | null {
  if (Object.keys(was.waiting).length === 0 || now < was.dueAt) return null;
  return { state: { ...was, waiting: {}, told: was.told + 1, toldAt: now }, tell: was.waiting };
}

function distanceMs(told: number): number {
  return DISTANCES_MS[told - 1] ?? DAILY_MS;
}

function plus(sum: Sum | undefined, { amount, currency }: Happening): Sum {
  const amounts = sum?.amounts ?? {};
  const count = (sum?.count ?? 0) + 1;
  if (amount === null || currency === null) return { count, amounts };
  return { count, amounts: { ...amounts, [currency]: (BigInt(amounts[currency] ?? 0) + amount).toString() } };
}
