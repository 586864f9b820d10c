import { z } from "zod";
import { type Attempt, CAPTURES, CHARGE_STATUSES, type Charge, type ChargeStatus, FAILOVERS, type Settlement } from "../charges/charge.ts";
import { isOpen as settlementIsOpen } from "../charges/settlement.ts";
import type { ChargeEvent } from "../store/read-charge-events.ts";
import { disputeSchema } from "./dispute-json.ts";
import { refundSchema } from "./refund-json.ts";

/** Statuses whose answer is still to come: 202. The others are final for the caller: 201. */
const OPEN: ReadonlySet<ChargeStatus> = new Set<ChargeStatus>(["processing", "pending", "in_doubt", "deferred"]);

export function isOpen({ status, settlement }: Pick<Charge, "status" | "settlement">): boolean {
  return OPEN.has(status) || settlementIsOpen(settlement);
}

/** A charge as the interface shows it. Tokens are not in it. */
export function chargeJson(charge: Charge): object {
  return {
    id: charge.id,
    object: "charge",
    livemode: charge.livemode,
    status: charge.status,
    // at most 12 digits: exact as numbers
    amount: Number(charge.amount),
    amount_captured: Number(charge.amountCaptured),
    amount_refunded: Number(charge.amountRefunded),
    currency: charge.currency,
    capture: charge.capture,
    failover: charge.failover,
    authorized_until: charge.status === "authorized" ? charge.authorizedUntil : null,
    settlement: settlementIsOpen(charge.settlement) ? settlementJson(charge.settlement) : null,
    disputed: charge.disputed,
    reference: charge.reference,
    payment_method: charge.paymentMethodId,
    provider: charge.provider,
    provider_reference: charge.providerReference,
    failure: charge.failure,
    deferred: charge.deferred,
    next_action: charge.nextAction,
    attempts: charge.attempts.map(attemptJson),
    metadata: charge.metadata,
    created_at: charge.createdAt,
    updated_at: charge.updatedAt,
  };
}

function settlementJson({ kind, state, amount }: Settlement): object {
  return { kind, state, amount: Number(amount) };
}

function attemptJson(attempt: Attempt): object {
  return {
    id: attempt.id,
    provider: attempt.provider,
    outcome: attempt.outcome,
    started_at: attempt.startedAt,
    finished_at: attempt.finishedAt,
    latency_ms: attempt.latencyMs,
    provider_reference: attempt.providerReference,
    reason: reasonOf(attempt),
  };
}

/** A decline's reason, or the cause of what is no answer. */
function reasonOf({ detail }: Attempt): string | null {
  const reason = detail?.reason ?? detail?.cause;
  return typeof reason === "string" ? reason : null;
}

export function eventJson(event: ChargeEvent): object {
  return {
    type: event.type,
    at: event.at,
    actor: event.actor,
    attempt: event.attempt_id,
    provider: event.provider,
    from_status: event.from_status,
    to_status: event.to_status,
    outcome: event.outcome,
    latency_ms: event.latency_ms,
    data: event.data,
  };
}

const text = z.string().nullable();
const time = z.iso.datetime();

const attemptSchema = z
  .object({
    id: z.string(),
    provider: z.string(),
    outcome: text.describe("null while it runs"),
    started_at: time,
    finished_at: time.nullable(),
    latency_ms: z.int().nullable(),
    provider_reference: text,
    reason: text,
  })
  .meta({ id: "Attempt" });

const failureSchema = z.object({
  code: z.string().describe("`retry_forbidden` and `retry_limit_reached`: refused before anything was sent"),
  source: z.enum(["issuer", "provider", "gateway", "operator"]),
  message: z.string(),
  advice: text.describe("never, same_later, other_provider, authenticate or fix_data"),
  retry_after: z.int().nullable().describe("Seconds; not before that may this payment method be tried again"),
  provider_code: text,
  network_code: text,
});

export const chargeSchema = z
  .object({
    id: z.string(),
    object: z.literal("charge"),
    livemode: z.boolean(),
    status: z.enum(CHARGE_STATUSES),
    amount: z.int(),
    amount_captured: z.int(),
    amount_refunded: z.int(),
    currency: z.string(),
    capture: z.enum(CAPTURES),
    failover: z.enum(FAILOVERS),
    authorized_until: time.nullable().describe("When the hold of an authorized charge lapses"),
    settlement: z
      .object({ kind: z.enum(["capture", "void"]), state: z.enum(["processing", "pending", "in_doubt", "deferred"]), amount: z.int() })
      .nullable()
      .describe("The capture or void that is under way"),
    disputed: z.boolean().describe("A dispute about it is open, or was lost: it is not refunded"),
    reference: text,
    payment_method: text.describe("The stored one that it was made with"),
    provider: text,
    provider_reference: text,
    failure: failureSchema.nullable(),
    deferred: z.object({ reason: z.string(), since: time, until: time }).nullable(),
    next_action: z.object({ type: z.literal("redirect"), url: text }).nullable(),
    attempts: z.array(attemptSchema),
    metadata: z.record(z.string(), z.string()),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "Charge" });

const eventSchema = z.object({
  type: z.string(),
  at: time,
  actor: z.string(),
  attempt: text,
  provider: text,
  from_status: text,
  to_status: text,
  outcome: text,
  latency_ms: z.int().nullable(),
  data: z.record(z.string(), z.unknown()),
});

export const chargeWithEventsSchema = chargeSchema
  .extend({
    refunds: z.array(refundSchema).describe("The newest 100, newest first"),
    events: z.array(eventSchema),
    disputes: z.array(disputeSchema),
  })
  .meta({ id: "ChargeWithEvents" });
