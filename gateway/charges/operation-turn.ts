import { DatabaseAmbiguous, DatabaseUnavailable, violatedConstraint } from "../store/database.ts";
import type { TrailEvent } from "../store/event.ts";
import { type OperationWrite, releaseOperation, writeOperation } from "../store/operations.ts";
import { nextKey } from "./compensate.ts";
import { type Core, MIN_CALL_MS, WRITE_RESERVE_MS } from "./core.ts";
import { LeaseLost } from "./drive.ts";
import { type Lease, startLease } from "./lease.ts";
import { type ClaimedOperation, isOpen, type Learned, type Operation, type OperationState } from "./operation.ts";
import { inquire } from "./operation-calls.ts";
import { inWords, judgeOperation, type OperationVerdict } from "./operation-verdict.ts";
import { askAgainMs, DOUBT_DEAD_LETTER_MS, nextLookMs, nextOperationMs, PENDING_DEAD_LETTER_MS } from "./schedule.ts";

/** Between two looks at a doubt inside one turn. */
const LOOK_AGAIN_MS = 2_000;
/** Between two tries of a write that the database did not take. */
const WRITE_AGAIN_MS = 250;

/** A worker's turn at an operation that it has claimed. Taken over meanwhile: no harm. */
export async function takeOperationTurn(core: Core, operation: ClaimedOperation, leaseUntil: Date): Promise<void> {
  const lease = startLease(core.clock, core.settings, operation, leaseUntil);
  try {
    await concludeOperation(core, operation, await inquire(core, operation, lease), lease, "system:worker");
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
  }
}

/** A caller's turn at the refund that it asked for just now: a doubt is first resolved inside the time that the caller gave us. */
export async function driveOperation(core: Core, operation: Operation, lease: Lease, actor: string): Promise<Operation> {
  const first = { ...operation, sentBefore: false };
  let learned = await inquire(core, first, lease);
  if (learned.answer.kind !== "unknown") return concludeOperation(core, first, learned, lease, actor);
  const doubtful = { ...operation, sentBefore: true, ambiguous: true };
  while (learned.answer.kind === "unknown" && lease.left() >= MIN_CALL_MS + 2 * WRITE_RESERVE_MS && core.maySend()) {
    learned = await inquire(core, doubtful, lease);
    if (learned.answer.kind !== "unknown" || lease.left() < LOOK_AGAIN_MS + 2 * WRITE_RESERVE_MS) break;
    await core.clock.sleep(LOOK_AGAIN_MS);
  }
  return concludeOperation(core, doubtful, learned, lease, actor);
}

/** Commits what was learned, and what follows from it; the operation as it is then. Throws `LeaseLost` and the database's errors. */
async function concludeOperation(
  core: Core,
  operation: ClaimedOperation,
  learned: Learned,
  lease: Lease,
  actor: string,
): Promise<Operation> {
  const now = new Date(core.clock.now());
  const verdict = judgeOperation(operation, learned, now);
  const key = nextKey(core, operation, learned);
  const taken = takenMeanwhile(operation, learned);
  if (taken) core.log.error({ charge: operation.chargeId, ...taken }, "a hold was captured before it was released: its money goes back");
  const plan = taken ? refundInstead(taken, now) : key === null ? planned(core, operation, verdict, learned, now) : rekeyed(key, now);
  try {
    return await commit(core, operation, written(core, operation, learned, plan, now, actor), lease);
  } catch (error) {
    if (operation.state !== "failed" || !OVERDRAWN.has(violatedConstraint(error))) throw error;
    // Given back after all, when its share of the charge was given to others already.
    const letter =
      "it was carried out after it had failed, and the charge's money is spoken for: more may have been given back than was taken";
    const kept: Plan = { ...plan, state: "failed", nextActionAt: null, letter };
    return commit(core, operation, written(core, operation, learned, kept, now, actor), lease);
  }
}

/** The constraints that keep a charge from giving back more than it took. */
const OVERDRAWN: ReadonlySet<string | null> = new Set(["charges_money", "charges_refunds"]);

type Plan = Omit<OperationVerdict, "unsent"> & {
  readonly key?: string;
  readonly firstSentAt: Date | null | undefined;
  readonly nextActionAt: Date | null;
  readonly tries: number;
  readonly taken?: Taken;
  /** Why a person must look. */
  readonly letter: string | null;
};

function planned(core: Core, operation: ClaimedOperation, verdict: OperationVerdict, learned: Learned, now: Date): Plan {
  const { unsent, ...rest } = verdict;
  const notAsked = learned.answer.kind === "unknown" && learned.answer.cause === "not_asked";
  // The claim has counted this turn already.
  const tries = verdict.state !== operation.state ? 0 : notAsked ? Math.max(0, operation.tries - 1) : operation.tries;
  const inMs = notAsked ? askAgainMs(core.random) : dueInMs(core, operation, rest, tries, learned);
  return {
    ...rest,
    firstSentAt: unsent ? null : undefined,
    nextActionAt: inMs === null ? null : new Date(now.getTime() + inMs),
    tries,
    letter: letterOf(operation, rest.state, learned, now),
  };
}

function dueInMs(core: Core, operation: ClaimedOperation, verdict: OperationVerdict, tries: number, { answer }: Learned): number | null {
  switch (verdict.state) {
    case "processing":
    case "in_doubt":
      return nextOperationMs("in_doubt", tries, core.random);
    case "pending":
    case "deferred":
      return nextOperationMs(verdict.state, tries, core.random);
    case "succeeded":
      // Told of by a webhook, and not seen: it may have failed.
      return answer.kind === "unknown" || answer.kind === "pending" ? nextOperationMs("in_doubt", tries, core.random) : null;
    case "failed":
      // A no after a doubt: a send without an answer may still be on its way.
      return operation.kind === "refund" && operation.ambiguous && operation.captured ? nextLookMs(tries, false) : null;
  }
}

function letterOf(operation: ClaimedOperation, state: OperationState, { answer }: Learned, now: Date): string | null {
  const ageMs = now.getTime() - operation.createdAt.getTime();
  switch (state) {
    case "succeeded":
      return null;
    case "failed":
      return operation.kind === "compensate" && operation.state !== "failed"
        ? `the money could not be sent back: ${inWords(answer)}`
        : null;
    case "pending":
      return ageMs >= PENDING_DEAD_LETTER_MS ? `still pending at the provider after ${Math.floor(ageMs / 86_400_000)} days` : null;
    case "processing":
    case "in_doubt":
    case "deferred":
      if (ageMs < DOUBT_DEAD_LETTER_MS) return null;
      return `${state} for more than a day: compare with the provider's records. The last answer: ${inWords(answer)}`;
  }
}

/** The new key is committed first, and sent by the next claim. */
function rekeyed(key: string, now: Date): Plan {
  return { state: "in_doubt", ambiguous: true, reference: null, key, firstSentAt: null, nextActionAt: now, tries: 0, letter: null };
}

type Taken = NonNullable<OperationWrite["taken"]>;

/** A hold that should be released was captured first (a send that was given up, or a person at the provider's desk). */
function takenMeanwhile(operation: ClaimedOperation, { answer }: Learned): Taken | null {
  const took = !operation.captured && isOpen(operation) && answer.kind === "approved" && answer.captured && answer.amount > 0n;
  return took ? { reference: answer.reference, amount: answer.amount.toString() } : null;
}

/** Void, else refund (law 8): the same operation, whose key was never sent. */
function refundInstead(taken: Taken, now: Date): Plan {
  return { state: "deferred", reference: null, failure: null, taken, firstSentAt: null, nextActionAt: now, tries: 0, letter: null };
}

function written(core: Core, operation: ClaimedOperation, learned: Learned, plan: Plan, now: Date, actor: string): OperationWrite {
  const { state, letter } = plan;
  const over = state === "succeeded" || state === "failed";
  const kind = operation.kind === "refund" ? "refund" : "compensation";
  const events: TrailEvent[] = [];
  const reference = plan.reference === undefined ? operation.providerReference : plan.reference;
  const failure = plan.failure === undefined ? operation.failure : plan.failure;
  if (state !== operation.state) {
    const why = state === "failed" && failure ? { failure: failure.code } : {};
    if (kind === "refund")
      events.push(told(operation, now, actor, `refund.${state}`, { refund: operation.id, from: operation.state, reference, ...why }));
    else if (state === "succeeded")
      events.push(told(operation, now, actor, "compensation.done", { reference, state: learned.answer.kind }));
  }
  if (plan.taken) events.push(told(operation, now, actor, "compensation.refunds", plan.taken));
  if (letter !== null) {
    core.log.error({ charge: operation.chargeId, operation: operation.id, reason: letter }, `a ${kind} needs a person`);
    events.push(told(operation, now, actor, "dead_letter.opened", { kind, reason: letter, operation: operation.id }));
  }
  return {
    state,
    provider_key: plan.key ?? operation.providerKey,
    first_sent_at: (plan.firstSentAt === undefined ? operation.firstSentAt : plan.firstSentAt)?.toISOString() ?? null,
    // A turn before this one may have sent it, and said nothing: a crash.
    ambiguous: operation.ambiguous || plan.ambiguous === true || (operation.sentBefore && isOpen(operation) && !plan.taken),
    ...(plan.taken ? { taken: plan.taken } : {}),
    provider_reference: reference,
    failure,
    detail: inWords(learned.answer),
    tries: plan.tries,
    next_action_at: plan.nextActionAt?.toISOString() ?? null,
    now: now.toISOString(),
    dead_letter: letter === null ? null : { id: core.newId("dl"), kind, reason: letter },
    settled_by: over && letter === null && state !== operation.state ? actor : null,
    events,
  };
}

export function told(operation: Operation, now: Date, actor: string, type: string, data: TrailEvent["data"]): TrailEvent {
  return {
    at: now.toISOString(),
    account_id: operation.accountId,
    type,
    actor,
    charge_id: operation.chargeId,
    attempt_id: operation.attemptId,
    provider: operation.provider,
    amount: operation.amount.toString(),
    currency: operation.currency,
    from_status: null,
    to_status: null,
    outcome: null,
    latency_ms: null,
    data,
  };
}

/** A database that cannot be reached is tried again while the lease lasts; after a lost connection the next claimant finds out. */
export async function commit(core: Core, operation: Operation, write: OperationWrite, lease: Lease): Promise<Operation> {
  for (;;) {
    try {
      if (!(await writeOperation(core.db, operation, write))) throw new LeaseLost(`${operation.id} was taken over`);
      return {
        ...operation,
        state: write.state,
        leaseUntil: null,
        ambiguous: write.ambiguous,
        providerReference: write.provider_reference,
        failure: write.failure,
        updatedAt: write.state === operation.state ? operation.updatedAt : new Date(write.now),
      };
    } catch (error) {
      if (error instanceof DatabaseAmbiguous) await releaseOperation(core.db, operation, new Date(core.clock.now())).catch(() => {});
      if (!(error instanceof DatabaseUnavailable) || !lease.held()) throw error;
      await core.clock.sleep(WRITE_AGAIN_MS);
    }
  }
}
