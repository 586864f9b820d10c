import { advance, type DrainPace } from "../../routing/drain-pace.ts";
import type { Core } from "../charges/core.ts";
import { advancePace, hasDeferred, readPace } from "../store/drain-pace.ts";

/** Turns that this worker drained since the pace was last looked at. */
export interface DrainTally {
  calls: number;
  faults: number;
}

/**
 * How many deferred charges this worker may take up now: the share of the fleet's pace that it wins, 0 while no provider
 * can be used or another worker was quicker. The ramp's mathematics is `routing/drain-pace.ts`.
 */
export async function drainGrant(core: Core, tally: DrainTally, liveRatePerS: number): Promise<number> {
  const now = new Date(core.clock.now());
  const closed = core.fleet.available().length === 0;
  if (!closed && !(await hasDeferred(core.db, now))) return 0;
  const { grantedAt, state } = await readPace<DrainPace>(core.db);
  const before = isPace(state) ? state : null;
  if (closed && (before === null || before.ratePerS === 0)) return 0;
  const signs = { now: now.getTime(), ...tally, p95Ms: null, baselineMs: null, ratePerS: liveRatePerS, anyOpen: closed };
  const next = advance(before, signs);
  if (next.grant === 0 && !closed) return 0;
  if (!(await advancePace(core.db, grantedAt, now, next.state))) return 0;
  if (next.state.steppedAt === now.getTime()) {
    tally.calls = 0;
    tally.faults = 0;
  }
  return next.grant;
}

function isPace(state: Partial<DrainPace>): state is DrainPace {
  return typeof state.ratePerS === "number" && typeof state.grantedAt === "number" && typeof state.steppedAt === "number";
}
