import type { DisputeStatus, EventSubject, InstrumentSubject } from "../contract/webhook.ts";
import { foreignMoney, record, wordOf } from "./judge.ts";

type Body = Record<string, unknown>;

/** What an event is about, by the object that it carries. Whatever we cannot read is `other`: a hint that says nothing. */
export function subjectOf(type: string, object: Body): EventSubject {
  const id = wordOf(object.id);
  if (id === null) return { kind: "other" };
  switch (object.object) {
    case "payment_intent":
      return { kind: "payment", object: id, reference: id, ...ourIds(object), money: movedBy(type, object) };
    case "charge":
      return ofCharge(id, type, object);
    case "refund":
      return {
        kind: "refund",
        refund: id,
        payment: idOf(object.payment_intent),
        key: wordOf(record(object.metadata).operation_key),
        money: object.status === "failed" || object.status === "canceled" ? null : foreignMoney(object.amount, object.currency),
      };
    case "dispute":
      return ofDispute(id, object);
    case "payment_method":
      return ofInstrument(id, type, object);
    default:
      return { kind: "other" };
  }
}

/** Only these two say that money moved or is held. */
function movedBy(type: string, intent: Body): ReturnType<typeof foreignMoney> {
  if (type === "payment_intent.succeeded") return foreignMoney(intent.amount_received, intent.currency);
  if (type === "payment_intent.amount_capturable_updated") return foreignMoney(intent.amount_capturable, intent.currency);
  return null;
}

/** A charge copies its PaymentIntent's metadata. Its money is told by the PaymentIntent's own event, where there is one. */
function ofCharge(id: string, type: string, charge: Body): EventSubject {
  const intent = idOf(charge.payment_intent);
  const moved = type === "charge.succeeded" || type === "charge.captured";
  const amount = charge.captured === true ? charge.amount_captured : charge.amount;
  const money = intent === null && moved ? foreignMoney(amount, charge.currency) : null;
  return { kind: "payment", object: intent, reference: intent ?? id, ...ourIds(charge), money };
}

const DISPUTE_STATUS: ReadonlyMap<unknown, DisputeStatus> = new Map([
  ["warning_needs_response", "warning"],
  ["warning_under_review", "warning"],
  ["warning_closed", "closed"],
  ["needs_response", "open"],
  ["under_review", "open"],
  ["appeal_needs_response", "open"],
  ["appeal_under_review", "open"],
  ["won", "won"],
  ["lost", "lost"],
  ["prevented", "closed"],
]);

function ofDispute(id: string, dispute: Body): EventSubject {
  const intent = idOf(dispute.payment_intent);
  const { due_by: dueBy } = record(dispute.evidence_details);
  return {
    kind: "dispute",
    dispute: id,
    payment: intent,
    object: intent,
    attemptId: null,
    chargeId: null,
    // A status that we do not know may still cost money.
    status: DISPUTE_STATUS.get(dispute.status) ?? "open",
    reason: wordOf(dispute.reason),
    networkCode: networkCode(record(record(dispute.payment_method_details).card).network_reason_code),
    money: foreignMoney(dispute.amount, dispute.currency),
    evidenceDueByMs: typeof dueBy === "number" && dueBy > 0 ? dueBy * 1000 : null,
  };
}

const INSTRUMENT_CHANGES: ReadonlyMap<string, InstrumentSubject["change"]> = new Map([
  ["payment_method.detached", "gone"],
  ["payment_method.updated", "updated"],
  ["payment_method.automatically_updated", "updated"],
  ["payment_method.card_automatically_updated", "updated"],
]);

function ofInstrument(reference: string, type: string, method: Body): EventSubject {
  const change = INSTRUMENT_CHANGES.get(type);
  if (change === undefined) return { kind: "other" };
  const { brand, exp_month: month, exp_year: year } = record(method.card);
  const expires = typeof month === "number" && typeof year === "number" ? { month, year } : null;
  return { kind: "instrument", reference, change, brand: wordOf(brand), expires };
}

function ourIds(object: Body): { attemptId: string | null; chargeId: string | null } {
  const { attempt_id: attemptId, charge_id: chargeId } = record(object.metadata);
  return { attemptId: wordOf(attemptId), chargeId: wordOf(chargeId) };
}

/** An id, also where the object itself is expanded in its place. */
function idOf(value: unknown): string | null {
  return wordOf(value) ?? wordOf(record(value).id);
}

/** `10.4`, `4853`, `C31`. */
function networkCode(value: unknown): string | null {
  return typeof value === "string" && /^[\w.-]{1,20}$/.test(value) ? value : null;
}
