import type { Clock } from "../../providers/contract/clock.ts";
import { DEFAULT_ACCOUNT } from "../store/append-event.ts";
import { readTrailCheck, recordBroken, recordWhole } from "../store/trail-checks.ts";
import { type ChainReport, verifyChain } from "../store/verify-chain.ts";
import type { AlertParts } from "./alerts.ts";
import type { JobKind } from "./job-kind.ts";

const HOUR_S = 3_600;
/** New events verified per hour: more than a fleet writes; about 20 s. A larger backlog takes several hours. */
const MAX_NEW = 1_000_000;
/** Old events verified again per hour: what was altered after its first check is found as well, some day. */
const MAX_SWEPT = 200_000;

/** Verifies the chain since the last check, and a slice of what is older; the line it logs is a copy of the head outside of the database. */
export function auditKind(parts: AlertParts & { readonly clock: Pick<Clock, "now"> }): JobKind {
  return {
    name: "audit.verify",
    schedule: { cron: "7 * * * *", everyS: HOUR_S },
    retries: 3,
    retryDelayS: 30,
    expireS: 900,
    pollS: 30,
    batch: 1,
    run: () => verifyTrail(parts),
  };
}

export async function verifyTrail({ db, log, count, clock }: AlertParts & { readonly clock: Pick<Clock, "now"> }): Promise<void> {
  const check = await readTrailCheck(db);
  const fresh = await verifyChain(db, { from: check.seq + 1n, expected: check.hash, limit: MAX_NEW });
  const sweepFrom = check.sweepSeq < check.seq ? check.sweepSeq + 1n : 1n;
  const swept: ChainReport | null =
    fresh.broken || check.seq === 0n
      ? null
      : await verifyChain(db, { from: sweepFrom, limit: Math.min(MAX_SWEPT, Number(check.seq - sweepFrom + 1n)) });
  const broken = fresh.broken ?? swept?.broken ?? null;
  const now = new Date(clock.now());
  if (broken) {
    await recordBroken(db, broken, DEFAULT_ACCOUNT, now);
    count("trail.broken");
    log.error({ seq: broken.seq.toString(), kind: broken.kind, event: broken.eventId?.toString() }, "the audit trail is broken");
    return;
  }
  await recordWhole(db, { seq: fresh.to, hash: fresh.toHash, sweepSeq: swept?.to ?? 0n, now });
  log.info({ seq: fresh.to.toString(), hash: fresh.toHash.toString("hex"), swept_to: swept?.to.toString() }, "the audit trail is whole");
}
