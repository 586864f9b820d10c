import type { NewDeadLetter } from "../store/write-transitions.ts";
import type { Attempt, Charge } from "./charge.ts";
import type { Core } from "./core.ts";

/** Written with each look at what is a day old; there is at most one open letter of a charge. */
export function doubtLetter(core: Core, charge: Charge, attempt: Attempt): NewDeadLetter {
  const reason = "not settled for more than a day: compare with the provider's records and settle it by hand";
  return { id: core.newId("dl"), account_id: charge.accountId, kind: "doubt", attempt_id: attempt.id, reason };
}

/** Whether one may be open, so that what settles the charge closes it. */
export function hadDeadLetter(charge: Charge): boolean {
  return charge.status !== "processing" || charge.attempts.length > 1 || charge.settlement !== null;
}
