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
  /** Only tables whose titles contain one of them; none: all. */
  readonly tables: readonly string[];
  /** Only policies whose names contain it. */
  readonly policy: string | null;
  /** A file that keeps runs; null: none is kept. */
  readonly runs: string | null;
  /** Reports what the file has, and plays nothing. */
  readonly keptOnly: boolean;
  readonly json: boolean;
  /** Writes docs/routing-benchmark.md and its picture. */
  readonly write: boolean;
}

export const USAGE = `npm run bench:routing -- [options]
  --fast            3 seeds of 10 minutes at 20 charges/s: a glance, about half a minute
  --seeds N         per scenario (default 30); a third of it, and of the minutes, above 20 charges/s, with other numbers of
                    providers and with 16 instances
  --rates A,B       charges per second (default 20,2,0.2,100)
  --providers A,B   numbers of providers besides four (default 2,5,10)
  --minutes N       length of a run (default 30)
  --tuning          the seeds and scenario parameters that constants may be fitted to, instead of the held-out ones
  --tables A,B      only tables whose titles contain one of these texts
  --policy TEXT     only policies whose names contain it, and the product
  --runs FILE       keeps each run in FILE, and does not play again what FILE has; several processes may share it
  --kept            plays nothing: reports what FILE has
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
      tables: { type: "string", default: "" },
      policy: { type: "string" },
      runs: { type: "string" },
      kept: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  if (values.kept && values.runs === undefined) throw new RangeError("--kept needs --runs");
  const usual = values.fast
    ? { seeds: "3", rates: "20", providers: "", minutes: "10" }
    : { seeds: "30", rates: "20,2,0.2,100", providers: "2,5,10", minutes: "30" };
  return {
    set: values.tuning ? "tuning" : "held_out",
    seeds: within("--seeds", values.seeds ?? usual.seeds, 1, 10_000),
    minutes: within("--minutes", values.minutes ?? usual.minutes, 1, 1_440),
    rates: list(values.rates ?? usual.rates).map((text) => within("--rates", text, 0.01, 1_000, false)),
    providers: list(values.providers ?? usual.providers).map((text) => within("--providers", text, 2, 20)),
    tables: list(values.tables),
    policy: values.policy ?? null,
    runs: values.runs ?? null,
    keptOnly: values.kept,
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
