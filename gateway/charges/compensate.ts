import { Call } from "../../providers/contract/call.ts";
import type { Finding } from "../../providers/contract/outcome.ts";
import { isFault, type Outcome } from "../../providers/contract/outcome.ts";
import { type Operation, writeOperation } from "../store/operations.ts";
import type { Core } from "./core.ts";
import { type Lease, startLease } from "./lease.ts";
import { MAX_COMPENSATION_TRIES, nextCompensationMs } from "./schedule.ts";

/**
 * One turn at a compensation (law 8): the same key each time, so that however often it is sent, the money goes back once.
 * Past the key's age nothing is sent any more: a person must look.
 */
export async function compensate(core: Core, operation: Operation, leaseUntil: Date): Promise<void> {
  const lease = startLease(core.clock, core.settings, operation, leaseUntil);
  const answer = await sendBack(core, operation, lease);
  const now = new Date(core.clock.now());
  const write = { operation, now, reference: operation.refund, deadLetterId: null, event: null };
  if (answer.kind === "pending" && answer.reference !== null) {
    // Accepted there, and not yet final: it may still fail.
    const nextActionAt = new Date(now.getTime() + nextCompensationMs(operation.tries));
    return writeOperation(core.db, { ...write, state: "pending", nextActionAt, reference: answer.reference, detail: answer.reason });
  }
  if (answer.kind === "approved" || answer.kind === "fenced") {
    const reference = answer.kind === "fenced" ? answer.object : answer.reference;
    const event = told(operation, now, "compensation.done", { reference, state: answer.kind });
    await writeOperation(core.db, { ...write, state: "succeeded", nextActionAt: null, reference, detail: answer.kind, event });
    return;
  }
  const detail = "detail" in answer ? answer.detail : "reason" in answer ? answer.reason : answer.kind;
  const unsendable = operation.refund === null && tooOld(core, operation);
  const hopeless = answer.kind === "declined" || unsendable || operation.tries >= MAX_COMPENSATION_TRIES;
  if (hopeless) {
    core.log.error({ charge: operation.chargeId, attempt: operation.attemptId }, "a compensation needs a person");
    const event = told(operation, now, "dead_letter.opened", { kind: "compensation", reason: detail });
    await writeOperation(core.db, { ...write, state: "failed", nextActionAt: null, detail, deadLetterId: core.newId("dl"), event });
    return;
  }
  const nextActionAt = new Date(now.getTime() + nextCompensationMs(operation.tries));
  await writeOperation(core.db, { ...write, state: "processing", nextActionAt, detail });
}

async function sendBack(core: Core, operation: Operation, lease: Lease): Promise<Outcome | Finding> {
  const provider = core.providers.get(operation.provider);
  if (!provider || core.accountOf(operation.provider) !== operation.providerAccount) {
    return {
      kind: "unknown",
      cause: "unexpected",
      detail: "its provider is not configured, not verified yet, or belongs to another account now",
    };
  }
  const { refund } = operation;
  const call = new Call({
    clock: core.clock,
    timeoutMs: core.settings.providerTimeoutMs,
    maySend: () => core.maySend() && lease.held() && (refund !== null || !tooOld(core, operation)),
  });
  const request = {
    chargeId: operation.chargeId,
    attemptId: operation.attemptId,
    key: operation.providerKey,
    reference: operation.reference,
    object: operation.object ?? operation.reference,
    money: { amount: operation.amount, currency: operation.currency },
  };
  const send = (): Promise<Outcome | Finding> => {
    if (!operation.captured) return provider.cancel(request.object, call);
    if (refund !== null && provider.lookupRefund) return provider.lookupRefund(request, refund, call);
    return provider.refund(request, call, { replay: operation.sentBefore });
  };
  const purpose = refund === null ? "operation" : "look";
  const answer = await core.fleet.circuit(operation.provider).inquire(purpose, send, isFault);
  return answer.admitted ? answer.result : { kind: "unknown", cause: "unexpected", detail: answer.reason };
}

function tooOld(core: Core, operation: Operation): boolean {
  const ageMs = core.clock.now() - operation.firstSentAt.getTime();
  return ageMs >= (core.providers.get(operation.provider)?.capabilities.operationKeyAgeMs ?? Number.POSITIVE_INFINITY);
}

function told(operation: Operation, now: Date, type: string, data: Readonly<Record<string, unknown>>) {
  return {
    at: now.toISOString(),
    account_id: operation.accountId,
    type,
    actor: "system:worker",
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
