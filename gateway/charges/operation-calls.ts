import { Call } from "../../providers/contract/call.ts";
import { isFault, type NotSent, type Outcome, type Unknown } from "../../providers/contract/outcome.ts";
import type { OperationRequest, Provider } from "../../providers/contract/provider.ts";
import type { InquiryPurpose } from "../health/circuit.ts";
import { keysOf } from "./compensate.ts";
import { type Core, WRITE_RESERVE_MS } from "./core.ts";
import type { Lease } from "./lease.ts";
import { type Answer, type ClaimedOperation, isOpen, keyAgeMs, type Learned, type Operation } from "./operation.ts";

/**
 * Finds out what became of it, and sends it where that is safe. Never sent: send it. Sent before, without an outcome: look; if that shows
 * nothing (which proves nothing), the same key once more, as long as the provider keeps it: that is still once. Over: only look.
 */
export async function inquire(core: Core, operation: ClaimedOperation, lease: Lease): Promise<Learned> {
  const open = isOpen(operation);
  if (!operation.captured) return { answer: open ? await release(core, operation, lease) : NO_RECORD, by: "look" };
  if (open && !operation.sentBefore) return sendFirst(core, operation, lease);
  const found = await look(core, operation, lease);
  // What follows a look that was not let pass would not be let pass either.
  const shown = found.kind !== "unknown" || found.cause === "not_asked";
  if (shown || !open || !mayReplay(core, operation)) return { answer: found, by: "look" };
  return confirmed(core, operation, lease, { answer: await send(core, operation, lease, true), by: "replay" });
}

const NO_RECORD: Unknown = { kind: "unknown", cause: "unexpected", detail: "a released hold has no record of its own" };

async function sendFirst(core: Core, operation: ClaimedOperation, lease: Lease): Promise<Learned> {
  if (heldBack(operation)) return { answer: notSent("rejected", "disputed"), by: "first" };
  return confirmed(core, operation, lease, { answer: await send(core, operation, lease, false), by: "first" });
}

/** A no, while an earlier send may have landed after the look: its record has the last word. */
async function confirmed(core: Core, operation: ClaimedOperation, lease: Lease, learned: Learned): Promise<Learned> {
  if (learned.answer.kind !== "declined" || (learned.by === "first" && !operation.ambiguous)) return learned;
  const found = await look(core, operation, lease);
  return found.kind === "unknown" ? learned : { answer: found, by: "look" };
}

/**
 * A replay past the key's age could execute it a second time. One that the provider has a record of has its answer there: the key would
 * give the first one again, which may be stale.
 */
function mayReplay(core: Core, operation: Operation): boolean {
  return operation.providerReference === null && keyAgeMs(operation, core.clock.now()) < keyLifeMs(core, operation) && !heldBack(operation);
}

/** In a dispute the customer's bank may take the money back itself: a refund beside it would pay twice. */
function heldBack(operation: Operation): boolean {
  return operation.disputed && operation.kind === "refund";
}

/** 0 while the provider is not configured. */
function keyLifeMs(core: Core, operation: Operation): number {
  return core.providers.get(operation.provider)?.capabilities.operationKeyAgeMs ?? 0;
}

async function send(core: Core, operation: Operation, lease: Lease, replay: boolean): Promise<Outcome> {
  const provider = ownProvider(core, operation);
  if (!provider) return replay ? NOT_OURS : notSent("breaker_open", NOT_OURS.detail);
  const call = openCall(core, operation, lease, keyLifeMs(core, operation));
  const request = requestOf(operation, operation.providerKey);
  const answer = await asked(core, operation, replay ? "replay" : "operation", () => provider.refund(request, call, { replay }));
  if (answer !== null) return answer;
  return replay ? notAsked : notSent("breaker_open", "not admitted: an operator's override, or an open breaker");
}

/** By the provider's id of it; else by its key, and by those that it had before. */
async function look(core: Core, operation: Operation, lease: Lease): Promise<Outcome> {
  const provider = ownProvider(core, operation);
  if (!provider) return NOT_OURS;
  if (!provider.lookupRefund) return { kind: "unknown", cause: "unexpected", detail: "this provider has no record of refunds" };
  let last: Outcome = notAsked;
  for (const key of operation.providerReference === null ? keysOf(operation) : [operation.providerKey]) {
    const call = openCall(core, operation, lease, Number.POSITIVE_INFINITY);
    const answer = await asked(core, operation, "look", () =>
      provider.lookupRefund!(requestOf(operation, key), operation.providerReference, call),
    );
    if (answer === null) return notAsked;
    last = answer;
    if (answer.kind !== "unknown") return answer;
  }
  return last;
}

/** The fence of a hold: idempotent by the object's state. */
async function release(core: Core, operation: Operation, lease: Lease): Promise<Answer> {
  const provider = ownProvider(core, operation);
  if (!provider) return NOT_OURS;
  const call = openCall(core, operation, lease, Number.POSITIVE_INFINITY);
  return (await asked(core, operation, "operation", () => provider.cancel(operation.object ?? operation.reference, call))) ?? notAsked;
}

/** null: not let pass. */
async function asked<T extends Answer>(
  core: Core,
  operation: Operation,
  purpose: InquiryPurpose,
  ask: () => Promise<T>,
): Promise<T | null> {
  const answer = await core.fleet.circuit(operation.provider).inquire(purpose, ask, isFault);
  return answer.admitted ? answer.result : null;
}

/** It may send only while the lease is held, this instance is fit, and the provider still keeps the key: asked before every wire attempt. */
function openCall(core: Core, operation: Operation, lease: Lease, keyLife: number): Call {
  return new Call({
    clock: core.clock,
    timeoutMs: Math.max(1, Math.min(core.settings.providerTimeoutMs, lease.left() - WRITE_RESERVE_MS)),
    maySend: () => core.maySend() && lease.held() && keyAgeMs(operation, core.clock.now()) < keyLife,
  });
}

function requestOf(operation: Operation, key: string): OperationRequest {
  return {
    chargeId: operation.chargeId,
    attemptId: operation.attemptId,
    key,
    reference: operation.reference,
    object: operation.object ?? operation.reference,
    money: { amount: operation.amount, currency: operation.currency },
  };
}

/** The provider that took the money, while it is configured with the account that took it (law 12); never another. */
function ownProvider(core: Core, operation: Operation): Provider | null {
  return core.accountOf(operation.provider) === operation.providerAccount ? (core.providers.get(operation.provider) ?? null) : null;
}

const NOT_OURS: Unknown = {
  kind: "unknown",
  cause: "unexpected",
  detail: "its provider is not configured, not verified yet, or belongs to another account now",
};

const notAsked: Unknown = { kind: "unknown", cause: "not_asked", detail: "not admitted: only a few inquiries pass" };

function notSent(cause: NotSent["cause"], detail: string): NotSent {
  return { kind: "not_sent", cause, fault: false, detail };
}
