import type { Clock } from "../../providers/contract/clock.ts";
import type { Database } from "../store/database.ts";
import { forgetDeclines } from "../store/declined-attempts.ts";
import type { JobKind } from "./job-kind.ts";

const HOUR_S = 3_600;
/** Rows of one statement: short locks, small transactions. */
const BATCH = 2_000;
/** Batches of one run: a million rows an hour, more than a fleet's declines. */
const MAX_BATCHES = 500;

/** Declined attempts that are too old for every retry rule. */
export function forgetDeclinesKind(parts: { readonly db: Database; readonly clock: Pick<Clock, "now"> }): JobKind {
  return {
    name: "declines.forget",
    schedule: { cron: "23 * * * *", everyS: HOUR_S },
    retries: 3,
    retryDelayS: 30,
    expireS: 900,
    pollS: 30,
    batch: 1,
    run: () => forgetOldDeclines(parts),
  };
}

export async function forgetOldDeclines({ db, clock }: { readonly db: Database; readonly clock: Pick<Clock, "now"> }): Promise<void> {
  for (let batches = 0; batches < MAX_BATCHES; batches++) {
    if ((await forgetDeclines(db, new Date(clock.now()), BATCH)) < BATCH) return;
  }
}
