import type { NewAttempt } from "../store/accept-charges.ts";
import type { TrailEvent } from "../store/event.ts";
import type {
  AttemptPatch,
  CommandKey,
  GoneToken,
  NewDeadLetter,
  NewOperation,
  SettlementPatch,
  Transition,
} from "../store/write-transitions.ts";
import type { Attempt, Charge, ChargeStatus, Deferred, Failure, NextAction, Settlement } from "./charge.ts";
import { declineRow } from "./retries.ts";
import { tokenGoneReason } from "./verdict.ts";

/**
 * One change of a charge, in the engine's words. What is left out stays as it is, but for the fields that belong to
 * one status only (`nextAction`, `nextActionAt`): they go unless they are given.
 */
export interface Change {
  readonly now: Date;
  readonly actor: string;
  readonly status: ChargeStatus;
  readonly amountCaptured?: bigint;
  readonly provider?: string | null;
  readonly providerReference?: string | null;
  readonly failure?: Failure | null;
  readonly deferred?: Deferred | null;
  readonly nextAction?: NextAction | null;
  readonly exclude?: string | null;
  readonly tries?: number;
  readonly nextActionAt?: Date | null;
  /** Keeps the lease (the writer goes on); without it the lease is released. */
  readonly keepLease?: Date;
  readonly attempt?: AttemptPatch;
  readonly reopen?: AttemptPatch;
  readonly next?: NewAttempt;
  readonly deadLetter?: NewDeadLetter;
  readonly settledBy?: string;
  /** Until when the hold of a charge that becomes `authorized` lasts. */
  readonly authorizedUntil?: Date | null;
  /** What became of the capture or void under way. */
  readonly settlement?: SettlementPatch;
  /** The intent of a capture or void, or of a compensation. */
  readonly operation?: NewOperation;
  readonly command?: CommandKey;
  /** Told besides the events that follow from the change itself. */
  readonly tell?: readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[];
}

/** The row that writes `change`, and the charge as it is once the row is written. */
export function makeTransition(charge: Charge, leaseNo: number, change: Change): { row: Transition; after: Charge } {
  const after = applied(charge, change);
  const row: Transition = {
    id: charge.id,
    lease_no: leaseNo,
    from_status: charge.status,
    status: after.status,
    amount_captured: after.amountCaptured.toString(),
    provider: after.provider,
    provider_reference: after.providerReference,
    failure: after.failure,
    deferred: after.deferred,
    next_action: after.nextAction,
    authorized_until: after.authorizedUntil?.toISOString() ?? null,
    excluded: after.excluded,
    tries: after.tries,
    next_action_at: after.nextActionAt?.toISOString() ?? null,
    lease_until: after.leaseUntil?.toISOString() ?? null,
    now: change.now.toISOString(),
    attempt: change.attempt ?? null,
    reopen: change.reopen ?? null,
    next_attempt: change.next ?? null,
    dead_letter: change.deadLetter ?? null,
    settled_by: change.settledBy ?? null,
    settlement: change.settlement ?? null,
    operation: change.operation ?? null,
    command: change.command ?? null,
    declined: declineRow(charge, change.attempt, change.now),
    token_gone: goneToken(charge, change),
    events: eventsOf(charge, change),
  };
  return { row, after };
}

/** Only of a charge that was made with a stored method. A late word of it is as good as an early one. */
function goneToken(charge: Charge, { attempt, actor }: Change): GoneToken | null {
  const reason = charge.paymentMethodId !== null && attempt ? tokenGoneReason(attempt.detail) : null;
  if (!attempt || charge.paymentMethodId === null || reason === null) return null;
  return { payment_method_id: charge.paymentMethodId, attempt_id: attempt.id, reason, actor };
}

function applied(charge: Charge, change: Change): Charge {
  const exclude = change.exclude && !charge.excluded.includes(change.exclude) ? [change.exclude] : [];
  return {
    ...charge,
    status: change.status,
    amountCaptured: change.amountCaptured ?? charge.amountCaptured,
    provider: change.provider === undefined ? charge.provider : change.provider,
    providerReference: change.providerReference === undefined ? charge.providerReference : change.providerReference,
    failure: change.failure === undefined ? charge.failure : change.failure,
    deferred: change.deferred === undefined ? charge.deferred : change.deferred,
    nextAction: change.nextAction ?? null,
    authorizedUntil: change.authorizedUntil === undefined ? charge.authorizedUntil : change.authorizedUntil,
    settlement: settlementAfter(charge.settlement, change),
    excluded: [...charge.excluded, ...exclude],
    tries: change.tries ?? charge.tries,
    nextActionAt: change.nextActionAt ?? null,
    leaseUntil: change.keepLease ?? null,
    updatedAt: change.now,
    attempts: [
      ...charge.attempts.map((attempt) => [change.attempt, change.reopen].reduce(patched, attempt)),
      ...(change.next ? [begun(change.next)] : []),
    ],
  };
}

function settlementAfter(before: Settlement | null, { settlement, operation, now }: Change): Settlement | null {
  if (operation && operation.kind !== "compensate") {
    return {
      id: operation.id,
      attemptId: operation.attempt_id as Attempt["id"],
      kind: operation.kind,
      state: "processing",
      amount: BigInt(operation.amount),
      ambiguous: false,
      tries: 0,
      firstSentAt: now,
      createdAt: now,
      providerReference: null,
    };
  }
  if (!before || settlement?.id !== before.id) return before;
  if (settlement.state === "failed") return null;
  return {
    ...before,
    state: settlement.state,
    ambiguous: before.ambiguous || settlement.ambiguous,
    tries: settlement.tries,
    firstSentAt: before.state === "deferred" && settlement.state === "processing" ? now : before.firstSentAt,
    providerReference: settlement.provider_reference ?? before.providerReference,
  };
}

function patched(attempt: Attempt, patch: AttemptPatch | undefined): Attempt {
  if (patch?.id !== attempt.id) return attempt;
  return {
    ...attempt,
    live: patch.live,
    outcome: patch.outcome,
    ambiguous: attempt.ambiguous || patch.ambiguous,
    detail: patch.detail as Attempt["detail"],
    object: patch.object ?? attempt.object,
    providerReference: patch.provider_reference ?? attempt.providerReference,
    finishedAt: patch.finished_at === null ? null : new Date(patch.finished_at),
    latencyMs: attempt.latencyMs ?? patch.latency_ms,
    nextLookAt: patch.next_look_at === null ? null : new Date(patch.next_look_at),
  };
}

/** A new intent as the attempt that it becomes. */
export function begun(attempt: NewAttempt): Attempt {
  return {
    id: attempt.id as Attempt["id"],
    no: attempt.no,
    provider: attempt.provider,
    providerAccount: attempt.provider_account,
    live: true,
    outcome: null,
    ambiguous: false,
    detail: null,
    object: null,
    providerReference: null,
    request: attempt.request,
    nextLookAt: null,
    looks: 0,
    decision: attempt.decision,
    startedAt: new Date(attempt.started_at),
    finishedAt: null,
    latencyMs: null,
  };
}

/**
 * Every change has an author, and what an attempt came to is told exactly once: with the change of status that it brought, else by
 * itself. The attempt that carries a change of status is the one that holds the money, if one does.
 */
function eventsOf(charge: Charge, change: Change): TrailEvent[] {
  const base = eventBase(charge, change.now, change.actor);
  const carrier = change.reopen ?? change.attempt;
  const events: TrailEvent[] = [];
  const moved = change.status !== charge.status;
  if (moved) {
    const data = change.failure ? { failure: change.failure.code } : {};
    const told = carrier ? about(charge, carrier) : { provider: change.provider ?? charge.provider };
    // Of a part that was captured, that part is what succeeded.
    const amount = change.status === "succeeded" ? (change.amountCaptured ?? charge.amount).toString() : base.amount;
    events.push({ ...base, ...told, amount, type: `charge.${change.status}`, from_status: charge.status, to_status: change.status, data });
  }
  for (const patch of [change.attempt, change.reopen]) {
    if (!patch || (moved && patch === carrier)) continue;
    const told = about(charge, patch);
    if (told.outcome !== null) events.push({ ...base, ...told, type: "attempt.finished", data: { cause: causeOf(patch) } });
  }
  events.push(...operationEvents(charge, change));
  if (change.next) events.push(startedEvent(charge, change.next, change.now, change.actor));
  if (change.deadLetter) {
    const { kind, reason } = change.deadLetter;
    events.push({ ...base, type: "dead_letter.opened", data: { kind, reason } });
  }
  const subject = { attempt_id: carrier?.id ?? null, provider: carrier ? about(charge, carrier).provider : charge.provider };
  for (const more of change.tell ?? []) events.push({ ...base, ...subject, ...more });
  return events;
}

/** An act on a hold is told when its intent is committed, and with each change of its state. */
function operationEvents(charge: Charge, { settlement, operation, now, actor }: Change): TrailEvent[] {
  const base = { ...eventBase(charge, now, actor), provider: charge.provider };
  const events: TrailEvent[] = [];
  if (settlement && settlement.state !== charge.settlement?.state) {
    const { kind, attemptId } = charge.settlement as Settlement;
    const data = { operation: settlement.id, kind, detail: settlement.detail };
    events.push({ ...base, attempt_id: attemptId, type: `operation.${settlement.state}`, data });
  }
  if (operation && operation.kind !== "compensate") {
    const data = { operation: operation.id, kind: operation.kind };
    events.push({ ...base, attempt_id: operation.attempt_id, amount: operation.amount, type: "operation.started", data });
  }
  return events;
}

/** The attempt as an event names it; its outcome only where it is news. */
function about(charge: Charge, patch: AttemptPatch): Pick<TrailEvent, "attempt_id" | "provider" | "outcome" | "latency_ms"> {
  const known = charge.attempts.find((attempt) => attempt.id === patch.id);
  const news = known?.outcome !== patch.outcome;
  return {
    attempt_id: patch.id,
    provider: known?.provider ?? null,
    outcome: news ? patch.outcome : null,
    latency_ms: news ? patch.latency_ms : null,
  };
}

function causeOf(patch: AttemptPatch): unknown {
  const detail = patch.detail as { cause?: unknown; reason?: unknown };
  return detail.cause ?? detail.reason ?? null;
}

export function startedEvent(charge: Charge, attempt: NewAttempt, now: Date, actor: string): TrailEvent {
  return { ...eventBase(charge, now, actor), type: "attempt.started", attempt_id: attempt.id, provider: attempt.provider };
}

export function eventBase(charge: Charge, now: Date, actor: string): TrailEvent {
  return {
    at: now.toISOString(),
    account_id: charge.accountId,
    type: "",
    actor,
    charge_id: charge.id,
    attempt_id: null,
    provider: null,
    amount: charge.amount.toString(),
    currency: charge.currency,
    from_status: null,
    to_status: null,
    outcome: null,
    latency_ms: null,
    data: {},
  };
}
