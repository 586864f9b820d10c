import type { TransactionInformation } from "@paypal/paypal-server-sdk";
import type { Call } from "../contract/call.ts";
import { type Currency, isCurrency } from "../contract/money.ts";
import { never, type Unknown } from "../contract/outcome.ts";
import type { PaymentRecord, ProviderRecord, Records, RecordsQuery, RefundRecord } from "../contract/records.ts";
import { fromPayPalAmount, PAYPAL_CURRENCIES } from "./amounts.ts";
import { type Answer, isRecord } from "./answer.ts";
import { unknown, unknownOf } from "./classify.ts";
import { firstPlace, half, type Place, readPlace, writePlace } from "./records-place.ts";
import { wordOf } from "./resource.ts";
import { timeOf } from "./time.ts";
import type { Wire } from "./wire.ts";

const PAGE_SIZE = 500;
/** The report does not say what became of a hold: each costs a look. */
const HOLDS_PAGE_SIZE = 20;
/** More than 10,000 transactions in one window; PayPal wants a shorter one. */
const TOO_LARGE = "RESULTSET_TOO_LARGE";

/** PayPal's transaction search. A transaction may take three hours to appear in it: what is missing before then proves nothing. */
export async function records(wire: Wire, query: RecordsQuery, call: Call): Promise<Records> {
  const place = query.cursor === null ? firstPlace(query) : readPlace(query.cursor, query);
  if (place === null)
    return query.cursor === null ? { kind: "page", records: [], next: null } : unknown("unexpected", "not a cursor of ours");
  const answer = await wire.read(call, ({ reports }) => reports.searchTransactions(searchOf(place)));
  if (answer.kind !== "ok") return smaller(answer, place);
  const { transactionDetails = [], totalPages = 0 } = answer.result;
  const found: ProviderRecord[] = [];
  for (const { transactionInfo } of transactionDetails) {
    const record = transactionInfo && (await recordOf(wire, transactionInfo, place, call));
    if (record?.kind === "unknown") return record;
    // A search is by whole seconds.
    if (record && record.createdAtMs >= place.fromMs && record.createdAtMs < place.toMs) found.push(record);
  }
  return { kind: "page", records: once(found), next: writePlace(place, place.page < totalPages) };
}

function searchOf(place: Place) {
  const { what, fromMs, toMs, page } = place;
  return {
    startDate: seconds(Math.floor(fromMs / 1000)),
    endDate: seconds(Math.ceil(toMs / 1000)),
    ...(what === "refunds" ? { transactionType: REFUND } : what === "holds" ? { transactionType: HOLD } : {}),
    fields: "transaction_info",
    // What is pending or held has not moved a balance.
    balanceAffectingRecordsOnly: "N",
    pageSize: what === "holds" ? HOLDS_PAGE_SIZE : PAGE_SIZE,
    page,
  };
}

/** PayPal refuses a window with too many transactions: half of it is asked for next. */
function smaller(answer: Exclude<Answer<never>, { kind: "ok" }>, place: Place): Records {
  if (answer.kind !== "refused" || ![answer.name, ...answer.issues].includes(TOO_LARGE)) return unknownOf(answer);
  const next = half(place);
  return next === null ? unknownOf(answer) : { kind: "page", records: [], next };
}

/** Payments (T00nn), a hold, a refund that the merchant made. Fees, reversals and transfers are nobody's charge. */
const PAYMENT = /^T00\d\d$/;
const HOLD = "T1300";
const REFUND = "T1107";

async function recordOf(wire: Wire, info: TransactionInformation, place: Place, call: Call): Promise<ProviderRecord | Unknown | null> {
  const code = info.transactionEventCode ?? "";
  switch (place.what) {
    case "payments":
      return PAYMENT.test(code) ? paymentOf(info) : null;
    case "holds":
      return code === HOLD ? holdOf(wire, info, call) : null;
    case "refunds":
      return code === REFUND ? refundOf(info) : null;
    default:
      return never(place.what);
  }
}

/** S, P, D, V: success, pending, denied, reversed (captured, and then given back in full). */
const PAYMENT_STATES: ReadonlyMap<string, PaymentRecord["state"]> = new Map([
  ["S", "captured"],
  ["P", "pending"],
  ["D", "none"],
  ["V", "captured"],
]);
const REFUND_STATES: ReadonlyMap<string, RefundRecord["state"]> = new Map([
  ["S", "succeeded"],
  ["P", "pending"],
  ["D", "failed"],
  ["V", "failed"],
]);

function paymentOf(info: TransactionInformation): PaymentRecord | Unknown | null {
  const common = commonOf(info);
  if (common === null) return foreign(info) ? null : unreadable();
  // Money that we sent is a payment as well, and not a charge of ours.
  if (common.negative) return null;
  const state = PAYMENT_STATES.get(info.transactionStatus ?? "");
  if (!state) return unreadable();
  const { reference, amount, currency, createdAtMs } = common;
  const object = String(info.paypalReferenceIdType) === "ODR" ? wordOf(info.paypalReferenceId) : null;
  return { kind: "payment", object, reference, ...ourIds(info), state, amount, currency, createdAtMs };
}

/** One that was captured is in the list as its captures. */
async function holdOf(wire: Wire, info: TransactionInformation, call: Call): Promise<PaymentRecord | Unknown | null> {
  const common = commonOf(info);
  if (common === null) return foreign(info) ? null : unreadable();
  const { reference, amount, currency, createdAtMs } = common;
  const answer = await wire.read(call, ({ payments }) => payments.getAuthorizedPayment({ authorizationId: reference }));
  if (answer.kind !== "ok") return unknownOf(answer);
  const { id, status, supplementaryData } = answer.result;
  if (id !== reference) return unknown("unexpected", "PayPal answered with another authorization");
  if (status === "CAPTURED" || status === "PARTIALLY_CAPTURED") return null;
  const state = status === "CREATED" ? "held" : status === "PENDING" ? "pending" : "none";
  const object = wordOf(relatedOrder(supplementaryData));
  return { kind: "payment", object, reference, ...ourIds(info), state, amount, currency, createdAtMs };
}

function relatedOrder(data: unknown): unknown {
  const related = isRecord(data) ? data.relatedIds : null;
  return isRecord(related) ? related.orderId : null;
}

function refundOf(info: TransactionInformation): RefundRecord | Unknown | null {
  const common = commonOf(info);
  if (common === null && foreign(info)) return null;
  const state = REFUND_STATES.get(info.transactionStatus ?? "");
  if (!common || !state) return unreadable();
  const { reference, amount, currency, createdAtMs } = common;
  const payment = String(info.paypalReferenceIdType) === "TXN" ? wordOf(info.paypalReferenceId) : null;
  return { kind: "refund", reference, payment, key: wordOf(info.customField), state, amount, currency, createdAtMs };
}

function commonOf(info: TransactionInformation) {
  const reference = wordOf(info.transactionId);
  const createdAtMs = timeOf(info.transactionInitiationDate);
  const { currencyCode = "", value = "" } = info.transactionAmount ?? {};
  const currency = currencyCode.toLowerCase();
  const amount = isCurrency(currency) ? fromPayPalAmount({ currencyCode, value: value.replace(/^-/, "") }, currency as Currency) : null;
  if (reference === null || createdAtMs === null || amount === null) return null;
  return { reference, createdAtMs, amount, currency, negative: value.startsWith("-") };
}

/** In a currency that no charge can be in. */
function foreign({ transactionAmount }: TransactionInformation): boolean {
  const code = transactionAmount?.currencyCode?.toLowerCase();
  return code !== undefined && !PAYPAL_CURRENCIES.has(code);
}

function ourIds(info: TransactionInformation) {
  return { attemptId: wordOf(info.customField), chargeId: wordOf(info.invoiceId) };
}

/** A record that is left out would pass for one that PayPal does not have. */
function unreadable(): Unknown {
  return unknown("unreadable", "a transaction that cannot be read");
}

/** PayPal lists a transaction twice when it moved a balance after it was made; the later line knows more. */
function once(found: readonly ProviderRecord[]): ProviderRecord[] {
  return [...new Map(found.map((record) => [record.reference, record])).values()];
}

function seconds(since1970: number): string {
  return `${new Date(since1970 * 1000).toISOString().slice(0, 19)}Z`;
}
