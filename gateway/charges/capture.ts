import { Problem } from "../problems.ts";
import type { Charge } from "./charge.ts";
import { actOnHold, claimFor, giveBack, oncePerKey } from "./command.ts";
import type { Core } from "./core.ts";
import type { CaptureCharge, ChargeAnswer } from "./service.ts";

/** Takes the money of an authorized charge, or a part of it, once; the rest of the hold is released. */
export function captureCharge(core: Core, command: CaptureCharge): Promise<ChargeAnswer> {
  return oncePerKey(core, command, () => claimAndCapture(core, command));
}

async function claimAndCapture(core: Core, command: CaptureCharge): Promise<ChargeAnswer> {
  const claimed = await claimFor(core, command, ["authorized"], notCapturable);
  const { charge } = claimed;
  const amount = command.amount ?? charge.amount;
  if (amount > charge.amount) {
    await giveBack(core, claimed);
    const faults = [{ pointer: "/amount", message: `must not be more than what is authorized, ${charge.amount}` }];
    throw new Problem("validation_failed", "More than is authorized cannot be captured.", { faults, chargeId: charge.id });
  }
  return actOnHold(core, command, claimed, "capture", amount);
}

function notCapturable({ id, status }: Charge): Problem {
  const final = status === "succeeded" || status === "failed" || status === "canceled";
  const detail = final
    ? `The charge is ${status}: there is no authorization to capture.`
    : `The charge is ${status}: only an authorized charge can be captured. Read it again later.`;
  return new Problem(final ? "charge_final" : "charge_in_flight", detail, { chargeId: id });
}
