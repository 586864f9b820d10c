import { obstaclesInWords } from "../../routing/decision-words.ts";
import type { KeyClaims } from "../idempotency/key-claims.ts";
import type { ChargeId } from "../ids.ts";
import { Problem } from "../problems.ts";
import type { Acceptance, Accepted } from "../store/accept-charges.ts";
import { DatabaseAmbiguous } from "../store/database.ts";
import { readChargeByKey } from "../store/read-charges.ts";
import type { Charge } from "./charge.ts";

import type { Core } from "./core.ts";
import { drive, LeaseLost, leaveToOthers } from "./drive.ts";
import { instrumentsOf } from "./instrument.ts";
import { leaseEnd, startLease } from "./lease.ts";
import { decide, newAttempt } from "./next-attempt.ts";
import { postponed } from "./postpone.ts";
import { barFailure, barredBy, declinesOf } from "./retries.ts";
import { type ChargeAnswer, type CreateCharge, StoredMethodChanged } from "./service.ts";
import { isOpen } from "./settlement.ts";
import { begun, eventBase, startedEvent } from "./transition.ts";

/** Seconds after which a caller may ask again for a charge that is still running. */
const RETRY_AFTER_S = 1;

/**
 * POST /v1/charges: claim the key, commit the intent, drive. Whoever comes second with the same key gets the first one's
 * charge, or is told that it still runs.
 */
export async function createCharge(core: Core, claims: KeyClaims, input: CreateCharge): Promise<ChargeAnswer> {
  const release = await claims.take(input.accountId, input.idempotencyKey);
  if (!release) {
    const known = await answerByKey(core, input);
    if (known) return known;
    throw stillRunning(null);
  }
  try {
    return await acceptAndDrive(core, input);
  } finally {
    release();
  }
}

async function acceptAndDrive(core: Core, input: CreateCharge): Promise<ChargeAnswer> {
  const intent = draft(core, input);
  if (intent.refusal) {
    // Nothing is kept for this one; but the key may have been accepted before.
    const known = await answerByKey(core, input);
    if (known) return known;
    throw intent.refusal;
  }
  const lease = startLease(core.clock, core.settings, { leaseNo: 1 }, intent.leaseUntil);
  let { charge, row } = intent;
  let said = await committed(core, row, lease);
  if (said === "barred") {
    ({ charge, row } = await weigh(core, input, intent));
    said = await committed(core, row, lease);
  }
  if (said !== "accepted") {
    const known = await answerByKey(core, input);
    if (known) return known;
    if (said === "stale") throw new StoredMethodChanged(`${input.paymentMethodId} was changed`);
    const detail = `Another unfinished charge has the reference ${JSON.stringify(input.reference)}; send allow_duplicate_reference to charge it again.`;
    throw new Problem("reference_in_use", detail);
  }
  if (charge.status !== "processing") return { charge, replayed: false };
  try {
    return { charge: await drive(core, charge, lease, input.actor), replayed: false };
  } catch (error) {
    throw asRefusal(core, charge, error);
  }
}

/** The intent, committed or not. An ambiguous commit sends nothing; whoever claims the charge later treats it as it finds it. */
async function committed(core: Core, row: Acceptance, lease: { no: number; held(): boolean }): Promise<Accepted> {
  try {
    return await core.accept(row);
  } catch (error) {
    if (error instanceof DatabaseAmbiguous) leaveToOthers(core, { id: row.id as ChargeId }, lease);
    throw error;
  }
}

/** The rare case: the instrument was declined before. By the rules it is charged all the same, or fails here and nothing is sent. */
async function weigh(core: Core, input: CreateCharge, intent: Drafted): Promise<Pick<Drafted, "charge" | "row">> {
  const now = new Date(core.clock.now());
  const bar = barredBy(intent.charge, await declinesOf(core, intent.charge, now), null, now);
  if (!bar) return { charge: intent.charge, row: { ...intent.row, weighed: true } };
  const failure = barFailure(bar, now);
  const charge: Charge = { ...bareCharge(core, input, now), status: "failed", failure };
  const event = {
    ...eventBase(charge, now, input.actor),
    type: "charge.failed",
    to_status: "failed" as const,
    data: { failure: failure.code },
  };
  return { charge, row: { ...acceptance(charge, input, now, { attempt: null, events: [event] }), weighed: true } };
}

interface Drafted {
  readonly refusal: null;
  readonly charge: Charge;
  readonly row: Acceptance;
  readonly leaseUntil: Date;
}

type Intent = { readonly refusal: Problem } | Drafted;

/** The charge as it will be once its intent is committed: with its first attempt, or deferred where nobody can be asked. */
function draft(core: Core, input: CreateCharge): Intent {
  const now = new Date(core.clock.now());
  const leaseUntil = leaseEnd(core.clock, core.settings);
  const bare = bareCharge(core, input, now);
  const decision = decide(core, bare, []);
  const [provider] = decision.order;

  if (provider === undefined) {
    if (decision.candidates.every((candidate) => candidate.unavailable !== "for_now")) {
      const faults = [{ pointer: "/payment_method", message: obstaclesInWords(decision) }];
      return { refusal: new Problem("validation_failed", "No provider of this payment method can take this charge.", { faults }) };
    }
    if (!bare.defer) return { refusal: new Problem("no_provider_available", obstaclesInWords(decision), { retryAfterS: 5 }) };
    const rest = postponed(core, bare, now, null, null);
    const charge: Charge = { ...bare, status: "deferred", deferred: rest.deferred ?? null, nextActionAt: rest.nextActionAt ?? now };
    const event = { ...eventBase(charge, now, input.actor), type: "charge.deferred", to_status: "deferred" as const };
    return { refusal: null, charge, leaseUntil, row: acceptance(charge, input, now, { attempt: null, events: [event] }) };
  }

  const attempt = newAttempt(core, bare, provider, decision, now);
  const charge: Charge = { ...bare, leaseUntil, nextActionAt: leaseUntil, attempts: [begun(attempt)] };
  const event = { ...startedEvent(charge, attempt, now, input.actor), to_status: "processing" as const };
  return { refusal: null, charge, leaseUntil, row: acceptance(charge, input, now, { attempt, events: [event] }) };
}

function bareCharge(core: Core, input: CreateCharge, now: Date): Charge {
  const untilMs = input.defer ? input.defer.untilMs : now.getTime();
  return {
    id: core.newId("ch"),
    accountId: input.accountId,
    livemode: core.settings.livemode,
    status: "processing",
    amount: input.money.amount,
    amountCaptured: 0n,
    amountRefunded: 0n,
    amountReserved: 0n,
    currency: input.money.currency,
    reference: input.reference,
    idempotencyKey: input.idempotencyKey,
    capture: input.capture,
    failover: input.failover,
    paymentMethodId: input.paymentMethodId,
    paymentMethod: input.paymentMethod,
    excluded: [],
    description: input.description,
    metadata: input.metadata,
    defer: input.defer !== false,
    deferUntil: new Date(untilMs),
    leaseNo: 1,
    leaseUntil: null,
    nextActionAt: null,
    tries: 0,
    provider: null,
    providerReference: null,
    failure: null,
    deferred: null,
    nextAction: null,
    authorizedUntil: null,
    disputed: false,
    settlement: null,
    createdAt: now,
    updatedAt: now,
    attempts: [],
  };
}

function acceptance(charge: Charge, input: CreateCharge, now: Date, first: Pick<Acceptance, "attempt" | "events">): Acceptance {
  return {
    id: charge.id,
    account_id: charge.accountId,
    livemode: charge.livemode,
    status: charge.status as Acceptance["status"],
    amount: charge.amount.toString(),
    currency: charge.currency,
    reference: charge.reference,
    allow_duplicate_reference: input.allowDuplicateReference,
    idempotency_key: charge.idempotencyKey,
    fingerprint: input.fingerprint.toString("hex"),
    capture: charge.capture,
    failover: charge.failover,
    payment_method_id: charge.paymentMethodId,
    ...(input.paymentMethodVersion === undefined ? {} : { payment_method_version: input.paymentMethodVersion }),
    payment_method: charge.paymentMethod,
    providers: Object.keys(charge.paymentMethod.tokens),
    description: charge.description,
    metadata: charge.metadata,
    defer: charge.defer,
    defer_until: charge.deferUntil.toISOString(),
    lease_until: charge.leaseUntil?.toISOString() ?? null,
    next_action_at: charge.status === "failed" ? null : (charge.nextActionAt ?? now).toISOString(),
    deferred: charge.deferred,
    failure: charge.failure,
    instruments: instrumentsOf(charge.paymentMethod),
    weighed: false,
    now: now.toISOString(),
    ...first,
  };
}

/** What the key did before: the same request gets its charge as it is now; null: the key is free. */
export async function answerByKey(
  core: Core,
  by: { accountId: string; idempotencyKey: string; fingerprint: Buffer },
): Promise<ChargeAnswer | null> {
  const known = await readChargeByKey(core.db, { accountId: by.accountId, key: by.idempotencyKey });
  if (!known) return null;
  const { charge } = known;
  if (known.operation === "refund" || !known.fingerprint.equals(by.fingerprint)) {
    throw new Problem("idempotency_key_reused", "The key belongs to another request: use a new key for a new charge.", {
      chargeId: charge.id,
    });
  }
  if (isRunning(charge, core.clock.now())) throw stillRunning(charge.id);
  return { charge, replayed: true };
}

/** Somebody is at it in this very moment: its outcome is not known yet. */
export function isRunning({ status, settlement, leaseUntil }: Charge, nowMs: number): boolean {
  return (status === "processing" || isOpen(settlement)) && leaseUntil !== null && leaseUntil.getTime() > nowMs;
}

function stillRunning(chargeId: string | null): Problem {
  const more = chargeId === null ? {} : { chargeId };
  return new Problem("idempotency_key_in_use", "Repeat the same request after a moment to get its outcome.", {
    retryAfterS: RETRY_AFTER_S,
    ...more,
  });
}

/** A charge is under way and its outcome could not be written, or belongs to another writer now: only the same key tells. */
export function asRefusal(core: Core, charge: Pick<Charge, "id">, error: unknown): unknown {
  if (error instanceof Problem) return error;
  core.log.error({ charge: charge.id, err: error }, "the turn ended without a recorded outcome; the charge is left to a worker");
  const detail =
    error instanceof LeaseLost
      ? "Another instance took the charge over. Repeat with the same key to get its outcome."
      : "Money may have moved. Repeat with the same key to get the outcome; nothing is charged twice.";
  return new Problem("outcome_unknown_retry_same_key", detail, { retryAfterS: 2, chargeId: charge.id, cause: error });
}
