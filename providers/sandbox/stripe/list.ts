import type { Answer } from "../processor.ts";
import { invalid, missing } from "./error.ts";
import { expands, type Form, mapOf, textOf } from "./form.ts";
import { type Intent, showRefund } from "./intent.ts";
import type { StripeStore } from "./store.ts";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** GET /v1/payment_intents: newest first, by customer and creation time. */
export function listIntents(store: StripeStore, account: string, form: Form): Answer {
  const customer = textOf(form, "customer");
  const created = mapOf(form, "created");
  const from = Math.max(Number(created.gte ?? 0), Number(created.gt ?? -1) + 1);
  const to = Math.min(Number(created.lte ?? Infinity), Number(created.lt ?? Infinity) - 1);
  const found: Intent[] = [];
  for (const intent of store.intents.values()) {
    if (intent.account !== account || intent.created < from || intent.created > to) continue;
    if (customer === null || intent.customer === customer) found.push(intent);
  }
  found.sort((a, b) => b.seq - a.seq || (a.id < b.id ? 1 : -1));
  const expand = expands(form, "data.latest_charge");
  return page(form, "/v1/payment_intents", found, (intent) => store.show(store.intent(intent.id, account) ?? intent, expand));
}

/** GET /v1/refunds, by PaymentIntent. */
export function listRefunds(store: StripeStore, account: string, form: Form): Answer {
  const intent = textOf(form, "payment_intent");
  const found = [...store.refunds.values()].filter((refund) => refund.account === account && (intent === null || refund.intent === intent));
  return page(form, "/v1/refunds", found.reverse(), (refund) => showRefund(store.refund(refund.id, account) ?? refund));
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
