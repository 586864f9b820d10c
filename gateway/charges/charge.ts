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
  readonly currency: Currency;
  readonly reference: string | null;
  readonly idempotencyKey: string;
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
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly attempts: readonly Attempt[];
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
}
