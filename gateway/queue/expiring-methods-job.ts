import type { Clock } from "../../providers/contract/clock.ts";
import type { Database } from "../store/database.ts";
import { tellExpiring } from "../store/expiring-methods.ts";
import type { JobKind } from "./job-kind.ts";

const DAY_S = 86_400;
/** Rows of one statement: short locks, small transactions. */
const BATCH = 500;
/** Batches of one run: a hundred thousand cards a day, three million in their month. */
const MAX_BATCHES = 200;

/** `payment_method.expiring`, once for each method in the month in which it expires: time to ask for a new card. */
export function expiringMethodsKind(parts: { readonly db: Database; readonly clock: Pick<Clock, "now"> }): JobKind {
  return {
    name: "payment_methods.expiring",
    schedule: { cron: "41 5 * * *", everyS: DAY_S },
    retries: 3,
    retryDelayS: 60,
    expireS: 900,
    pollS: 60,
    batch: 1,
    run: () => tellAllExpiring(parts),
  };
}

export async function tellAllExpiring(
  { db, clock }: { readonly db: Pick<Database, "query">; readonly clock: Pick<Clock, "now"> },
  limits = { batch: BATCH, batches: MAX_BATCHES },
): Promise<void> {
  for (let batches = 0; batches < limits.batches; batches++) {
    if ((await tellExpiring(db, new Date(clock.now()), limits.batch)) < limits.batch) return;
  }
}
