import type { Dice } from "../../simulation/dice.ts";
import type { StoreFate } from "./policy.ts";
import { INSTANCES, SEGMENT_SHARES, type Truth } from "./world.ts";

/**
 * `tuning`: constants of the product may be fitted to these worlds. `held_out`: other seeds and wider ranges, which no
 * constant was ever fitted to; only their results are published.
 */
export type SeedSet = "tuning" | "held_out";

export interface Scenario {
  readonly name: string;
  /** What happens, in a line. */
  readonly what: string;
  /** Draws the same worlds as the scenario of this name. */
  readonly sameChanceAs?: string;
  draw(draw: Draw): Truth;
}

export interface Draw {
  readonly dice: Dice;
  readonly set: SeedSet;
  /** Of the run. */
  readonly seconds: number;
  /** True approval rates, best first, as the providers are configured. */
  readonly approvals: readonly number[];
}

/** The four providers of every published comparison, best first. */
export const FOUR_PROVIDERS = [0.92, 0.9, 0.87, 0.8];
export const BACKGROUND_FAULTS = 0.003;
const FAST_FAULT_MS = 100;
const TIMEOUT_MS = 10_000;
const BEST = 0;

/** Those of the bar; the mean of a policy is over them. */
export const MAIN_SCENARIOS: readonly Scenario[] = [
  { name: "stationary", what: "nothing changes", draw: calm },
  {
    name: "outage, fast errors",
    what: "the best provider answers every charge with an error, for 5 to 12 min",
    draw: (draw) => hardOutage(draw, FAST_FAULT_MS),
  },
  {
    name: "outage, 10 s timeouts",
    what: "the same, but its calls hang until the deadline",
    draw: (draw) => hardOutage(draw, TIMEOUT_MS),
  },
  { name: "brown-out", what: "the best provider fails 25 % (held out: 15 to 40 %) of its charges for 8 to 14 min", draw: brownOut },
  { name: "flapping", what: "the best provider is down 20 s and up 40 s (held out: 10 to 30 s, 25 to 60 s), for 20 min", draw: flapping },
  { name: "seasonal", what: "each approval rate swings by 5 points (held out: 3 to 7) in 15 min (12 to 25), out of phase", draw: seasonal },
  { name: "order swaps", what: "twice the providers change places", draw: orderSwaps },
];

/** Outside of the mean. */
export const OTHER_SCENARIOS: readonly Scenario[] = [
  { name: "two down", what: "the best provider goes down with timeouts, a minute later the second with errors", draw: twoDown },
  {
    name: "recovery with a backlog",
    what: "after an outage the best provider comes back with 30 % faults that fade in 60 s, while five times the charges arrive for 3 min",
    draw: backlog,
  },
  { name: "one broken segment", what: "one country's issuers decline 70 % at the best provider for 10 to 15 min", draw: brokenSegment },
  { name: "best differs by segment", what: "each country has its own order of the providers", draw: ownOrders },
  { name: "wave of declines", what: "issuers decline 70 % at the best provider for 5 min, and nothing is broken", draw: wave },
  { name: "2 % faults everywhere", what: "nothing changes, but each provider fails 2 % of its charges", draw: faulty },
];

const INSTANCE_SCENARIO_NAMES = ["stationary", "outage, fast errors", "outage, 10 s timeouts", "brown-out", "flapping"];

/** For several instances. */
export const INSTANCE_SCENARIOS: readonly Scenario[] = [
  ...MAIN_SCENARIOS.filter(({ name }) => INSTANCE_SCENARIO_NAMES.includes(name)),
  {
    name: "one instance cut off",
    what: "one of 16 instances does not reach the best provider for a third of the run, the others do",
    draw: oneCutOff,
  },
  {
    name: "timeouts, store away",
    sameChanceAs: "outage, 10 s timeouts",
    what: "5 s after the best provider began to hang, the store is away for everybody for 60 s",
    draw: (draw) =>
      withStore(hardOutage(draw, TIMEOUT_MS), (onset) => ({ away: { from: onset + 5_000, to: onset + 65_000 }, emptiedAt: null })),
  },
  {
    name: "timeouts, store emptied",
    sameChanceAs: "outage, 10 s timeouts",
    what: "5 s after the best provider began to hang, the store is emptied",
    draw: (draw) => withStore(hardOutage(draw, TIMEOUT_MS), (onset) => ({ away: null, emptiedAt: onset + 5_000 })),
  },
];

/** Later keys of `more` win. */
function truth({ seconds, approvals }: Draw, more: Partial<Truth> = {}): Truth {
  return {
    seconds,
    providers: approvals.length,
    approval: (provider) => approvals[provider]!,
    faults: () => BACKGROUND_FAULTS,
    isDown: () => false,
    faultLatencyMs: null,
    surge: () => 1,
    outage: null,
    isCutOff: () => false,
    store: { away: null, emptiedAt: null },
    ...more,
  };
}

function calm(draw: Draw): Truth {
  return truth(draw);
}

/** When something of this length (both in shares of the run) begins and ends; in the held-out set also much earlier or later. */
function span({ dice, set, seconds }: Draw, least: number, most: number): { from: number; to: number } {
  const length = seconds * dice.between(least, most);
  const [earliest, latest] = set === "tuning" ? [seconds * 0.2, seconds * 0.4] : [seconds * 0.08, seconds - length];
  const from = dice.between(earliest, latest);
  return { from, to: from + length };
}

function during(at: number, { from, to }: { from: number; to: number }): boolean {
  return at >= from && at < to;
}

function hardOutage(draw: Draw, faultLatencyMs: number): Truth {
  const outage = draw.set === "tuning" ? span(draw, 1 / 3, 1 / 3) : span(draw, 1 / 6, 0.4);
  const isDown = (provider: number, at: number): boolean => provider === BEST && during(at, outage);
  return truth(draw, {
    isDown,
    faults: (provider, at) => (isDown(provider, at) ? 1 : BACKGROUND_FAULTS),
    faultLatencyMs,
    outage,
  });
}

function brownOut(draw: Draw): Truth {
  const brown = draw.set === "tuning" ? span(draw, 0.4, 0.4) : span(draw, 0.27, 0.47);
  const severity = draw.set === "tuning" ? 0.25 : draw.dice.between(0.15, 0.4);
  return truth(draw, { faults: (provider, at) => (provider === BEST && during(at, brown) ? severity : BACKGROUND_FAULTS) });
}

function flapping(draw: Draw): Truth {
  const { dice, set } = draw;
  const all = span(draw, 2 / 3, 2 / 3);
  const [down, up] = set === "tuning" ? [20, 40] : [dice.between(10, 30), dice.between(25, 60)];
  const isDown = (provider: number, at: number): boolean => provider === BEST && during(at, all) && (at - all.from) % (down + up) < down;
  return truth(draw, {
    isDown,
    faults: (provider, at) => (isDown(provider, at) ? 1 : BACKGROUND_FAULTS),
    faultLatencyMs: FAST_FAULT_MS,
  });
}

function seasonal(draw: Draw): Truth {
  const { dice, set, seconds, approvals } = draw;
  const [swing, period] = set === "tuning" ? [0.05, seconds / 2] : [dice.between(0.03, 0.07), seconds * dice.between(0.4, 0.83)];
  const phases = approvals.map(
    (_, i) => 2 * Math.PI * (set === "tuning" ? dice.random() / approvals.length + i / approvals.length : dice.random()),
  );
  const approval = (provider: number, _: number, at: number): number => {
    const rate = approvals[provider]! + swing * Math.sin((2 * Math.PI * at) / period + phases[provider]!);
    return Math.min(1, Math.max(0, rate));
  };
  return truth(draw, { approval });
}

function orderSwaps(draw: Draw): Truth {
  const { dice, set, seconds, approvals } = draw;
  const orders = [approvals, dealt(dice, approvals), dealt(dice, approvals)];
  const swaps = set === "tuning" ? [seconds / 3, (2 * seconds) / 3] : [seconds * dice.between(0.1, 0.5), seconds * dice.between(0.5, 0.9)];
  const part = (at: number): number => (at < swaps[0]! ? 0 : at < swaps[1]! ? 1 : 2);
  return truth(draw, { approval: (provider, _, at) => orders[part(at)]![provider]! });
}

/** In another order, and the best one elsewhere. */
function dealt(dice: Dice, approvals: readonly number[]): number[] {
  const order = [...approvals];
  for (let i = order.length - 1; i > 0; i--) {
    const j = dice.whole(0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order[BEST] === approvals[BEST] ? [...order.slice(1), order[0]!] : order;
}

function twoDown(draw: Draw): Truth {
  const first = span(draw, 1 / 4, 1 / 3);
  const second = { from: first.from + draw.seconds / 30, to: first.to - draw.seconds / 30 };
  const isDown = (provider: number, at: number): boolean =>
    (provider === BEST && during(at, first)) || (provider === BEST + 1 && during(at, second));
  return truth(draw, {
    isDown,
    faults: (provider, at) => (isDown(provider, at) ? 1 : BACKGROUND_FAULTS),
    faultLatencyMs: TIMEOUT_MS,
    outage: first,
  });
}

/** The rate is doubled and more while the fleet is weak. What it does to the provider's own load is not modelled. */
function backlog(draw: Draw): Truth {
  const outage = span({ ...draw, seconds: draw.seconds * 0.8 }, 1 / 6, 1 / 3);
  const isDown = (provider: number, at: number): boolean => provider === BEST && during(at, outage);
  const faults = (provider: number, at: number): number => {
    if (isDown(provider, at)) return 1;
    const back = at - outage.to;
    return provider === BEST && back >= 0 && back < 60 ? Math.max(BACKGROUND_FAULTS, 0.3 * (1 - back / 60)) : BACKGROUND_FAULTS;
  };
  const surge = (at: number): number => (at >= outage.to && at < outage.to + draw.seconds / 10 ? 5 : 1);
  return truth(draw, { isDown, faults, surge, faultLatencyMs: FAST_FAULT_MS, outage });
}

function brokenSegment(draw: Draw): Truth {
  const broken = span(draw, 1 / 3, 1 / 2);
  const segment = draw.dice.whole(0, 2);
  return truth(draw, {
    approval: (provider, of, at) => (provider === BEST && of === segment && during(at, broken) ? 0.3 : draw.approvals[provider]!),
  });
}

function ownOrders(draw: Draw): Truth {
  const orders = SEGMENT_SHARES.map((_, segment) => (segment === 0 ? draw.approvals : dealt(draw.dice, draw.approvals)));
  return truth(draw, { approval: (provider, segment) => orders[segment]![provider]! });
}

function wave(draw: Draw): Truth {
  const of = span(draw, 1 / 6, 1 / 6);
  return truth(draw, { approval: (provider, _, at) => (provider === BEST && during(at, of) ? 0.3 : draw.approvals[provider]!) });
}

function faulty(draw: Draw): Truth {
  return truth(draw, { faults: () => 0.02 });
}

function oneCutOff(draw: Draw): Truth {
  const when = span(draw, 1 / 3, 1 / 3);
  const which = draw.dice.whole(0, INSTANCES - 1);
  return truth(draw, { isCutOff: (instance, provider, at) => instance === which && provider === BEST && during(at, when) });
}

function withStore(truth: Truth, fate: (onsetMs: number) => StoreFate): Truth {
  return { ...truth, store: fate(1_000 * (truth.outage?.from ?? 0)) };
}
