import type { Answer } from "../processor.ts";
import { showDispute } from "./dispute.ts";
import { invalid, missing } from "./error.ts";
import { expands, type Form, mapOf, textOf } from "./form.ts";
import type { Intent } from "./intent.ts";
import type { StripeStore } from "./store.ts";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** GET /v1/payment_intents: newest first, by customer and creation time. */
export function listIntents(store: StripeStore, account: string, form: Form): Answer {
  const customer = textOf(form, "customer");
  const inRange = createdRange(form);
  const found: Intent[] = [];
  for (const intent of store.intents.values()) {
    if (intent.account !== account || !inRange(intent)) continue;
    if (customer === null || intent.customer === customer) found.push(intent);
  }
  found.sort((a, b) => b.seq - a.seq || (a.id < b.id ? 1 : -1));
  const expand = expands(form, "data.latest_charge");
  return page(form, "/v1/payment_intents", found, (intent) => store.show(store.intent(intent.id, account) ?? intent, expand));
}

/** GET /v1/refunds: newest first, by PaymentIntent and creation time. */
export function listRefunds(store: StripeStore, account: string, form: Form): Answer {
  const found = rowsOf(store.refunds.values(), account, form);
  const expand = expands(form, "data.charge");
  return page(form, "/v1/refunds", found, (refund) => store.showRefund(store.refund(refund.id, account) ?? refund, expand));
}

/** GET /v1/disputes: the same. */
export function listDisputes(store: StripeStore, account: string, form: Form): Answer {
  return page(form, "/v1/disputes", rowsOf(store.disputes.values(), account, form), showDispute);
}

function rowsOf<Row extends { account: string; intent: string; created: number }>(rows: Iterable<Row>, account: string, form: Form): Row[] {
  const intent = textOf(form, "payment_intent");
  const inRange = createdRange(form);
  return [...rows].filter((row) => row.account === account && inRange(row) && (intent === null || row.intent === intent)).reverse();
}

/** `created[gte]` and its like, in seconds. */
function createdRange(form: Form): (row: { readonly created: number }) => boolean {
  const { gte = 0, gt = -1, lte = Infinity, lt = Infinity } = mapOf(form, "created");
  return ({ created }) => created >= Number(gte) && created > Number(gt) && created <= Number(lte) && created < Number(lt);
}

function page<Row extends { readonly id: string }>(form: Form, url: string, rows: Row[], show: (row: Row) => unknown): Answer {
  const limit = Number(textOf(form, "limit") ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) return invalid("Invalid limit: 1 to 100", { param: "limit" });
  const after = textOf(form, "starting_after");
  const start = after === null ? 0 : rows.findIndex((row) => row.id === after) + 1;
  if (after !== null && start === 0) return missing("object", after, "starting_after", 400);
  const data = rows.slice(start, start + limit).map(show);
  return { status: 200, body: JSON.stringify({ object: "list", url, has_more: start + limit < rows.length, data }), executed: true };
}
