import type { AttemptRequest } from "../contract/provider.ts";
import type { Ask } from "./answer.ts";
import { mismatch, record } from "./judge.ts";
import type { StripeToken } from "./token.ts";

/** How much earlier or later than our intent Stripe's clock may say that it was created. */
const CLOCK_SLACK_S = 300;
/** A prepare may be replayed as long as its key lives, so the object may be that much younger than the intent. */
const CUSTOMER_WINDOW_S = 24 * 3600;
/** Without a customer the list holds everybody's payments: only the minutes around the intent are searched. */
const OPEN_WINDOW_S = 600;
const PAGE_SIZE = 100;
const MAX_PAGES = 20;

/** The id of the attempt's PaymentIntent, from Stripe's list (its search lags by up to an hour). null proves nothing. */
export async function findByAttempt(ask: Ask, request: AttemptRequest): Promise<string | null> {
  const { customer } = request.token as StripeToken;
  const createdS = Math.floor(request.createdAtMs / 1000);
  const window = { gte: createdS - CLOCK_SLACK_S, lte: createdS + (customer ? CUSTOMER_WINDOW_S : OPEN_WINDOW_S) };
  const base = { limit: PAGE_SIZE, created: window, ...(customer ? { customer } : {}) };
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const params = after ? { ...base, starting_after: after } : base;
    const answer = await ask((stripe) => stripe.paymentIntents.list(params));
    if (answer.kind !== "ok") return null;
    const rows = Array.isArray(answer.body.data) ? answer.body.data.map(record) : [];
    const ours = rows.find((row) => record(row.metadata).attempt_id === request.attemptId);
    // There is one per attempt: its create key is never replayed after it may have been pruned.
    if (ours) return mismatch(ours, { money: request.money }) === null ? (ours.id as string) : null;
    const last = rows.at(-1)?.id;
    if (answer.body.has_more !== true || typeof last !== "string") return null;
    after = last;
  }
  return null;
}
