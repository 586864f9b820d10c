import { stepKey } from "../../providers/contract/provider.ts";
import type { Core } from "./core.ts";
import { isOpen, keyAgeMs, type Learned, type Operation } from "./operation.ts";

/** Keys of one compensation: more, one a day, would be a loop that a dead letter has told of long ago. */
const MAX_KEYS = 30;

/**
 * The key under which a compensation goes on when its present one can never succeed: a stored 500 is replayed until the provider forgets
 * the key (Stripe: a day), or the refund that the key stands for has failed, and a person put it back to work. null: it has none.
 *
 * A new key is a new refund, so this is for what cannot happen twice whatever the key: money that was taken, sent back whole. The
 * provider refuses to give back more than it took, so of two whole refunds one is refused. A partial one, or a caller's refund,
 * has no such guard: it waits for a person. And only once the old key may be forgotten: before that, its replay is safer than any guard.
 */
export function nextKey(core: Core, operation: Operation, { answer }: Learned): string | null {
  if (operation.kind !== "compensate" || !operation.captured || !operation.whole) return null;
  if (!isOpen(operation) || core.accountOf(operation.provider) !== operation.providerAccount) return null;
  const life = core.providers.get(operation.provider)?.capabilities.operationKeyAgeMs ?? Number.POSITIVE_INFINITY;
  const known = operation.providerReference !== null;
  const unseen = answer.kind === "unknown" && answer.cause !== "not_asked";
  const forgotten = unseen && !known && keyAgeMs(operation, core.clock.now()) >= life;
  // Only a replayed dead letter is open again with a refund that the provider knows (reopenDeadLetter).
  const failed = answer.kind === "declined" && known;
  const keys = keysOf(operation);
  return (forgotten || failed) && keys.length < MAX_KEYS ? keyNo(operation, keys.length + 1) : null;
}

/** All keys that it may have been sent under, the present one first. */
export function keysOf(operation: Operation): readonly string[] {
  if (operation.kind !== "compensate") return [operation.providerKey];
  const [, no = "1"] = /:compensate:(\d+)$/.exec(operation.providerKey) ?? [];
  return Array.from({ length: Number(no) }, (_, i) => keyNo(operation, Number(no) - i));
}

function keyNo(operation: Operation, no: number): string {
  const first = stepKey(operation.attemptId, "compensate");
  return no === 1 ? first : `${first}:${no}`;
}
