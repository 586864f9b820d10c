import type { Money } from "../../providers/contract/money.ts";
import type { ChargeId } from "../ids.ts";
import type { Charge, Failover, PaymentMethod } from "./charge.ts";
import type { Operation } from "./operation.ts";

/**
 * What the HTTP layer asks of the money core. Refusals are thrown as `Problem`; the rest is the charge as it is.
 * Input is validated by the caller of this interface (shapes, limits, card numbers, provider tokens).
 */
export interface ChargeService {
  /** Accepts and drives a charge until it is final for the caller, or its budget is spent. */
  create(input: CreateCharge): Promise<ChargeAnswer>;
  /** Captures an authorized charge, whole or in part, once. */
  capture(input: CaptureCharge): Promise<ChargeAnswer>;
  /** Withdraws a deferred charge; voids an authorized one. */
  cancel(input: ChargeCommand): Promise<ChargeAnswer>;
  /** Settles a doubt by hand. */
  resolve(input: ResolveCharge): Promise<ChargeAnswer>;
  /** Gives captured money back, or part of it, until it is decided or the budget is spent. */
  refund(input: CreateRefund): Promise<RefundAnswer>;
  /** Puts a dead letter back to work. */
  replayDeadLetter(input: { readonly accountId: string; readonly id: string; readonly actor: string }): Promise<void>;
}

/** Nothing was accepted: the stored payment method has changed since it was read. Read it again. */
export class StoredMethodChanged extends Error {
  override readonly name = "StoredMethodChanged";
}

export interface ChargeAnswer {
  readonly charge: Charge;
  /** The same key asked before: `Idempotent-Replayed: true`. */
  readonly replayed: boolean;
}

export interface CreateCharge {
  readonly accountId: string;
  readonly actor: string;
  readonly idempotencyKey: string;
  /** sha-256 over method, path and the canonical body before defaults. */
  readonly fingerprint: Buffer;
  readonly money: Money;
  readonly reference: string | null;
  readonly allowDuplicateReference: boolean;
  readonly capture: Charge["capture"];
  readonly failover: Failover;
  /** The stored one that `paymentMethod` was read from. */
  readonly paymentMethodId: string | null;
  /** The stored one's version that it was read from: another one by now throws `StoredMethodChanged`. */
  readonly paymentMethodVersion?: number;
  readonly paymentMethod: PaymentMethod;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** false: never keep it; the date: until when a deferred charge may wait. */
  readonly defer: false | { readonly untilMs: number };
}

export interface ChargeCommand {
  readonly accountId: string;
  readonly actor: string;
  readonly chargeId: ChargeId;
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
}

export interface CaptureCharge extends ChargeCommand {
  /** Minor units; null: all that is authorized. */
  readonly amount: bigint | null;
}

export interface ResolveCharge {
  readonly accountId: string;
  readonly actor: string;
  readonly chargeId: ChargeId;
  readonly outcome: "charged" | "not_charged";
  readonly providerReference: string | null;
  readonly reason: string;
}

export interface CreateRefund {
  readonly accountId: string;
  readonly actor: string;
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
  readonly chargeId: ChargeId;
  /** Minor units; null: what is left. */
  readonly amount: bigint | null;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface RefundAnswer {
  readonly refund: Operation;
  readonly replayed: boolean;
}
