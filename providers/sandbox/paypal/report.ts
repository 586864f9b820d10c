import type { Answer } from "../processor.ts";
import { showAmount } from "./amount.ts";
import { badRequest } from "./error.ts";
import type { Authorization, Capture, Refund } from "./order.ts";
import type { PaypalStore } from "./store.ts";

const MAX_RANGE_MS = 31 * 86_400_000;
const MAX_RESULTS = 10_000;
const MAX_PAGE_SIZE = 500;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/;

interface Line {
  readonly at: number;
  readonly code: string;
  readonly movesBalance: boolean;
  readonly shown: Record<string, unknown>;
}

/** GET /v1/reporting/transactions. What happened a moment ago is in it: the sandbox's report never lags. */
export function searchTransactions(store: PaypalStore, account: string, query: URLSearchParams): Answer {
  const from = timeOf(query.get("start_date"));
  const to = timeOf(query.get("end_date"));
  if (from === null) return badRequest("INVALID_PARAMETER_SYNTAX", "start_date");
  if (to === null) return badRequest("INVALID_PARAMETER_SYNTAX", "end_date");
  if (to < from || to - from > MAX_RANGE_MS) return badRequest("INVALID_DATE_RANGE", "end_date", "The range is at most 31 days.");
  const size = countOf(query.get("page_size") ?? "100", MAX_PAGE_SIZE);
  const page = countOf(query.get("page") ?? "1", Number.MAX_SAFE_INTEGER);
  if (size === null) return badRequest("INVALID_PARAMETER_VALUE", "page_size");
  if (page === null) return badRequest("INVALID_PARAMETER_VALUE", "page");
  const code = query.get("transaction_type");
  const all = query.get("balance_affecting_records_only") === "N";
  const wanted = linesOf(store, account)
    .filter((line) => line.at >= from && line.at <= to && (all || line.movesBalance) && (code === null || line.code === code))
    .sort((a, b) => a.at - b.at);
  if (wanted.length > MAX_RESULTS)
    return badRequest("RESULTSET_TOO_LARGE", undefined, "The result set size is greater than the maximum limit.");
  const body = {
    transaction_details: wanted.slice((page - 1) * size, page * size).map(({ shown }) => ({ transaction_info: shown })),
    account_number: account.slice(0, 13).toUpperCase(),
    start_date: zoned(from),
    end_date: zoned(to),
    last_refreshed_datetime: zoned(store.world.now()),
    page,
    total_items: wanted.length,
    total_pages: Math.ceil(wanted.length / size),
  };
  return { status: 200, body: JSON.stringify(body), executed: true };
}

function linesOf(store: PaypalStore, account: string): Line[] {
  store.bringUpToDate();
  const mine = <Row extends { readonly account: string }>(rows: Iterable<Row>) => [...rows].filter((row) => row.account === account);
  return [
    ...mine(store.captures.values()).map((capture) => captureLine(store, capture)),
    ...mine(store.authorizations.values()).map(holdLine),
    ...mine(store.refunds.values()).map(refundLine),
  ];
}

const CAPTURE_STATES: Readonly<Record<Capture["status"], string>> = {
  COMPLETED: "S",
  PARTIALLY_REFUNDED: "S",
  REFUNDED: "V",
  PENDING: "P",
  DECLINED: "D",
};

function captureLine(store: PaypalStore, capture: Capture): Line {
  const source = store.orders.get(capture.order)?.source?.kind;
  const status = CAPTURE_STATES[capture.status];
  const info = {
    ...common(capture, source === "card" ? "T0006" : "T0003", status),
    transaction_amount: showAmount(capture.amount),
    ...(capture.authorization ? { paypal_reference_id: capture.authorization, paypal_reference_id_type: "TXN" } : {}),
  };
  return line(capture, info, status === "S" || status === "V");
}

function holdLine(held: Authorization): Line {
  return line(held, { ...common(held, "T1300", "S"), transaction_amount: showAmount(held.amount) }, false);
}

const REFUND_STATES: Readonly<Record<Refund["status"], string>> = { COMPLETED: "S", PENDING: "P", FAILED: "D" };

function refundLine(refund: Refund): Line {
  const { currency_code, value } = showAmount(refund.amount);
  const info = {
    ...common(refund, "T1107", REFUND_STATES[refund.status]),
    transaction_amount: { currency_code, value: `-${value}` },
    paypal_reference_id: refund.capture,
    paypal_reference_id_type: "TXN",
  };
  return line(refund, info, refund.status === "COMPLETED");
}

function common(row: Capture | Authorization | Refund, code: string, status: string) {
  return {
    transaction_id: row.id,
    transaction_event_code: code,
    transaction_initiation_date: zoned(row.created),
    transaction_updated_date: zoned(row.updated),
    transaction_status: status,
    ...(row.invoiceId === null ? {} : { invoice_id: row.invoiceId }),
    ...(row.customId === null ? {} : { custom_field: row.customId }),
  };
}

function line(row: { readonly created: number }, shown: Line["shown"] & { transaction_event_code: string }, movesBalance: boolean): Line {
  return { at: Math.floor(row.created / 1000) * 1000, code: shown.transaction_event_code, movesBalance, shown };
}

/** Reports write zones without a colon. */
function zoned(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+0000`;
}

function timeOf(text: string | null): number | null {
  // A plus in a query is a space.
  const date = text?.replace(" ", "+") ?? "";
  return RFC3339.test(date) ? Date.parse(date) : null;
}

function countOf(text: string, max: number): number | null {
  const count = Number(text);
  return Number.isInteger(count) && count >= 1 && count <= max ? count : null;
}
