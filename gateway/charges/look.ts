import type { Approved, Fenced, Finding, NotSent, Outcome, Unknown } from "../../providers/contract/outcome.ts";
import { isFault } from "../../providers/contract/outcome.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { openCall, providerOf, requestOf } from "./attempt.ts";
import type { Attempt, Charge } from "./charge.ts";
import type { Core } from "./core.ts";
import type { Lease } from "./lease.ts";

/** What became of an attempt: an outcome, a fence, or the news that an earlier attempt of this charge was paid (PayPal's invoice id). */
export type Found = {
  readonly known: Outcome | Fenced;
  readonly object: string | null;
  readonly earlierPaid?: { attempt: Attempt; approved: Approved };
};

/** The provider's own search has no retention that we know of: lookups are allowed at any age. */
const ANY_AGE = Number.POSITIVE_INFINITY;

/**
 * Resolves an attempt at its own provider, on the account that it was begun with: look; if it is unpaid, fence it where that
 * is possible, else replay the same commit key (which may execute it: that is still once). "Not found" proves nothing.
 */
export async function look(core: Core, charge: Charge, attempt: Attempt, lease: Lease): Promise<Found> {
  if (core.accountOf(attempt.provider) !== attempt.providerAccount) {
    return {
      known: unknown("unexpected", "the credentials now belong to another account, or it is not verified yet"),
      object: attempt.object,
    };
  }
  const provider = providerOf(core, attempt);
  const seen = await lookup(core, charge, attempt, provider, lease);
  const object = seen.object ?? attempt.object;
  if (seen.finding.kind !== "unpaid") return { known: seen.finding, object };
  if (provider.capabilities.fence) return { known: await fence(core, attempt, provider, seen.finding.object, lease), object };
  return replay(core, charge, attempt, provider, seen.finding.object, lease);
}

/** Only looks: moves nothing, fences nothing. */
export async function lookup(
  core: Core,
  charge: Charge,
  attempt: Attempt,
  provider: Provider,
  lease: Lease,
): Promise<{ object: string | null; finding: Finding }> {
  const request = requestOf(charge, attempt);
  const replayPrepare = attempt.object === null && ageMs(core, attempt) < provider.capabilities.prepareKeyAgeMs;
  const call = openCall(core, attempt, provider, lease, { share: 1, keyAgeMs: ANY_AGE });
  const answer = await core.fleet.circuit(attempt.provider).inquire(
    "look",
    async () => asResult(await provider.lookup({ request, object: attempt.object, replayPrepare }, call)),
    (result) => isFault(result.finding),
  );
  return answer.admitted ? answer.result : { object: attempt.object, finding: unknown("unexpected", answer.reason) };
}

/** Makes sure that `object` can never be paid. */
export async function fence(core: Core, attempt: Attempt, provider: Provider, object: string, lease: Lease): Promise<Outcome | Fenced> {
  const call = openCall(core, attempt, provider, lease, { share: 1, keyAgeMs: ANY_AGE });
  const answer = await core.fleet.circuit(attempt.provider).inquire("look", () => provider.cancel(object, call), isFault);
  if (!answer.admitted) return unknown("unexpected", answer.reason);
  return settled(answer.result);
}

async function replay(core: Core, charge: Charge, attempt: Attempt, provider: Provider, object: string, lease: Lease): Promise<Found> {
  if (ageMs(core, attempt) >= provider.capabilities.commitKeyAgeMs) {
    return { known: unknown("unexpected", "unpaid, and its key is too old to be replayed"), object };
  }
  const call = openCall(core, attempt, provider, lease, { share: 1, keyAgeMs: provider.capabilities.commitKeyAgeMs });
  const answer = await core.fleet
    .circuit(attempt.provider)
    .inquire("replay", () => provider.commit(requestOf(charge, attempt), object, call, { replay: true }), isFault);
  const known = answer.admitted ? answer.result : unknown("unexpected", answer.reason);
  if (known.kind === "unknown" && known.cause === "duplicate_invoice")
    return examineEarlier(core, charge, attempt, provider, object, lease);
  // Doubt is sticky: that the replay was not executed says nothing about the first send.
  return { known: known.kind === "not_sent" ? unknown("unexpected", `replay not executed: ${known.cause}`) : known, object };
}

/**
 * The provider refuses this attempt because a payment of this charge exists there. One of our earlier objects is paid: that
 * is the charge's money. All proven unpaid: this attempt is closed, and the provider is not asked again. Else in doubt.
 */
async function examineEarlier(
  core: Core,
  charge: Charge,
  attempt: Attempt,
  provider: Provider,
  object: string,
  lease: Lease,
): Promise<Found> {
  const earlier = charge.attempts.filter(
    (other) => other.provider === attempt.provider && other.id !== attempt.id && other.object !== null,
  );
  for (const other of earlier) {
    const { finding } = await lookup(core, charge, other, provider, lease);
    if (finding.kind === "approved")
      return { known: duplicateElsewhere(other), object, earlierPaid: { attempt: other, approved: finding } };
    if (finding.kind !== "unpaid" && finding.kind !== "fenced" && finding.kind !== "declined") {
      return { known: unknown("duplicate_invoice", `an earlier attempt is ${finding.kind}`), object };
    }
  }
  return { known: duplicateElsewhere(null), object };
}

function duplicateElsewhere(paid: Attempt | null): NotSent {
  const detail = paid ? `attempt ${paid.id} was paid` : "the invoice id is taken by something that is not ours";
  return { kind: "not_sent", cause: "duplicate_elsewhere", fault: false, detail };
}

/** `unpaid` after a fence was asked for is not a fence. */
function settled(finding: Finding): Outcome | Fenced {
  return finding.kind === "unpaid" ? unknown("unexpected", "unpaid, and the fence is not confirmed") : finding;
}

function unknown(cause: Unknown["cause"], detail: string): Unknown {
  return { kind: "unknown", cause, detail };
}

function ageMs(core: Core, attempt: Attempt): number {
  return core.clock.now() - attempt.startedAt.getTime();
}

function asResult<T extends object>(answer: T): T & { kind: "looked" } {
  return { ...answer, kind: "looked" };
}
