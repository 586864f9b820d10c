import type { Currency } from "../../providers/contract/money.ts";
import type { Finding, Outcome } from "../../providers/contract/outcome.ts";
import type { AttemptId, ChargeId, OperationId } from "../ids.ts";

export const OPERATION_STATES = ["processing", "pending", "in_doubt", "deferred", "succeeded", "failed"] as const;

/** `processing`: its intent is committed. `deferred`: proven not executed, to be sent later. */
export type OperationState = (typeof OPERATION_STATES)[number];

/**
 * One act on the money of an attempt, with a lease of its own: a `refund` that a caller asked for, or the `compensate` of a late
 * success that its charge could not adopt (void, else refund). A row of `operations` with what its provider has to know.
 */
export interface Operation {
  readonly id: OperationId;
  readonly kind: "refund" | "compensate";
  readonly state: OperationState;
  readonly accountId: string;
  readonly livemode: boolean;
  readonly chargeId: ChargeId;
  readonly attemptId: AttemptId;
  readonly provider: string;
  readonly providerAccount: string;
  /** The provider's idempotency key: the same for every send. */
  readonly providerKey: string;
  /** What it acts on: the attempt's object (PaymentIntent, order), and what the money is known by. */
  readonly object: string | null;
  readonly reference: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: Currency;
  /** The money was taken, not only held. */
  readonly captured: boolean;
  /** It is all that the attempt asked for. */
  readonly whole: boolean;
  /** A dispute about its charge is open: then nothing is sent. */
  readonly disputed: boolean;
  readonly leaseNo: number;
  readonly leaseUntil: Date | null;
  readonly tries: number;
  /** Of its present key; committed before the first send. null: that key was never sent, or is proven not executed. */
  readonly firstSentAt: Date | null;
  /** An answer to it was ambiguous once, or a crash left it without one (law 5). */
  readonly ambiguous: boolean;
  /** The provider's id of the refund, once known. */
  readonly providerReference: string | null;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Why it failed; of one in doubt, what a replay was refused with so far. */
  readonly failure: OperationFailure | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface OperationFailure {
  readonly code: string;
  readonly message: string;
  readonly provider_code: string | null;
  /** RFC 3339: since when every answer to it is this no. */
  readonly since: string;
}

/** An operation under a claim. */
export interface ClaimedOperation extends Operation {
  /** An earlier turn may have sent it under its present key. */
  readonly sentBefore: boolean;
}

export type Answer = Outcome | Finding;

/** What one turn learned of an operation. */
export interface Learned {
  readonly answer: Answer;
  /**
   * `first`: its key was sent for the first time, or was not sent at all. `replay`: the same key once more. `look`: the provider's
   * own record of it.
   */
  readonly by: "first" | "replay" | "look";
}

const OPEN: ReadonlySet<OperationState> = new Set(["processing", "in_doubt", "deferred"]);

/** Nobody knows yet that it was executed: it may be sent. The others are only looked at. */
export function isOpen({ state }: Pick<Operation, "state">): boolean {
  return OPEN.has(state);
}

/** Of its present key, in milliseconds. */
export function keyAgeMs({ firstSentAt }: Pick<Operation, "firstSentAt">, nowMs: number): number {
  return firstSentAt === null ? 0 : nowMs - firstSentAt.getTime();
}
