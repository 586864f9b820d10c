import { Problem } from "../problems.ts";
import { claimOne, releaseClaim } from "../store/claim-charges.ts";
import { violatedConstraint } from "../store/database.ts";
import { readCharge } from "../store/read-charges.ts";
import { answerByKey } from "./accept.ts";
import { awaitsLook } from "./conclude.ts";
import type { Core } from "./core.ts";
import { commit, LeaseLost } from "./drive.ts";
import { leaseEnd, startLease } from "./lease.ts";
import type { ChargeAnswer, ChargeCommand } from "./service.ts";

/** Withdraws a deferred charge: the claim makes sure that no drain is at it, so nothing can be under way anywhere. */
export async function cancelCharge(core: Core, command: ChargeCommand): Promise<ChargeAnswer> {
  const known = await answerByKey(core, command);
  if (known) return known;

  const now = new Date(core.clock.now());
  const until = leaseEnd(core.clock, core.settings);
  const at = { now, leaseUntil: until, id: command.chargeId, accountId: command.accountId, statuses: ["deferred"] as const };
  const claim = await claimOne(core.db, at);
  const charge = await readCharge(core.db, { accountId: command.accountId, id: command.chargeId });
  if (!charge) throw new Problem("not_found", "There is no charge with this id.");
  if (!claim) throw notCancelable(charge.id, charge.status);

  if (awaitsLook(core, charge)) {
    await releaseClaim(core.db, { id: charge.id, leaseNo: claim.leaseNo }, null);
    throw mayBePaid(charge.id);
  }
  const lease = startLease(core.clock, core.settings, claim, until);
  const key = {
    account_id: command.accountId,
    key: command.idempotencyKey,
    operation: "cancel",
    fingerprint: command.fingerprint.toString("hex"),
  } as const;
  try {
    const change = { now, actor: command.actor, status: "canceled", deferred: null, command: key, settledBy: command.actor } as const;
    return { charge: await commit(core, charge, lease, change), replayed: false };
  } catch (error) {
    if (error instanceof LeaseLost) throw mayBePaid(charge.id);
    // The same key at the same moment: the other request's answer is ours, or it was used for something else.
    await releaseClaim(core.db, { id: charge.id, leaseNo: lease.no }, null).catch(() => {});
    const raced = violatedConstraint(error) === "idempotency_keys_pkey" ? await answerByKey(core, command) : null;
    if (raced) return raced;
    throw error;
  }
}

/** Late evidence is known, or took the claim (hint_attempt): whoever looks decides. */
function mayBePaid(chargeId: string): Problem {
  const detail = "An earlier payment of the charge may have succeeded after all, and is being looked at. Read the charge again later.";
  return new Problem("charge_in_flight", detail, { chargeId });
}

function notCancelable(chargeId: string, status: string): Problem {
  const final = status === "succeeded" || status === "failed" || status === "canceled";
  const detail = final
    ? `The charge is ${status}; that is final.`
    : `The charge is ${status}: only a deferred charge can be withdrawn. Read it again later.`;
  return new Problem(final ? "charge_final" : "charge_in_flight", detail, { chargeId });
}
