import type { Operation } from "../../../../gateway/charges/operation.ts";
import type { Acceptance, NewAttempt } from "../../../../gateway/store/accept-charges.ts";
import type { TrailEvent } from "../../../../gateway/store/event.ts";
import type { OperationWrite } from "../../../../gateway/store/operations.ts";
import type { AttemptPatch, CommandKey, NewDeadLetter, NewOperation, Transition } from "../../../../gateway/store/write-transitions.ts";

/** The statements take the time as a parameter: here it stands still. */
export const NOW = new Date("2026-11-01T12:00:00Z");

/** Seconds from `NOW` (before: negative). */
export function at(seconds: number): Date {
  return new Date(NOW.getTime() + seconds * 1_000);
}

let serial = 0;

/** Ids that sort in the order in which they were made. */
export function newId(prefix: string): string {
  serial += 1;
  return `${prefix}_${String(serial).padStart(6, "0")}`;
}

/** A charge of 42.00 usd under the lease 1, with its first attempt; `deferred`: without one, and without a lease. */
export function acceptance(more: Partial<Acceptance> = {}): Acceptance {
  const id = more.id ?? newId("ch");
  const deferred = more.status === "deferred";
  return {
    id,
    account_id: "acct_default",
    livemode: false,
    status: "processing",
    amount: "4200",
    currency: "usd",
    reference: null,
    allow_duplicate_reference: false,
    idempotency_key: `key-${id}`,
    fingerprint: "07".repeat(32),
    capture: "automatic",
    failover: "proven",
    payment_method_id: null,
    payment_method: { tokens: { stripe: {}, paypal: {} }, type: "card", brand: "visa", country: "US" },
    providers: ["stripe", "paypal"],
    description: null,
    metadata: {},
    defer: true,
    defer_until: at(3_600).toISOString(),
    lease_until: deferred ? null : at(30).toISOString(),
    next_action_at: (deferred ? NOW : at(30)).toISOString(),
    deferred: deferred ? { reason: "no_provider_available", since: NOW.toISOString(), until: at(3_600).toISOString() } : null,
    failure: null,
    instruments: [],
    weighed: false,
    now: NOW.toISOString(),
    attempt: deferred ? null : intent(id, 1),
    events: [told(id, deferred ? "charge.deferred" : "attempt.started")],
    ...more,
  };
}

export function attemptId(chargeId: string, no: number): string {
  return `at_${chargeId}_${no}`;
}

export function intent(chargeId: string, no: number, provider = no % 2 === 1 ? "stripe" : "paypal"): NewAttempt {
  const request = { amount: "4200", currency: "usd", token: {}, description: null, reference: null };
  const id = attemptId(chargeId, no);
  return { id, no, provider, provider_account: `acct_${provider}`, request, decision: null, started_at: NOW.toISOString() };
}

export function told(chargeId: string, type: string, data: TrailEvent["data"] = {}): TrailEvent {
  return {
    at: NOW.toISOString(),
    account_id: "acct_default",
    type,
    actor: "system:test",
    charge_id: chargeId,
    attempt_id: null,
    provider: null,
    amount: "4200",
    currency: "usd",
    from_status: null,
    to_status: null,
    outcome: null,
    latency_ms: null,
    data,
  };
}

/** From `processing` under lease 1 to itself, the lease kept; tells one event of its status. */
export function transition(chargeId: string, more: Partial<Transition> = {}): Transition {
  return {
    id: chargeId,
    lease_no: 1,
    from_status: "processing",
    status: "processing",
    amount_captured: "0",
    provider: null,
    provider_reference: null,
    failure: null,
    deferred: null,
    next_action: null,
    authorized_until: null,
    excluded: [],
    tries: 0,
    next_action_at: at(30).toISOString(),
    lease_until: at(30).toISOString(),
    now: NOW.toISOString(),
    attempt: null,
    reopen: null,
    next_attempt: null,
    dead_letter: null,
    settled_by: null,
    settlement: null,
    operation: null,
    command: null,
    declined: null,
    token_gone: null,
    events: [told(chargeId, `charge.${more.status ?? "processing"}`)],
    ...more,
  };
}

/** Its first attempt was approved: the charge's end. */
export function succeeded(chargeId: string, more: Partial<Transition> = {}): Transition {
  return transition(chargeId, {
    status: "succeeded",
    amount_captured: "4200",
    provider: "stripe",
    provider_reference: `pi_${chargeId}`,
    next_action_at: null,
    lease_until: null,
    attempt: patch(attemptId(chargeId, 1), { live: true, outcome: "approved", provider_reference: `pi_${chargeId}` }),
    ...more,
  });
}

/** Proof that its first attempt moved nothing, and the next intent. */
export function failedOver(chargeId: string, no: number, more: Partial<Transition> = {}): Transition {
  return transition(chargeId, { attempt: patch(attemptId(chargeId, 1)), next_attempt: intent(chargeId, no), ...more });
}

/** Closed, with proof. */
export function patch(id: string, more: Partial<AttemptPatch> = {}): AttemptPatch {
  return {
    id,
    live: false,
    outcome: "not_sent",
    ambiguous: false,
    detail: { cause: "refused" },
    object: null,
    provider_reference: null,
    finished_at: NOW.toISOString(),
    latency_ms: 12,
    next_look_at: null,
    ...more,
  };
}

export function letter(chargeId: string, kind: NewDeadLetter["kind"] = "doubt"): NewDeadLetter {
  return {
    id: newId("dl"),
    account_id: "acct_default",
    kind,
    attempt_id: kind === "doubt" ? attemptId(chargeId, 1) : null,
    reason: "test",
  };
}

/** In doubt for a day: the state, and a letter of it. */
export function doubted(chargeId: string, more: Partial<Transition> = {}): Transition {
  return transition(chargeId, {
    status: "in_doubt",
    lease_until: null,
    dead_letter: letter(chargeId),
    events: [told(chargeId, "charge.in_doubt"), told(chargeId, "dead_letter.opened")],
    ...more,
  });
}

export function compensation(chargeId: string): NewOperation {
  const attempt_id = attemptId(chargeId, 1);
  return {
    id: newId("op"),
    kind: "compensate",
    account_id: "acct_default",
    attempt_id,
    provider_key: `${attempt_id}:compensate`,
    object: null,
    reference: "pi_late",
    amount: "4200",
    currency: "usd",
    captured: true,
  };
}

export function cancelKey(key: string): CommandKey {
  return { account_id: "acct_default", key, operation: "cancel", fingerprint: "05".repeat(32) };
}

/** A turn that learned nothing: the operation stays as it was claimed. */
export function operationWrite(operation: Operation, more: Partial<OperationWrite> = {}): OperationWrite {
  return {
    state: operation.state,
    provider_key: operation.providerKey,
    first_sent_at: NOW.toISOString(),
    ambiguous: false,
    provider_reference: null,
    failure: null,
    detail: "test",
    tries: 0,
    next_action_at: null,
    now: NOW.toISOString(),
    dead_letter: null,
    settled_by: null,
    events: [],
    ...more,
  };
}
