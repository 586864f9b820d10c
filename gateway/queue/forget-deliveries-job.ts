import type { Clock } from "../../providers/contract/clock.ts";
import type { Database } from "../store/database.ts";
import { forgetDeliveries, forgetEndpoints } from "../store/webhook-delivery-upkeep.ts";
import type { JobKind } from "./job-kind.ts";

const HOUR_S = 3_600;
/** How long a delivered webhook can be looked at. */
const KEPT_MS = 7 * 24 * 3_600_000;
const BATCH = 2_000;
/** Batches of one run: a million rows an hour. */
const MAX_BATCHES = 500;

/** Webhooks that were delivered long ago, and what deleted endpoints left behind. */
export function forgetDeliveriesKind(parts: { readonly db: Database; readonly clock: Pick<Clock, "now"> }): JobKind {
  return {
    name: "webhooks.forget",
    schedule: { cron: "37 * * * *", everyS: HOUR_S },
    retries: 3,
    retryDelayS: 30,
    expireS: 900,
    pollS: 30,
    batch: 1,
    run: () => forgetOldDeliveries(parts),
  };
}

export async function forgetOldDeliveries({ db, clock }: { readonly db: Database; readonly clock: Pick<Clock, "now"> }): Promise<void> {
  for (let batches = 0; batches < MAX_BATCHES; batches++) {
    if ((await forgetDeliveries(db, new Date(clock.now() - KEPT_MS), BATCH)) < BATCH) break;
  }
  await forgetEndpoints(db);
}
