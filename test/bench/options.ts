import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Length of one measurement of one side. */
  readonly seconds: number;
  /** Requests in flight in the closed loop. */
  readonly concurrency: number;
  /** How often each side is measured at full load; latency takes two thirds of it. */
  readonly rounds: number;
  /** Only JSON on standard output. */
  readonly json: boolean;
  /** The gateway writes a V8 CPU profile of its whole run here. */
  readonly profileDir: string | null;
}

export const USAGE = `npm run bench -- [options]
  --seconds N      of one measurement (default 5)
  --rounds N       measurements of each side at full load, alternating (default 3)
  --concurrency N  requests in flight at full load (default 32)
  --json           the result as JSON
  --profile DIR    the gateway runs with --cpu-prof: open the file in a browser's developer tools`;

/** Throws a RangeError or parseArgs' TypeError that says what is wrong. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "5" },
      concurrency: { type: "string", default: "32" },
      rounds: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
      profile: { type: "string" },
    },
  });
  return {
    seconds: within("--seconds", values.seconds, 1, 600),
    concurrency: within("--concurrency", values.concurrency, 1, 1_000),
    rounds: within("--rounds", values.rounds, 1, 50),
    json: values.json,
    profileDir: values.profile ?? null,
  };
}

function within(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`${name} is ${least} to ${most}, not "${text}"`);
  return value;
}
