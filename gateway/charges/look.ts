import type { Approved, Fenced, Finding, NotSent, Outcome, Unknown } from "../../providers/contract/outcome.ts";
import { isFault } from "../../providers/contract/outcome.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { isCompensated } from "../store/operations.ts";
import { openCall, requestOf } from "./attempt.ts";
import type { Attempt, Charge } from "./charge.ts";
import type { Core } from "./core.ts";
import type { Lease } from "./lease.ts";
import { authorizes, declinedForGood } from "./verdict.ts";

/** What became of an attempt. */
export interface Found {
  readonly known: Outcome | Fenced;
  readonly object: string | null;
  /** The commit step was sent once more, and its answer is not known: a doubt, whatever was known before. */
  readonly sentAgain: boolean;
  /** An open authorization that must not be asked for again: the charge ends without it, and it is watched. */
  readonly leave?: true;
  /** The money is with an earlier attempt of this charge (PayPal's invoice id). */
  readonly earlierPaid?: { readonly attempt: Attempt; readonly approved: Approved };
}

/** The provider's own records have no retention that we know of: lookups and fences are allowed at any age. */
const ANY_AGE = Number.POSITIVE_INFINITY;

/**
 * Resolves an attempt at its own provider, on the account that it was begun with: look; if it is unpaid, fence it where that
 * is possible, else replay the same commit key (which may execute it: that is still once). "Not found" proves nothing.
 */
export async function look(core: Core, charge: Charge, attempt: Attempt, lease: Lease): Promise<Found> {
  const { object: seen, finding } = await lookup(core, charge, attempt, lease);
  const object = seen ?? attempt.object;
  if (finding.kind !== "unpaid") return { known: finding, object, sentAgain: false };
  if (canFence(core, attempt)) return { known: await fence(core, attempt, finding.object, lease), object, sentAgain: false };
  if (authorizes(attempt) && declinedForGood(charge, attempt)) {
    // A replay may execute it for the first time: after a hard no elsewhere the card is not asked again.
    const known = unknown("unexpected", "not authorized, and not to be asked for after the decline elsewhere");
    return { known, object, sentAgain: false, leave: true };
  }
  return replay(core, charge, attempt, finding.object, lease);
}

/** Only looks: moves nothing, fences nothing. */
export async function lookup(
  core: Core,
  charge: Charge,
  attempt: Attempt,
  lease: Lease,
): Promise<{ object: string | null; finding: Finding }> {
  const provider = ownProvider(core, attempt);
  if (!provider) return { object: attempt.object, finding: NOT_OURS };
  const request = requestOf(charge, attempt);
  const replayPrepare = attempt.object === null && ageMs(core, attempt) < provider.capabilities.prepareKeyAgeMs;
  const call = openCall(core, attempt, provider, lease, { share: 1, keyAgeMs: ANY_AGE });
  const ask = async () =>
    ({ kind: "looked", ...(await provider.lookup({ request, object: attempt.object, replayPrepare }, call)) }) as const;
  const answer = await core.fleet.circuit(attempt.provider).inquire("look", ask, ({ finding }) => isFault(finding));
  return answer.admitted ? answer.result : { object: attempt.object, finding: unknown("not_asked", answer.reason) };
}

/** Makes sure that `object` can never be paid; `fenced` only on the provider's own confirmation. */
export async function fence(core: Core, attempt: Attempt, object: string, lease: Lease): Promise<Outcome | Fenced> {
  const provider = ownProvider(core, attempt);
  if (!provider) return NOT_OURS;
  const call = openCall(core, attempt, provider, lease, { share: 1, keyAgeMs: ANY_AGE });
  const answer = await core.fleet.circuit(attempt.provider).inquire("fence", () => provider.cancel(object, call), isFault);
  if (!answer.admitted) return unknown("not_asked", answer.reason);
  return answer.result.kind === "unpaid" ? unknown("unexpected", "unpaid, and the fence is not confirmed") : answer.result;
}

export function canFence(core: Core, attempt: Attempt): boolean {
  return core.providers.get(attempt.provider)?.capabilities.fence === true;
}

/** The attempt's provider, while it is configured with the account that the attempt was begun on (law 12). */
export function ownProvider(core: Core, attempt: Attempt): Provider | null {
  return core.accountOf(attempt.provider) === attempt.providerAccount ? (core.providers.get(attempt.provider) ?? null) : null;
}

const NOT_OURS: Unknown = {
  kind: "unknown",
  cause: "unexpected",
  detail: "its provider is not configured, not verified yet, or belongs to another account now",
};

async function replay(core: Core, charge: Charge, attempt: Attempt, object: string, lease: Lease): Promise<Found> {
  const provider = ownProvider(core, attempt);
  if (!provider) return { known: NOT_OURS, object, sentAgain: false };
  if (ageMs(core, attempt) >= provider.capabilities.commitKeyAgeMs) {
    return { known: unknown("unexpected", "unpaid, and its key is too old to be replayed"), object, sentAgain: false };
  }
  const call = openCall(core, attempt, provider, lease, { share: 1, keyAgeMs: provider.capabilities.commitKeyAgeMs });
  const answer = await core.fleet
    .circuit(attempt.provider)
    .inquire("replay", () => provider.commit(requestOf(charge, attempt), object, call, { replay: true }), isFault);
  if (!answer.admitted) return { known: unknown("not_asked", answer.reason), object, sentAgain: false };
  const known = answer.result;
  if (known.kind === "unknown" && known.cause === "duplicate_invoice") {
    // Firm where the first send had this very answer, and only an earlier attempt could not be seen then.
    return duplicate(core, charge, attempt, object, lease, attempt.outcome === "unknown" && !attempt.ambiguous);
  }
  // Doubt is sticky: that the replay was not executed says nothing about the first send.
  if (known.kind === "not_sent") return { known: unknown("unexpected", `replay not executed: ${known.cause}`), object, sentAgain: false };
  return { known, object, sentAgain: known.kind === "unknown" };
}

/**
 * The provider refuses this attempt because a payment of this charge exists there. It may be this very attempt's (its first send
 * landed meanwhile), or an earlier one's: then that is the charge's money. Only if the first send itself was refused so (`firm`), and
 * every earlier object is proven unpaid, this attempt is closed and the provider is not asked again. Else in doubt.
 */
export async function duplicate(
  core: Core,
  charge: Charge,
  attempt: Attempt,
  object: string | null,
  lease: Lease,
  firm: boolean,
): Promise<Found> {
  const own = await lookup(core, charge, { ...attempt, object }, lease);
  if (own.finding.kind === "approved" || own.finding.kind === "pending") return { known: own.finding, object, sentAgain: false };
  const stillOpen = (why: string): Found => ({ known: unknown("duplicate_invoice", why), object, sentAgain: false });
  if (own.finding.kind === "unknown") return stillOpen("this attempt cannot be looked at");
  const earlier = charge.attempts.filter(
    (other) => other.provider === attempt.provider && other.id !== attempt.id && other.object !== null,
  );
  for (const other of earlier) {
    // Money that went back, or is going, is not the charge's.
    if (await isCompensated(core.db, other.id)) continue;
    const { finding } = await lookup(core, charge, other, lease);
    // A hold is not the charge's money: it is for whoever resolves that attempt.
    if (finding.kind === "approved" && finding.captured) {
      return {
        known: elsewhere(`attempt ${other.id} was paid`),
        object,
        sentAgain: false,
        earlierPaid: { attempt: other, approved: finding },
      };
    }
    if (finding.kind !== "unpaid" && finding.kind !== "fenced" && finding.kind !== "declined") {
      return stillOpen(`an earlier attempt is ${finding.kind}`);
    }
  }
  if (!firm) return stillOpen("an earlier send of this attempt may be the payment");
  return { known: elsewhere("the invoice id is taken by something that is not ours"), object, sentAgain: false };
}

function elsewhere(detail: string): NotSent {
  return { kind: "not_sent", cause: "duplicate_elsewhere", fault: false, detail };
}

function unknown(cause: Unknown["cause"], detail: string): Unknown {
  return { kind: "unknown", cause, detail };
}

function ageMs(core: Core, attempt: Attempt): number {
  return core.clock.now() - attempt.startedAt.getTime();
}
