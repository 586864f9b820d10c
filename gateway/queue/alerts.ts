import type { BackgroundLog } from "../keep-going.ts";
import type { Database } from "../store/database.ts";
import type { SealedEvent } from "../store/dispatch-events.ts";
import { readCharge } from "../store/read-charges.ts";
import type { JobData, JobKind } from "./job-kind.ts";

/** A doubt that is older than this is worth a person's look; most end within a minute. */
const DOUBT_WORTH_A_LOOK_S = 15 * 60;

export interface AlertParts {
  readonly db: Database;
  readonly log: BackgroundLog;
  /** Counts what was raised, by its name. */
  readonly count: (alert: string) => void;
}

/** Events that a person should see; % stands for any end. */
const ALERTED: readonly string[] = [
  "dead_letter.opened",
  "charge.late_success",
  "compensation.%",
  "refund.failed",
  "provider.opened",
  "provider.closed",
  "routing.all_down",
  "routing.recovered",
  "webhook_endpoint.disabled",
  "reconciliation.failed",
  "reconciliation.finding",
];

/** What is raised without an event of its own. */
const OTHER_ALERTS = ["charge.long_in_doubt", "job.dead", "trail.broken"];

/** Every name under which something is raised, but for those of a group: they are counted from 0, so that the first is a rise. */
export const KNOWN_ALERTS = [...ALERTED.filter((type) => !type.includes("%")), ...OTHER_ALERTS];

/** What a person must see, and how loud. null: not this one. */
function severityOf(event: SealedEvent): "error" | "warn" | null {
  switch (event.type) {
    case "dead_letter.opened":
      // Dead jobs are told by whoever buries them: a failing alert must not raise alerts about itself.
      return event.data.kind === "job" ? null : "error";
    case "routing.all_down":
      return "error";
    case "charge.late_success":
      return event.data.adopted === true ? "warn" : "error";
    case "reconciliation.failed":
      return "error";
    case "refund.failed":
      // The customer was told that the money comes back, and it does not. Any other failure is in the answer to whoever asked for it.
      return event.data.from === "succeeded" ? "error" : null;
    case "reconciliation.finding":
      return event.data.kind === "paid_twice" ? "error" : "warn";
    default:
      return "warn";
  }
}

/** Logs and counts. */
export function notifyKind({ log, count }: AlertParts): JobKind {
  return {
    name: "notify",
    feed: {
      types: ALERTED,
      toJob(event) {
        const severity = severityOf(event);
        return severity && { data: { severity, ...alertOf(event) } };
      },
    },
    retries: 5,
    retryDelayS: 2,
    expireS: 60,
    pollS: 5,
    batch: 50,
    async run(jobs) {
      for (const { severity, ...alert } of jobs) {
        count(String(alert.alert));
        log[severity === "error" ? "error" : "warn"](alert, `alert: ${String(alert.alert)}`);
      }
    },
  };
}

function alertOf(event: SealedEvent): JobData {
  return {
    alert: event.type,
    seq: event.seq.toString(),
    at: event.at.toISOString(),
    account: event.account_id,
    actor: event.actor,
    charge: event.charge_id,
    attempt: event.attempt_id,
    provider: event.provider,
    data: event.data,
  };
}

/** Looks again at a charge some time after it came in doubt: one that still is needs eyes, long before it is a dead letter. */
export function doubtKind({ db, log, count }: AlertParts, afterS = DOUBT_WORTH_A_LOOK_S): JobKind {
  return {
    name: "doubt.check",
    feed: {
      types: ["charge.in_doubt"],
      toJob: (event) => ({
        data: { charge: event.charge_id, account: event.account_id, since: event.at.toISOString() },
        startAfterS: afterS,
      }),
    },
    retries: 5,
    retryDelayS: 10,
    expireS: 60,
    pollS: 15,
    batch: 50,
    async run(jobs) {
      for (const { charge, account, since } of jobs) {
        const found = await readCharge(db, { accountId: String(account), id: String(charge) as `ch_${string}` });
        if (found?.status !== "in_doubt") continue;
        count("charge.long_in_doubt");
        log.warn({ alert: "charge.long_in_doubt", charge, since, provider: found.provider }, "alert: charge.long_in_doubt");
      }
    },
  };
}
