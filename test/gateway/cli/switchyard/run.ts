import { runSwitchyard } from "../../../../gateway/cli/switchyard/program.ts";
import type { Surroundings } from "../../../../gateway/cli/switchyard/surroundings.ts";
import { livedClock } from "../../../support/lived-clock.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Around {
  readonly env: Surroundings["env"];
  readonly clock?: Surroundings["clock"];
  /** Both outputs are terminals of this many columns. */
  readonly columns?: number;
  readonly freeBytes?: Surroundings["freeBytes"];
}

/** One command as `main.ts` runs it, with what it wrote. */
export async function switchyard(args: readonly string[], { env, clock = livedClock, columns, freeBytes }: Around): Promise<Ran> {
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  const out: string[] = [];
  const err: string[] = [];
  const code = await runSwitchyard(args, {
    env,
    clock,
    stdout: { write: (text) => out.push(text), ...terminal },
    stderr: { write: (text) => err.push(text), ...terminal },
    root: "/nowhere",
    freeBytes: freeBytes ?? (async () => 2 ** 40),
  });
  return { code, out: out.join(""), err: err.join("") };
}
