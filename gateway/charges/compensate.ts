import { Call } from "../../providers/contract/call.ts";
import type { Finding } from "../../providers/contract/outcome.ts";
import { isFault, type Outcome } from "../../providers/contract/outcome.ts";
import { stepKey } from "../../providers/contract/provider.ts";
import { type Operation, writeOperation } from "../store/operations.ts";
import { providerOf } from "./attempt.ts";
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
  const write = { operation, now, reference: null, deadLetterId: null, event: null };
  if (answer.kind === "approved" || answer.kind === "pending" || answer.kind === "fenced") {
    const reference = answer.kind === "fenced" ? answer.object : answer.reference;
    const event = told(operation, now, "compensation.done", { reference, state: answer.kind });
    await writeOperation(core.db, { ...write, state: "done", nextActionAt: null, reference, detail: answer.kind, event });
    return;
  }
  const detail = "detail" in answer ? answer.detail : "reason" in answer ? answer.reason : answer.kind;
  const hopeless = answer.kind === "declined" || tooOld(core, operation) || operation.tries >= MAX_COMPENSATION_TRIES;
  if (hopeless) {
    core.log.error({ charge: operation.chargeId, attempt: operation.attemptId }, "a compensation needs a person");
    const event = told(operation, now, "dead_letter.opened", { kind: "compensation", reason: detail });
    await writeOperation(core.db, { ...write, state: "dead", nextActionAt: null, detail, deadLetterId: core.newId("dl"), event });
    return;
  }
  const nextActionAt = new Date(now.getTime() + nextCompensationMs(operation.tries));
  await writeOperation(core.db, { ...write, state: "pending", nextActionAt, detail });
}

async function sendBack(core: Core, operation: Operation, lease: Lease): Promise<Outcome | Finding> {
  if (core.accountOf(operation.provider) !== operation.providerAccount) {
    return { kind: "unknown", cause: "unexpected", detail: "the credentials now belong to another account, or it is not verified yet" };
  }
  const provider = providerOf(core, operation);
  const call = new Call({
    clock: core.clock,
    timeoutMs: core.settings.providerTimeoutMs,
    maySend: () => core.maySend() && lease.held() && !tooOld(core, operation),
  });
  const request = {
    chargeId: operation.chargeId,
    attemptId: operation.attemptId,
    key: stepKey(operation.attemptId, "compensate"),
    reference: operation.reference,
    object: operation.object ?? operation.reference,
    money: { amount: operation.amount, currency: operation.currency },
  };
  const send = (): Promise<Outcome | Finding> =>
    operation.captured ? provider.refund(request, call, { replay: operation.tries > 1 }) : provider.cancel(request.object, call);
  const answer = await core.fleet.circuit(operation.provider).inquire("operation", send, isFault);
  return answer.admitted ? answer.result : { kind: "unknown", cause: "unexpected", detail: answer.reason };
}

function tooOld(core: Core, operation: Operation): boolean {
  return core.clock.now() - operation.firstSentAt.getTime() >= providerOf(core, operation).capabilities.operationKeyAgeMs;
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
