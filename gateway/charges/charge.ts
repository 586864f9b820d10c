import type { Currency } from "../../providers/contract/money.ts";
import type { Outcome } from "../../providers/contract/outcome.ts";
import type { AttemptId, ChargeId } from "../ids.ts";

export const CHARGE_STATUSES = [
  "processing",
  "requires_action",
  "pending",
  "in_doubt",
  "deferred",
  "authorized",
  "succeeded",
  "failed",
  "canceled",
] as const;

export type ChargeStatus = (typeof CHARGE_STATUSES)[number];

/** A row of `charges` with its attempts, oldest first. */
export interface Charge {
  readonly id: ChargeId;
  readonly accountId: string;
  readonly livemode: boolean;
  readonly status: ChargeStatus;
  /** Minor units. */
  readonly amount: bigint;
  readonly amountCaptured: bigint;
  readonly amountRefunded: bigint;
  /** Refunds that succeeded or may yet succeed. */
  readonly amountReserved: bigint;
  readonly currency: Currency;
  readonly reference: string | null;
  readonly idempotencyKey: string;
  /** `manual`: only authorized; a capture takes the money later. */
  readonly capture: (typeof CAPTURES)[number];
  readonly failover: Failover;
  /** The stored payment method that it was made with. */
  readonly paymentMethodId: string | null;
  readonly paymentMethod: PaymentMethod;
  readonly excluded: readonly string[];
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly defer: boolean;
  readonly deferUntil: Date;
  readonly leaseNo: number;
  readonly leaseUntil: Date | null;
  readonly nextActionAt: Date | null;
  readonly tries: number;
  readonly provider: string | null;
  readonly providerReference: string | null;
  readonly failure: Failure | null;
  readonly deferred: Deferred | null;
  readonly nextAction: NextAction | null;
  /** Of an authorized charge: when its hold lapses. */
  readonly authorizedUntil: Date | null;
  /** A dispute about it is open, or was lost: nothing more goes back. */
  readonly disputed: boolean;
  /** The capture or void of its hold: the one under way, or the one that succeeded. */
  readonly settlement: Settlement | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly attempts: readonly Attempt[];
}

/**
 * `proven`: another provider is tried only with proof. `authorize_first`: authorize, then capture; an authorization in doubt moves no
 * money, so the next provider is tried at once, and the orphan is voided as soon as its provider answers.
 */
export const FAILOVERS = ["proven", "authorize_first"] as const;

export type Failover = (typeof FAILOVERS)[number];

export const CAPTURES = ["automatic", "manual"] as const;

/** One act on a hold, under the charge's lease. Its provider key is its id: the same for every send. */
export interface Settlement {
  readonly id: string;
  readonly attemptId: AttemptId;
  readonly kind: "capture" | "void";
  /** `deferred`: proven not executed, to be sent later. */
  readonly state: "processing" | "pending" | "in_doubt" | "deferred" | "succeeded";
  /** Minor units to capture; of a void, what is released. */
  readonly amount: bigint;
  /** An answer to it was ambiguous once, or a crash left it without one. */
  readonly ambiguous: boolean;
  readonly tries: number;
  /** Its key's age counts from here; committed before the first send, and anew once that is proven not to be executed. */
  readonly firstSentAt: Date;
  readonly createdAt: Date;
  /** What the money is known by, once it is pending or captured. */
  readonly providerReference: string | null;
}

export interface PaymentMethod {
  /** By provider id: that provider's token, checked by its `checkToken`. */
  readonly tokens: Readonly<Record<string, unknown>>;
  readonly type: string;
  readonly brand: string | null;
  readonly country: string | null;
}

/** Why a charge failed, in the words of design and decline tables. */
export interface Failure {
  readonly code: string;
  readonly source: "issuer" | "provider" | "gateway" | "operator";
  readonly message: string;
  readonly advice: string | null;
  /** Seconds. */
  readonly retry_after: number | null;
  readonly provider_code: string | null;
  readonly network_code: string | null;
}

export interface Deferred {
  readonly reason: string;
  /** RFC 3339. */
  readonly since: string;
  readonly until: string;
}

export interface NextAction {
  readonly type: "redirect";
  readonly url: string | null;
}

export interface Attempt {
  readonly id: AttemptId;
  readonly no: number;
  readonly provider: string;
  readonly providerAccount: string;
  /** May have moved, or may yet move, money. */
  readonly live: boolean;
  /** null while it runs. */
  readonly outcome: AttemptOutcome | null;
  readonly ambiguous: boolean;
  /** The outcome's own fields (cause, reason, codes), for people and for failover decisions. */
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly object: string | null;
  readonly providerReference: string | null;
  /** The exact request as it was committed before the first send; replays send this and nothing newer. */
  readonly request: StoredRequest;
  /** When to look again at an attempt that was given up without a fence; and how often it was. */
  readonly nextLookAt: Date | null;
  readonly looks: number;
  /** Why this provider: candidates, scores, reason. */
  readonly decision: unknown;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly latencyMs: number | null;
}

/** `fenced`: it can never be paid. `settled`: a person said that it was not charged. */
export type AttemptOutcome = Outcome["kind"] | "fenced" | "settled";

/** `attempts.request`: an `AttemptRequest` without the ids that the row has already. */
export interface StoredRequest {
  /** Minor units, as a decimal string: JSON numbers are not exact everywhere. */
  readonly amount: string;
  readonly currency: string;
  readonly token: unknown;
  readonly description: string | null;
  readonly reference: string | null;
  /** Absent: `automatic`. */
  readonly capture?: "manual";
}
