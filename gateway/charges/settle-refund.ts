import type { Outcome } from "../../providers/contract/outcome.ts";
import { Problem } from "../problems.ts";
import { claimRefund, type OperationWrite, releaseOperation } from "../store/operations.ts";
import { isReferenceTaken, listRefunds, readRefund } from "../store/read-refunds.ts";
import type { Core } from "./core.ts";
import { LeaseLost } from "./drive.ts";
import { type Lease, leaseEnd, startLease } from "./lease.ts";
import { isOpen, type Operation, type OperationFailure } from "./operation.ts";
import { look, ownProvider } from "./operation-calls.ts";
import { commit, told } from "./operation-turn.ts";
import { FIRST_LOOK_MS, PENDING_DEAD_LETTER_MS } from "./schedule.ts";
import type { ResolveRefund } from "./service.ts";

/** Of one charge, that are asked about; nobody refunds in so many parts. */
const MAX_SIBLINGS = 1_000;

/** What a person said, as far as the provider confirms it. */
interface Said {
  readonly reference: string | null;
  /** The provider confirmed it. */
  readonly checked: boolean;
}

/**
 * Settles a refund's doubt by hand. The provider, where it can be reached, has the last word: what is `refunded` is checked there, and
 * what it has carried out, or has in work, is not `not_refunded`. Sends nothing.
 */
export async function settleRefund(core: Core, input: ResolveRefund): Promise<Operation> {
  const now = core.clock.now();
  const until = leaseEnd(core.clock, core.settings);
  const pendingSince = new Date(now - PENDING_DEAD_LETTER_MS);
  const by = { id: input.refundId, accountId: input.accountId };
  const refund = await claimRefund(core.db, { ...by, now: new Date(now), leaseUntil: until, pendingSince });
  if (!refund) throw await notClaimed(core, by);
  const lease = startLease(core.clock, core.settings, refund, until);
  try {
    const said = input.outcome === "refunded" ? await refunded(core, refund, lease, input) : await notRefunded(core, refund, lease);
    return await commit(core, refund, written(core, refund, input, said), lease);
  } catch (error) {
    if (error instanceof LeaseLost) throw inProgress(refund, "The refund was taken over meanwhile.");
    // Refused: the worker goes on where it was.
    await releaseOperation(core.db, refund, new Date(core.clock.now())).catch(() => {});
    throw error;
  }
}

async function notClaimed(core: Core, by: { id: string; accountId: string }): Promise<Problem> {
  const refund = await readRefund(core.db, by);
  if (!refund) return new Problem("not_found", "There is no refund with this id.");
  const about = { chargeId: refund.chargeId };
  switch (refund.state) {
    case "in_doubt":
    case "processing":
      return inProgress(refund, "Somebody is at the refund now; try again in half a minute.");
    case "pending":
      return refund.createdAt.getTime() <= core.clock.now() - PENDING_DEAD_LETTER_MS
        ? inProgress(refund, "Somebody is at the refund now; try again in half a minute.")
        : new Problem("refund_not_in_doubt", "The provider has it in work; it can be settled by hand after 30 days.", about);
    default:
      return new Problem("refund_not_in_doubt", `The refund is ${refund.state}.`, about);
  }
}

function inProgress(refund: Operation, detail: string): Problem {
  return new Problem("resolution_in_progress", detail, { chargeId: refund.chargeId, retryAfterS: 30 });
}

async function refunded(core: Core, refund: Operation, lease: Lease, input: ResolveRefund): Promise<Said> {
  const reference = input.providerReference as string;
  // Of any charge: not every provider says whose refund it shows.
  const taken = await isReferenceTaken(core.db, { provider: refund.provider, reference, except: refund.id });
  if (taken) throw disagrees(refund, "This reference is known already: it belongs to another refund.");
  if (refund.providerReference !== null && refund.providerReference !== reference) {
    throw disagrees(refund, `The provider knows this refund as ${refund.providerReference}, not as the given reference.`);
  }
  const ours = await asked(core, refund, lease);
  if (ours.kind === "approved") return confirmed(refund, ours.reference, reference);
  // Not found by our key, or not reached: what does the provider say of the one that the person has seen?
  const named = refund.providerReference === null ? await asked(core, { ...refund, providerReference: reference }, lease) : ours;
  // One that was sent, and whose reference is not known, may be the one that the person has seen.
  const siblings = await listRefunds(core.db, { ...input, chargeId: refund.chargeId, after: null, limit: MAX_SIBLINGS });
  const claimants = siblings.filter(
    (other) => other.id !== refund.id && other.providerReference === null && (isOpen(other) || other.ambiguous),
  );
  if (named.kind === "approved") {
    for (const other of claimants) {
      const found = await asked(core, other, lease);
      if (found.kind === "approved" && found.reference === reference) {
        throw disagrees(refund, `This reference belongs to another refund of the charge, ${other.id}.`);
      }
    }
    return confirmed(refund, named.reference, reference);
  }
  if (named.kind !== "unknown") throw disagrees(refund, `The provider says that the refund is ${named.kind}.`);
  if (refund.providerReference === null && named.cause === "unexpected" && ownProvider(core, refund)) {
    throw disagrees(refund, `The provider shows no refund of this payment and amount under this reference: ${named.detail}`);
  }
  if (claimants.length > 0) {
    throw disagrees(refund, "Other refunds of the charge have no reference yet, and only the provider could say whose this is.");
  }
  return { reference, checked: false };
}

function confirmed(refund: Operation, known: string, given: string): Said {
  if (known !== given) throw disagrees(refund, `The provider knows this refund as ${known}, not as the given reference.`);
  return { reference: known, checked: true };
}

async function notRefunded(core: Core, refund: Operation, lease: Lease): Promise<Said> {
  const found = await asked(core, refund, lease);
  if (found.kind === "approved" || found.kind === "pending") {
    throw disagrees(refund, `The provider says that the refund is ${found.kind}. It is being looked at; read it again.`);
  }
  return { reference: refund.providerReference, checked: found.kind === "declined" };
}

/** As far as anybody can: a question that our own breaker held back is not an unreachable provider. */
async function asked(core: Core, refund: Operation, lease: Lease): Promise<Outcome> {
  const found = await look(core, refund, lease);
  if (found.kind !== "unknown" || found.cause !== "not_asked") return found;
  const detail = "The provider is in trouble, and only a few questions are let pass. Try again in a few seconds.";
  throw new Problem("resolution_in_progress", detail, { chargeId: refund.chargeId, retryAfterS: 5 });
}

function written(core: Core, refund: Operation, input: ResolveRefund, { reference, checked }: Said): OperationWrite {
  const now = new Date(core.clock.now());
  const state = input.outcome === "refunded" ? "succeeded" : "failed";
  const failure = state === "failed" ? notRefundedFailure(now) : null;
  // Not proven, or a send without an answer may still arrive: looked at for some days, like every failure after a doubt.
  const ambiguous = refund.ambiguous || !checked;
  const nextLook = state === "failed" && ambiguous ? new Date(now.getTime() + FIRST_LOOK_MS) : null;
  const why = failure ? { failure: failure.code } : {};
  const byHand = { refund: refund.id, outcome: input.outcome, reason: input.reason, reference, checked };
  return {
    state,
    provider_key: refund.providerKey,
    first_sent_at: refund.firstSentAt?.toISOString() ?? null,
    ambiguous,
    provider_reference: reference,
    failure,
    detail: `settled by hand: ${input.reason}`,
    tries: 0,
    next_action_at: nextLook?.toISOString() ?? null,
    now: now.toISOString(),
    dead_letter: null,
    settled_by: input.actor,
    events: [
      told(refund, now, input.actor, `refund.${state}`, { refund: refund.id, from: refund.state, reference, ...why }),
      told(refund, now, input.actor, "refund.resolved_by_hand", byHand),
    ],
  };
}

function notRefundedFailure(now: Date): OperationFailure {
  const message = "An operator settled the doubt: not refunded.";
  return { code: "resolved_not_refunded", message, provider_code: null, since: now.toISOString() };
}

function disagrees(refund: Operation, detail: string): Problem {
  return new Problem("provider_disagrees", detail, { chargeId: refund.chargeId });
}
