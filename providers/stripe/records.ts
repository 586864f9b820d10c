import type { Call } from "../contract/call.ts";
import type { PaymentRecord, ProviderRecord, Records, RecordsQuery } from "../contract/records.ts";
import { type Ask, outcomeOf, unknown } from "./answer.ts";
import { foreignMoney, record, wordOf } from "./judge.ts";
import { isRelease } from "./release.ts";

const PAGE_SIZE = 100;

type Body = Record<string, unknown>;

/** One page of Stripe's list, newest first. The cursor is the last id of the page before. */
export async function records(ask: Ask, query: RecordsQuery, call: Call): Promise<Records> {
  const { what, cursor } = query;
  // Stripe counts whole seconds.
  const created = { gte: Math.ceil(query.fromMs / 1000), lt: Math.ceil(query.toMs / 1000) };
  const params = { created, limit: PAGE_SIZE, ...(cursor === null ? {} : { starting_after: cursor }) };
  const answer = await ask((stripe) =>
    what === "payments" ? stripe.paymentIntents.list(params) : stripe.refunds.list({ ...params, expand: ["data.charge"] }),
  );
  if (answer.kind !== "ok") {
    const outcome = outcomeOf(answer, call, true);
    return outcome.kind === "unknown" ? outcome : unknown("unexpected", answer.detail);
  }
  const { data, has_more: more } = answer.body;
  if (answer.body.object !== "list" || !Array.isArray(data) || typeof more !== "boolean") return unreadable();
  const rows = data.map(record);
  const read = rows.map(what === "payments" ? paymentOf : refundOf);
  if (read.includes(null)) return unreadable();
  const next = more ? wordOf(rows.at(-1)?.id) : null;
  if (more && next === null) return unreadable();
  return { kind: "page", records: read.filter((row): row is ProviderRecord => row !== null && row !== "release"), next };
}

/** A page that is understood in part would be believed to be complete. */
function unreadable(): Records {
  return unknown("unreadable", "Stripe's list is not one that we can read");
}

const STATES: ReadonlyMap<unknown, { state: PaymentRecord["state"]; amount: string }> = new Map([
  ["succeeded", { state: "captured", amount: "amount_received" }],
  ["requires_capture", { state: "held", amount: "amount_capturable" }],
  ["processing", { state: "pending", amount: "amount" }],
]);

function paymentOf(row: Body): PaymentRecord | null {
  const id = wordOf(row.id);
  const { state, amount } = STATES.get(row.status) ?? { state: "none" as const, amount: "amount" };
  const money = foreignMoney(row[amount], row.currency);
  if (id === null || row.object !== "payment_intent" || money === null || typeof row.created !== "number") return null;
  const { attempt_id: attemptId, charge_id: chargeId } = record(row.metadata);
  return {
    kind: "payment",
    object: id,
    reference: id,
    attemptId: wordOf(attemptId),
    chargeId: wordOf(chargeId),
    state,
    amount: state === "none" ? 0n : money.amount,
    currency: money.currency,
    createdAtMs: row.created * 1000,
  };
}

function refundOf(row: Body): ProviderRecord | "release" | null {
  const id = wordOf(row.id);
  const money = foreignMoney(row.amount, row.currency);
  if (id === null || row.object !== "refund" || money === null || typeof row.created !== "number") return null;
  if (isRelease(row, row.charge)) return "release";
  const state = row.status === "succeeded" ? "succeeded" : row.status === "failed" || row.status === "canceled" ? "failed" : "pending";
  return {
    kind: "refund",
    reference: id,
    payment: wordOf(row.payment_intent),
    key: wordOf(record(row.metadata).operation_key),
    state,
    ...money,
    createdAtMs: row.created * 1000,
  };
}
