import type { Clock } from "../../providers/contract/clock.ts";
import type { Database } from "../store/database.ts";
import { forgetEvents } from "../store/provider-events.ts";
import { lookAtUnmatched, type UnmatchedParts } from "../webhooks-in/unmatched.ts";
import type { JobKind } from "./job-kind.ts";

const MINUTE_S = 60;
const HOUR_S = 3_600;
/** Processors send an event for three days at most, and refuse to be asked about it after 30; then a person may still want to see it. */
const KEPT_MS = 90 * 24 * HOUR_S * 1_000;
/** Rows of one statement: short locks, small transactions. */
const BATCH = 2_000;
/** Batches of one run: a million rows an hour. */
const MAX_BATCHES = 500;

/** Webhooks that named nothing of ours when they came. The rows themselves say which and when. */
export function matchEventsKind(parts: UnmatchedParts): JobKind {
  return {
    name: "provider_events.match",
    schedule: { cron: "* * * * *", everyS: MINUTE_S },
    retries: 3,
    retryDelayS: 10,
    expireS: 300,
    pollS: 15,
    batch: 1,
    run: () => lookAtUnmatched(parts),
  };
}

/** Webhooks that are too old to come again. */
export function forgetProviderEventsKind(parts: { readonly db: Database; readonly clock: Pick<Clock, "now"> }): JobKind {
  return {
    name: "provider_events.forget",
    schedule: { cron: "41 * * * *", everyS: HOUR_S },
    retries: 3,
    retryDelayS: 30,
    expireS: 900,
    pollS: 30,
    batch: 1,
    run: () => forgetOldEvents(parts),
  };
}

export async function forgetOldEvents({ db, clock }: { readonly db: Database; readonly clock: Pick<Clock, "now"> }): Promise<void> {
  for (let batches = 0; batches < MAX_BATCHES; batches++) {
    if ((await forgetEvents(db, new Date(clock.now() - KEPT_MS), BATCH)) < BATCH) return;
  }
}
