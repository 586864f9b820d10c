import { Call } from "../../providers/contract/call.ts";
import type { Currency } from "../../providers/contract/money.ts";
import { isFault, type NotSent, type Outcome, type Prepared } from "../../providers/contract/outcome.ts";
import type { AttemptRequest, Provider } from "../../providers/contract/provider.ts";
import type { Attempt, Charge, StoredRequest } from "./charge.ts";
import { type Core, MIN_CALL_MS, WRITE_RESERVE_MS } from "./core.ts";
import type { Lease } from "./lease.ts";

/** What a first run through an attempt's two steps came to. */
export interface AttemptResult {
  readonly outcome: Outcome;
  readonly object: string | null;
  /** Milliseconds from before prepare to the outcome. */
  readonly latencyMs: number;
}

/**
 * One attempt whose intent is committed: prepare, then commit. Whatever goes wrong in prepare is proof, because commit is
 * then never sent: by this call (its gate is closed) or by anyone else (they would need the lease).
 */
export async function runAttempt(core: Core, charge: Charge, attempt: Attempt, lease: Lease): Promise<AttemptResult> {
  const provider = providerOf(core, attempt);
  const request = requestOf(charge, attempt);
  const began = core.clock.monotonic();
  const result = (outcome: Outcome, object: string | null): AttemptResult => ({
    outcome,
    object,
    latencyMs: Math.max(0, Math.round(core.clock.monotonic() - began)),
  });

  const ticket = core.fleet.circuit(attempt.provider).admit();
  if (!ticket.admitted) return result(notSent("breaker_open", ticket.reason), null);
  try {
    // Half of what is left at most: a hanging prepare must leave the next provider its time.
    const prepared = await ticket.run(() => provider.prepare(request, openCall(core, attempt, provider, lease, { share: 0.5 })), isFault);
    if (!prepared.admitted) return result(notSent("breaker_open", prepared.reason), null);
    if (prepared.result.kind !== "prepared") return result(asProof(prepared.result), null);

    const { object } = prepared.result;
    if (timeFor(core, lease, 1) < MIN_CALL_MS) return result(notSent("gate_closed", "no time left for the commit step"), object);
    const call = openCall(core, attempt, provider, lease, { share: 1, onLate: (late) => heardLate(core, charge, attempt, late) });
    const committed = await ticket.run(() => provider.commit(request, object, call, { replay: false }), isFault);
    return result(committed.admitted ? committed.result : notSent("breaker_open", committed.reason), object);
  } finally {
    ticket.release();
  }
}

/** A failed prepare is proof whatever it says; a provider that moved money in prepare is believed all the same. */
function asProof(failed: Exclude<Prepared | Outcome, Prepared>): Outcome {
  return failed.kind === "unknown" ? { ...notSent("prepare_failed", `${failed.cause}: ${failed.detail}`), fault: true } : failed;
}

function notSent(cause: NotSent["cause"], detail: string): NotSent {
  return { kind: "not_sent", cause, fault: false, detail };
}

export function providerOf(core: Core, attempt: Pick<Attempt, "provider">): Provider {
  const provider = core.providers.get(attempt.provider);
  if (!provider) throw new Error(`provider ${attempt.provider} is not configured`);
  return provider;
}

/** The exact request that was committed with the attempt. */
export function requestOf(charge: Charge, attempt: Attempt): AttemptRequest {
  const { request } = attempt;
  return {
    chargeId: charge.id,
    attemptId: attempt.id,
    money: { amount: BigInt(request.amount), currency: request.currency as Currency },
    token: request.token,
    description: request.description,
    reference: request.reference,
    createdAtMs: attempt.startedAt.getTime(),
    capture: request.capture ?? "automatic",
  };
}

export function storedRequest(
  charge: Pick<Charge, "amount" | "currency" | "paymentMethod" | "description" | "reference" | "capture" | "failover">,
  provider: string,
): StoredRequest {
  return {
    amount: charge.amount.toString(),
    currency: charge.currency,
    token: charge.paymentMethod.tokens[provider],
    description: charge.description,
    reference: charge.reference,
    ...(charge.capture === "manual" || charge.failover === "authorize_first" ? { capture: "manual" } : {}),
  };
}

function timeFor(core: Core, lease: Lease, share: number): number {
  return Math.min(core.settings.providerTimeoutMs, (lease.left() - WRITE_RESERVE_MS) * share);
}

/**
 * A call under the lease: it may send only while the lease is held, this instance is fit to send, and (`keyAgeMs`) the
 * provider still remembers the key, which was first sent not before `since` (the attempt's intent). Asked immediately before every wire attempt, first send and replay alike.
 */
export function openCall(
  core: Core,
  attempt: Attempt,
  provider: Provider,
  lease: Lease,
  options: { share: number; keyAgeMs?: number; since?: Date; onLate?: (late: unknown) => void },
): Call {
  const keyAgeMs = options.keyAgeMs ?? Math.min(provider.capabilities.prepareKeyAgeMs, provider.capabilities.commitKeyAgeMs);
  const sinceMs = (options.since ?? attempt.startedAt).getTime();
  return new Call({
    clock: core.clock,
    timeoutMs: Math.max(1, timeFor(core, lease, options.share)),
    maySend: () => core.maySend() && lease.held() && core.clock.now() - sinceMs < keyAgeMs,
    ...(options.onLate ? { onLate: options.onLate } : {}),
  });
}

/** An answer after its deadline is evidence: the attempt, if it was closed meanwhile, is looked at again. */
function heardLate(core: Core, charge: Charge, attempt: Attempt, late: unknown): void {
  const kind = (late as Outcome).kind;
  if (kind !== "approved" && kind !== "pending") return;
  core.log.warn({ charge: charge.id, attempt: attempt.id, kind }, "a payment was confirmed after its deadline");
  core.hint(charge.id, attempt.id);
}
