import { Problem } from "../problems.ts";
import { claimOne, releaseClaim } from "../store/claim-charges.ts";
import { isPaymentOfAnother, readCharge } from "../store/read-charges.ts";
import type { SettlementPatch } from "../store/write-transitions.ts";
import type { Attempt, Charge, Failure, Settlement } from "./charge.ts";
import { captured, done, failed } from "./conclude-settlement.ts";
import type { Core } from "./core.ts";
import { commit, LeaseLost, liveAttempt } from "./drive.ts";
import { type Lease, leaseEnd, startLease } from "./lease.ts";
import { canFence, fence, lookup } from "./look.ts";
import type { ChargeAnswer, ResolveCharge } from "./service.ts";
import { isOpen } from "./settlement.ts";
import type { Change } from "./transition.ts";
import { authorizes, gatewayFailure } from "./verdict.ts";

/** A doubt; and what waits for a provider or a customer, should it never end by itself. */
const UNSETTLED = ["in_doubt", "pending", "requires_action"] as const;
/** So may the capture or void of a hold wait: of a manual charge, and of any other. */
const WHILE_SETTLING = ["authorized", "processing"] as const;

/**
 * Settles a doubt by hand. The provider, where it can be reached, has the last word: a person's "charged" is checked, and before a
 * "not charged" the attempt is fenced where that is possible. `not_charged` never starts another attempt.
 */
export async function settleCharge(core: Core, input: ResolveCharge): Promise<ChargeAnswer> {
  const until = leaseEnd(core.clock, core.settings);
  const at = {
    now: new Date(core.clock.now()),
    leaseUntil: until,
    id: input.chargeId,
    accountId: input.accountId,
    statuses: [...UNSETTLED, ...WHILE_SETTLING],
  };
  const claim = await claimOne(core.db, at);
  const charge = await readCharge(core.db, { accountId: input.accountId, id: input.chargeId });
  if (!charge) throw new Problem("not_found", "There is no charge with this id.");
  if (!claim) throw notClaimed(charge);
  const lease = startLease(core.clock, core.settings, claim, until);
  if (!isOpen(charge.settlement) && (charge.status === "authorized" || charge.status === "processing")) {
    await releaseClaim(core.db, { id: charge.id, leaseNo: lease.no }, charge.status === "processing" ? at.now : null);
    throw notClaimed(charge);
  }
  try {
    const attempt = liveAttempt(charge);
    if (!attempt) throw new Problem("charge_not_in_doubt", "The charge has no attempt in doubt.", { chargeId: charge.id });
    const change =
      input.outcome === "charged"
        ? await charged(core, charge, attempt, lease, input)
        : await notCharged(core, charge, attempt, lease, input);
    return { charge: await commit(core, charge, lease, change), replayed: false };
  } catch (error) {
    if (error instanceof LeaseLost)
      throw new Problem("resolution_in_progress", "The charge was taken over meanwhile.", { chargeId: charge.id });
    // Refused: the resolver goes on where it was.
    await releaseClaim(core.db, { id: charge.id, leaseNo: lease.no }, new Date(core.clock.now())).catch(() => {});
    throw error;
  }
}

function notClaimed(charge: Charge): Problem {
  const unsettled: readonly string[] = [...UNSETTLED, "processing"];
  return unsettled.includes(charge.status) || isOpen(charge.settlement)
    ? new Problem("resolution_in_progress", "Somebody is at the charge now; try again in half a minute.", {
        chargeId: charge.id,
        retryAfterS: 30,
      })
    : new Problem("charge_not_in_doubt", `The charge is ${charge.status}.`, { chargeId: charge.id });
}

/** As far as anybody can: a question that our own breaker held back is not an unreachable provider. */
async function seen(core: Core, charge: Charge, attempt: Attempt, lease: Lease): ReturnType<typeof lookup> {
  const found = await lookup(core, charge, attempt, lease);
  if (found.finding.kind !== "unknown" || found.finding.cause !== "not_asked") return found;
  const detail = "The provider is in trouble, and only a few questions are let pass. Try again in a few seconds.";
  throw new Problem("resolution_in_progress", detail, { chargeId: charge.id, retryAfterS: 5 });
}

async function charged(core: Core, charge: Charge, attempt: Attempt, lease: Lease, input: ResolveCharge): Promise<Change> {
  const { finding, object } = await seen(core, charge, attempt, lease);
  const said = input.providerReference as string;
  const another = charge.attempts.find((one) => one.id !== attempt.id && (one.object === said || one.providerReference === said));
  if (another) throw disagrees(charge, `This reference belongs to another attempt of the charge, ${another.id}, which was given up.`);
  const taken = await isPaymentOfAnother(core.db, { provider: attempt.provider, reference: said, chargeId: charge.id });
  if (taken) throw disagrees(charge, "This reference is known already: it belongs to another charge.");
  const paid = finding.kind === "approved" && finding.captured;
  if (!paid && authorizes(attempt) && !charge.settlement)
    throw disagrees(charge, "It was only to be authorized: there is no charge to confirm.");
  if (!paid && finding.kind !== "unknown") throw disagrees(charge, `The provider says that the attempt is ${finding.kind}, not paid.`);
  if (finding.kind === "approved" && said !== finding.reference && said !== object) {
    throw disagrees(charge, `The provider knows the payment as ${finding.reference}, not as the given reference.`);
  }
  const reference = finding.kind === "approved" ? finding.reference : said;
  const amount = finding.kind === "approved" ? finding.amount : (charge.settlement?.amount ?? charge.amount);
  const checked = finding.kind === "approved";
  return {
    ...byHand(core, input),
    status: "succeeded",
    amountCaptured: amount,
    provider: attempt.provider,
    providerReference: reference,
    failure: null,
    ...(isOpen(charge.settlement) ? { settlement: captured(charge.settlement, reference) } : {}),
    attempt: handPatch(core, attempt, {
      live: true,
      outcome: "approved",
      reference,
      object,
      reason: input.reason,
      checked,
      lookAgain: false,
    }),
    tell: [told(input, checked)],
  };
}

async function notCharged(core: Core, charge: Charge, attempt: Attempt, lease: Lease, input: ResolveCharge): Promise<Change> {
  const found = await seen(core, charge, attempt, lease);
  let finding = found.finding;
  const held = finding.kind === "approved" && !finding.captured;
  const object = finding.kind === "unpaid" ? finding.object : finding.kind === "requires_action" || held ? found.object : null;
  if (object !== null && (held || canFence(core, attempt))) {
    const fenced = await fence(core, attempt, object, lease);
    if (fenced.kind !== "unknown" && fenced.kind !== "not_sent") finding = fenced;
  }
  if (finding.kind === "approved" || finding.kind === "pending") {
    throw disagrees(charge, `The provider says that the attempt is ${finding.kind}. It is being resolved; read the charge again.`);
  }
  const proof = finding.kind === "fenced" || finding.kind === "declined" ? finding.kind : null;
  const proven = proof !== null;
  const failure = { ...gatewayFailure("resolved_not_charged", "An operator settled the doubt: not charged."), source: "operator" } as const;
  return {
    ...byHand(core, input),
    status: "failed",
    provider: attempt.provider,
    failure,
    ...(isOpen(charge.settlement) ? { settlement: released(charge.settlement, failure, proof === "fenced") } : {}),
    attempt: handPatch(core, attempt, {
      live: false,
      outcome: proof ?? "settled",
      reference: null,
      object: found.object,
      reason: input.reason,
      checked: proven,
      lookAgain: !proven,
    }),
    tell: [told(input, proven)],
  };
}

function released(act: Settlement, failure: Failure, fenced: boolean): SettlementPatch {
  return act.kind === "void" && fenced ? done(act, null) : failed(act, failure);
}

function byHand(core: Core, input: ResolveCharge): Pick<Change, "now" | "actor" | "settledBy" | "deferred"> {
  return { now: new Date(core.clock.now()), actor: input.actor, settledBy: input.actor, deferred: null };
}

function told(input: ResolveCharge, checked: boolean): NonNullable<Change["tell"]>[number] {
  return {
    type: "charge.resolved_by_hand",
    data: { outcome: input.outcome, reason: input.reason, reference: input.providerReference, checked },
  };
}

interface ByHand {
  readonly live: boolean;
  readonly outcome: "approved" | "settled" | "fenced" | "declined";
  readonly reference: string | null;
  readonly object: string | null;
  readonly reason: string;
  /** The provider confirmed it. */
  readonly checked: boolean;
  /** Not proven: looked at again for some days, because a success may still show. */
  readonly lookAgain: boolean;
}

function handPatch(core: Core, attempt: Attempt, by: ByHand): NonNullable<Change["attempt"]> {
  const now = core.clock.now();
  return {
    id: attempt.id,
    live: by.live,
    outcome: by.outcome,
    ambiguous: true,
    detail: { by_hand: by.reason, checked: by.checked },
    object: by.object,
    provider_reference: by.reference,
    finished_at: new Date(now).toISOString(),
    latency_ms: null,
    next_look_at: by.lookAgain ? new Date(now + 60_000).toISOString() : null,
  };
}

function disagrees(charge: Charge, detail: string): Problem {
  return new Problem("provider_disagrees", detail, { chargeId: charge.id });
}
