import type { GridOptions } from "./grid.ts";
import type { BenchOptions } from "./options.ts";
import { FEWER_POLICIES, INSTANCE_POLICIES, POLICIES, PRODUCT } from "./policies.ts";
import { FOUR_PROVIDERS, INSTANCE_SCENARIOS, MAIN_SCENARIOS, OTHER_SCENARIOS } from "./scenarios.ts";

/** One table that is to be measured. */
export interface Planned extends GridOptions {
  readonly title: string;
  readonly kind: "main" | "weather" | "instances";
}

export const USUAL_RATE = 20;
/** What takes long, with so many charges, tables or exchanges, is a third as long, and has a third of the seeds. */
const LESS = 3;

/** Approval rates from 0.92 down; the first four are the usual ones. */
function approvalsOf(providers: number): readonly number[] {
  const more = Array.from({ length: Math.max(0, providers - FOUR_PROVIDERS.length) }, (_, i) => 0.89 - 0.02 * i);
  return [...FOUR_PROVIDERS.slice(0, providers), ...more].sort((a, b) => b - a);
}

/** In the order of the report. */
export function planned(options: BenchOptions): Planned[] {
  const seconds = 60 * options.minutes;
  const fewer = { seconds: seconds / LESS, seeds: Math.ceil(options.seeds / LESS) };
  const short = `runs of ${options.minutes / LESS} minutes`;
  const main = { kind: "main", scenarios: MAIN_SCENARIOS, policies: POLICIES, approvals: FOUR_PROVIDERS, seconds } as const;
  const common = { set: options.set, seeds: options.seeds };
  const slow = { ...common, ...main, policies: FEWER_POLICIES, ...fewer };
  const rate = (perSecond: number): string => `${perSecond} charges/s`;
  const usual = options.rates.filter((each) => each <= USUAL_RATE);
  const fast = options.rates.filter((each) => each > USUAL_RATE);
  const atUsual: Planned[] = [
    {
      ...common,
      ...main,
      kind: "weather",
      scenarios: OTHER_SCENARIOS,
      policies: FEWER_POLICIES,
      perSecond: USUAL_RATE,
      title: `More weather, ${rate(USUAL_RATE)}`,
    },
    {
      ...common,
      ...main,
      kind: "instances",
      scenarios: INSTANCE_SCENARIOS,
      policies: INSTANCE_POLICIES,
      perSecond: USUAL_RATE,
      ...fewer,
      title: `16 instances, ${rate(USUAL_RATE)} in all, ${short}`,
    },
  ];
  return [
    ...usual.map((perSecond) => ({ ...common, ...main, perSecond, title: `${rate(perSecond)}, four providers` })),
    ...(usual.includes(USUAL_RATE) ? atUsual : []),
    ...fast.map((perSecond) => ({ ...slow, perSecond, title: `${rate(perSecond)}, four providers, ${short}` })),
    ...options.providers.map((k) => ({
      ...slow,
      perSecond: USUAL_RATE,
      approvals: approvalsOf(k),
      title: `${k} providers, ${rate(USUAL_RATE)}, ${short}`,
    })),
  ]
    .filter(({ title }) => options.tables.length === 0 || options.tables.some((text) => title.includes(text)))
    .map((table) => ({ ...table, policies: table.policies.filter(({ name }) => wanted(name, options.policy)) }));
}

/** The product is in every table: what others are compared with. */
function wanted(name: string, policy: string | null): boolean {
  return policy === null || name.includes(policy) || name === PRODUCT[0]!.name;
}
