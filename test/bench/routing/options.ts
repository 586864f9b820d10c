import { parseArgs } from "node:util";
import type { SeedSet } from "./scenarios.ts";

export interface BenchOptions {
  readonly set: SeedSet;
  readonly seeds: number;
  readonly minutes: number;
  /** Charges per second; each is a table of its own. */
  readonly rates: readonly number[];
  /** Numbers of providers; tables of their own, at 20 charges/s. Four are in every other table. */
  readonly providers: readonly number[];
  /** Only policies whose names contain it. */
  readonly policy: string | null;
  readonly json: boolean;
  /** Writes docs/routing-benchmark.md and its picture. */
  readonly write: boolean;
}

export const USAGE = `npm run bench:routing -- [options]
  --fast            3 seeds of 10 minutes at 20 charges/s: a glance, about half a minute
  --seeds N         per scenario (default 30); a fifth of it above 20 charges/s and with other numbers of providers
  --rates A,B       charges per second (default 20,2,0.2,100)
  --providers A,B   numbers of providers besides four (default 2,5,10)
  --minutes N       length of a run (default 30)
  --tuning          the seeds and scenario parameters that constants may be fitted to, instead of the held-out ones
  --policy TEXT     only policies whose names contain it
  --json            every cell as JSON
  --write           docs/routing-benchmark.md and docs/routing-regret.svg`;

/** Throws a RangeError or parseArgs' TypeError that says what is wrong. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fast: { type: "boolean", default: false },
      seeds: { type: "string" },
      rates: { type: "string" },
      providers: { type: "string" },
      minutes: { type: "string" },
      tuning: { type: "boolean", default: false },
      policy: { type: "string" },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const usual = values.fast
    ? { seeds: "3", rates: "20", providers: "", minutes: "10" }
    : { seeds: "30", rates: "20,2,0.2,100", providers: "2,5,10", minutes: "30" };
  return {
    set: values.tuning ? "tuning" : "held_out",
    seeds: within("--seeds", values.seeds ?? usual.seeds, 1, 10_000),
    minutes: within("--minutes", values.minutes ?? usual.minutes, 1, 1_440),
    rates: list(values.rates ?? usual.rates).map((text) => within("--rates", text, 0.01, 1_000, false)),
    providers: list(values.providers ?? usual.providers).map((text) => within("--providers", text, 2, 20)),
    policy: values.policy ?? null,
    json: values.json,
    write: values.write,
  };
}

function list(text: string): string[] {
  return text.split(",").filter((part) => part !== "");
}

function within(name: string, text: string, least: number, most: number, whole = true): number {
  const value = Number(text);
  if ((whole && !Number.isInteger(value)) || !(value >= least && value <= most))
    throw new RangeError(`${name} is ${least} to ${most}, not "${text}"`);
  return value;
}
