import type { KeyClaims } from "../idempotency/key-claims.ts";
import type { OperationId } from "../ids.ts";
import { Problem } from "../problems.ts";
import { acceptRefund, type RefundIntent } from "../store/accept-refunds.ts";
import { DatabaseAmbiguous } from "../store/database.ts";
import { releaseOperation } from "../store/operations.ts";
import { readCharge } from "../store/read-charges.ts";
import { readRefund, readRefundByKey } from "../store/read-refunds.ts";
import { asRefusal } from "./accept.ts";
import type { Charge } from "./charge.ts";
import type { Core } from "./core.ts";
import { LeaseLost } from "./drive.ts";
import { leaseEnd, startLease } from "./lease.ts";
import type { Operation } from "./operation.ts";
import { driveOperation } from "./operation-turn.ts";
import type { CreateRefund, RefundAnswer } from "./service.ts";

/** Seconds after which a caller may ask again for a refund that is still running. */
const RETRY_AFTER_S = 1;

/**
 * POST /v1/refunds: claim the key, reserve the amount and commit the intent, send, commit the outcome. Whoever comes second with the
 * same key gets the first one's refund as it is now, or is told that it still runs.
 */
export async function createRefund(core: Core, claims: KeyClaims, input: CreateRefund): Promise<RefundAnswer> {
  const release = await claims.take(input.accountId, input.idempotencyKey);
  try {
    const known = await answerByKey(core, input);
    if (known) return known;
    if (!release) throw stillRunning(null);
    return await acceptAndDrive(core, input);
  } finally {
    release?.();
  }
}

async function acceptAndDrive(core: Core, input: CreateRefund): Promise<RefundAnswer> {
  const charge = await refundable(core, input).catch(async (refusal: unknown) => {
    // Perhaps the same key's other request, this moment, is why.
    const known = refusal instanceof Problem ? await answerByKey(core, input) : null;
    if (known) return known;
    throw refusal;
  });
  if ("replayed" in charge) return charge;
  const leaseUntil = leaseEnd(core.clock, core.settings);
  const lease = startLease(core.clock, core.settings, { leaseNo: 1 }, leaseUntil);
  const refund = await committed(core, {
    id: core.newId("re") as OperationId,
    accountId: input.accountId,
    chargeId: charge.id,
    amount: input.amount ?? charge.amountCaptured - charge.amountReserved,
    reason: input.reason,
    metadata: input.metadata,
    idempotencyKey: input.idempotencyKey,
    fingerprint: input.fingerprint,
    actor: input.actor,
    now: new Date(core.clock.now()),
    leaseUntil,
  });
  if (!refund) {
    // Somebody was quicker: with this key, or with the charge's money.
    const known = await answerByKey(core, input);
    if (known) return known;
    await refundable(core, input);
    throw new Problem("charge_not_refundable", "The charge changed at this moment. Repeat the request.", { chargeId: charge.id });
  }
  try {
    return { refund: await driveOperation(core, refund, lease, input.actor), replayed: false };
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw asRefusal(core, charge, error);
    const now = await readRefund(core.db, { accountId: input.accountId, id: refund.id });
    return { refund: now ?? refund, replayed: false };
  }
}

/** After an ambiguous commit nothing is sent: whoever claims the refund, if it is there, treats it as they find it. */
async function committed(core: Core, intent: RefundIntent): Promise<Operation | null> {
  try {
    return await acceptRefund(core.db, intent);
  } catch (error) {
    if (error instanceof DatabaseAmbiguous) {
      await releaseOperation(core.db, { id: intent.id, leaseNo: 1 }, intent.now).catch(() => {});
    }
    throw error;
  }
}

/** Why this charge cannot give back so much now, as a refusal; else the charge. The intent decides again, under the row's lock. */
async function refundable(core: Core, { accountId, chargeId, amount }: CreateRefund): Promise<Charge> {
  const charge = await readCharge(core.db, { accountId, id: chargeId });
  if (!charge) throw new Problem("not_found", "There is no charge with this id.");
  const about = { chargeId: charge.id };
  if (charge.status !== "succeeded") {
    throw new Problem("charge_not_refundable", `The charge is ${charge.status}: it holds no money that could be given back.`, about);
  }
  if (charge.disputed) throw new Problem("charge_disputed", "A dispute about this charge is open: it decides about the money.", about);
  if (charge.providerReference === null || !charge.attempts.some(({ live, outcome }) => live && outcome === "approved")) {
    throw new Problem("charge_not_refundable", "It is not known which payment at which provider could be given back.", about);
  }
  const left = charge.amountCaptured - charge.amountReserved;
  if (left === 0n || (amount !== null && amount > left)) {
    const detail = `Of ${charge.amountCaptured} captured, ${charge.amountReserved} is refunded or reserved by refunds under way: ${left} is left.`;
    throw new Problem("refund_exceeds_captured", detail, about);
  }
  return charge;
}

/** What the key did before: the same request gets its refund as it is now; null: the key is free. */
async function answerByKey(
  core: Core,
  by: Pick<CreateRefund, "accountId" | "idempotencyKey" | "fingerprint">,
): Promise<RefundAnswer | null> {
  const known = await readRefundByKey(core.db, { accountId: by.accountId, key: by.idempotencyKey });
  if (!known) return null;
  const { refund, chargeId } = known;
  if (!refund || !known.fingerprint.equals(by.fingerprint)) {
    throw new Problem("idempotency_key_reused", "The key belongs to another request: use a new key for a new refund.", { chargeId });
  }
  if (isRunning(refund, core.clock.now())) throw stillRunning(chargeId);
  return { refund, replayed: true };
}

function isRunning({ state, leaseUntil }: Operation, now: number): boolean {
  return state === "processing" && leaseUntil !== null && leaseUntil.getTime() > now;
}

function stillRunning(chargeId: string | null): Problem {
  return new Problem("idempotency_key_in_use", "Repeat the same request after a moment to get its outcome.", {
    retryAfterS: RETRY_AFTER_S,
    ...(chargeId === null ? {} : { chargeId }),
  });
}
