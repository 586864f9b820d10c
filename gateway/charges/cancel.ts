import { Problem } from "../problems.ts";
import type { Charge } from "./charge.ts";
import { actOnHold, beingLookedAt, claimFor, commitCommand, giveBack, oncePerKey } from "./command.ts";
import type { Core } from "./core.ts";
import { awaitsLook } from "./next-attempt.ts";
import type { ChargeAnswer, ChargeCommand } from "./service.ts";

/**
 * Withdraws a deferred charge: the claim makes sure that no drain is at it, so nothing can be under way anywhere. Voids the hold of an
 * authorized one.
 */
export function cancelCharge(core: Core, command: ChargeCommand): Promise<ChargeAnswer> {
  return oncePerKey(core, command, () => claimAndCancel(core, command));
}

async function claimAndCancel(core: Core, command: ChargeCommand): Promise<ChargeAnswer> {
  const claimed = await claimFor(core, command, ["deferred", "authorized"], notCancelable);
  const { charge } = claimed;
  if (charge.status === "authorized") return actOnHold(core, command, claimed, "void", charge.amount);
  if (awaitsLook(core, charge)) {
    await giveBack(core, claimed);
    throw beingLookedAt(charge);
  }
  return commitCommand(core, command, claimed, "cancel", { status: "canceled", deferred: null, settledBy: command.actor });
}

function notCancelable({ id, status }: Charge): Problem {
  const final = status === "succeeded" || status === "failed" || status === "canceled";
  const detail = final
    ? `The charge is ${status}; that is final.`
    : `The charge is ${status}: only a deferred or authorized charge can be canceled. Read it again later.`;
  return new Problem(final ? "charge_final" : "charge_in_flight", detail, { chargeId: id });
}
