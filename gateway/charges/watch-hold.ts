import type { Approved } from "../../providers/contract/outcome.ts";
import type { Attempt, Charge } from "./charge.ts";
import { fencedHold, holdGone } from "./conclude-settlement.ts";
import type { Core } from "./core.ts";
import { commit } from "./drive.ts";
import { warnAt } from "./hold.ts";
import type { Lease } from "./lease.ts";
import { doubtLetter } from "./letters.ts";
import { lookup } from "./look.ts";
import { DOUBT_DEAD_LETTER_MS, nextInquiryMs } from "./schedule.ts";
import type { Change } from "./transition.ts";

/** A hold that should have lapsed, and has not: the provider's clock decides. */
const LAPSE_POLL_MS = 3_600_000;

/**
 * An authorized charge with nothing under way is due: its hold lapses soon, or has lapsed, or a webhook said that something became of it
 * at the provider. What the provider says is written; our own clock only warns.
 */
export async function watchHold(core: Core, charge: Charge, attempt: Attempt, lease: Lease, actor: string): Promise<Charge> {
  const { finding } = await lookup(core, charge, attempt, lease);
  const now = new Date(core.clock.now());
  const base = { now, actor };
  if (finding.kind === "approved" && finding.captured) return commit(core, charge, lease, { ...base, ...takenOutside(attempt, finding) });
  if (finding.kind === "fenced") {
    const failure = holdGone(charge, now);
    return commit(core, charge, lease, { ...base, status: "canceled", failure, attempt: fencedHold(attempt, now) });
  }
  return commit(core, charge, lease, { ...base, ...goOn(core, charge, attempt, finding.kind === "approved", now) });
}

/** Somebody captured it at the provider's own desk. */
function takenOutside(attempt: Attempt, { amount, reference }: Approved): Omit<Change, "now" | "actor"> {
  return {
    status: "succeeded",
    amountCaptured: amount,
    provider: attempt.provider,
    providerReference: reference,
    failure: null,
    tell: [{ type: "charge.captured", data: { operation: null, amount: amount.toString(), reference } }],
  };
}

function goOn(core: Core, charge: Charge, attempt: Attempt, seen: boolean, now: Date): Omit<Change, "now" | "actor"> {
  const until = charge.authorizedUntil ?? now;
  const still = { status: charge.status, failure: charge.failure };
  const over = now.getTime() - until.getTime();
  const deadLetter = over >= DOUBT_DEAD_LETTER_MS ? { deadLetter: doubtLetter(core, charge, attempt) } : {};
  // `tries` of an authorized charge: 0 until its owner was warned.
  const due = warnAt(until, now) <= now;
  if (due && charge.tries === 0) {
    const tell = [{ type: "charge.authorization_expiring", data: { until: until.toISOString() } }];
    return { ...still, tries: 1, tell, nextActionAt: over < 0 ? until : new Date(now.getTime() + LAPSE_POLL_MS) };
  }
  const waitMs = seen ? LAPSE_POLL_MS : nextInquiryMs("in_doubt", 2);
  const next = over < 0 && seen ? (due ? until : warnAt(until, now)) : new Date(now.getTime() + waitMs);
  return { ...still, nextActionAt: next, ...deadLetter };
}
