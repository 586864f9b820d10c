import { Problem } from "../problems.ts";
import { type Claim, claimOne, releaseClaim } from "../store/claim-charges.ts";
import { violatedConstraint } from "../store/database.ts";
import { readCharge } from "../store/read-charges.ts";
import type { CommandKey } from "../store/write-transitions.ts";
import { answerByKey, asRefusal } from "./accept.ts";
import type { Charge, ChargeStatus } from "./charge.ts";
import type { Core } from "./core.ts";
import { commit, drive, LeaseLost, liveAttempt } from "./drive.ts";
import { intentOf } from "./hold.ts";
import { type Lease, leaseEnd, startLease } from "./lease.ts";
import type { ChargeAnswer, ChargeCommand } from "./service.ts";
import { isOpen } from "./settlement.ts";
import type { Change } from "./transition.ts";

/**
 * A command's answer by its key: from before, or from the request with the same key that won the claim of the charge meanwhile; else what
 * `work` makes of it.
 */
export async function oncePerKey(core: Core, command: ChargeCommand, work: () => Promise<ChargeAnswer>): Promise<ChargeAnswer> {
  const known = await answerByKey(core, command);
  if (known) return known;
  try {
    return await work();
  } catch (error) {
    const refused = error instanceof Problem && (error.code === "charge_final" || error.code === "charge_in_flight");
    const raced = refused ? await answerByKey(core, command) : null;
    if (raced) return raced;
    throw error;
  }
}

/** A charge that a command has claimed: nobody else is at it. */
export interface Claimed {
  readonly charge: Charge;
  readonly lease: Lease;
}

/** A look at a charge (a webhook asked for it) takes a moment; a command waits for it so long, and no longer than half of its budget. */
const WAIT_FOR_CLAIM_MS = 5_000;
const CLAIM_AGAIN_MS = 100;

/**
 * Claims the charge for a command, or throws why it cannot be: `refusal` says it for a charge in another state. Whoever is at the charge at
 * this moment is waited for.
 */
export async function claimFor(
  core: Core,
  command: ChargeCommand,
  statuses: readonly ChargeStatus[],
  refusal: (charge: Charge) => Problem,
): Promise<Claimed> {
  const giveUpAt = core.clock.monotonic() + Math.min(WAIT_FOR_CLAIM_MS, core.settings.chargeBudgetMs / 2);
  for (;;) {
    const until = leaseEnd(core.clock, core.settings);
    const at = { now: new Date(core.clock.now()), leaseUntil: until, id: command.chargeId, accountId: command.accountId, statuses };
    const claim: Claim | null = await claimOne(core.db, at);
    const charge = await readCharge(core.db, { accountId: command.accountId, id: command.chargeId });
    if (!charge) throw new Problem("not_found", "There is no charge with this id.");
    if (claim) return { charge, lease: startLease(core.clock, core.settings, claim, until) };
    if (!statuses.includes(charge.status)) throw refusal(charge);
    if (isOpen(charge.settlement) || core.clock.monotonic() >= giveUpAt) throw beingLookedAt(charge);
    await core.clock.sleep(CLAIM_AGAIN_MS);
  }
}

/** The charge is left as it was. */
export async function giveBack(core: Core, { charge, lease }: Claimed): Promise<void> {
  await releaseClaim(core.db, { id: charge.id, leaseNo: lease.no }, null);
}

/**
 * Commits what a command does, and its key, by one statement. The same key at the same moment: the other request's answer is ours, or the
 * key was used for something else.
 */
export async function commitCommand(
  core: Core,
  command: ChargeCommand,
  claimed: Claimed,
  operation: CommandKey["operation"],
  change: Omit<Change, "now" | "actor" | "command">,
): Promise<ChargeAnswer> {
  const { charge, lease } = claimed;
  const key = { account_id: command.accountId, key: command.idempotencyKey, operation, fingerprint: command.fingerprint.toString("hex") };
  try {
    const whole = { ...change, now: new Date(core.clock.now()), actor: command.actor, command: key };
    return { charge: await commit(core, charge, lease, whole), replayed: false };
  } catch (error) {
    if (error instanceof LeaseLost) throw beingLookedAt(charge);
    await giveBack(core, claimed).catch(() => {});
    const raced = violatedConstraint(error) === "idempotency_keys_pkey" ? await answerByKey(core, command) : null;
    if (raced) return raced;
    throw error;
  }
}

/**
 * Captures or voids the hold of a claimed charge: intent and key are committed by one statement, then it is sent. From the intent on it ends
 * by itself, whether the caller waits or not.
 */
export async function actOnHold(
  core: Core,
  command: ChargeCommand,
  claimed: Claimed,
  kind: "capture" | "void",
  amount: bigint,
): Promise<ChargeAnswer> {
  const { charge, lease } = claimed;
  const attempt = liveAttempt(charge);
  if (!attempt || isOpen(charge.settlement)) {
    await giveBack(core, claimed);
    throw new Problem("charge_in_flight", "A capture or void of it is under way. Read the charge again later.", { chargeId: charge.id });
  }
  const intent = await commitCommand(core, command, claimed, kind === "capture" ? "capture" : "cancel", {
    status: charge.status,
    failure: null,
    keepLease: lease.until,
    nextActionAt: lease.until,
    operation: intentOf(core, charge, attempt, kind, amount),
  });
  if (intent.replayed) return intent;
  try {
    return { charge: await drive(core, intent.charge, lease, command.actor), replayed: false };
  } catch (error) {
    throw asRefusal(core, charge, error);
  }
}

/** Late evidence is known, or took the claim (hint_attempt): whoever looks decides. */
export function beingLookedAt(charge: Charge): Problem {
  const detail = "What became of the charge at its provider is being looked at. Read the charge again later.";
  return new Problem("charge_in_flight", detail, { chargeId: charge.id, retryAfterS: 1 });
}
